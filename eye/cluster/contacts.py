"""When to dial whom: the addresses that membership announces itself to, one `Contact` each.

    works: again after the period, a little more or less
    fails: again after a wait drawn between nothing and twice as much as the last time, up to the cap

Each wait is drawn at random, so that a cluster that starts, or loses its network, all at once does not
dial all at once for ever after. Nothing in here but arithmetic: the time is handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.cluster.known import Settings
    from eye.cluster.registry import Digest

_AT_LEAST = 0.05  # seconds between two tries
_CALL_LOST = 30.0  # seconds after which a call that has not ended will not


class Contact:
    """An address that we dial, and how that went lately."""

    __slots__ = (
        "_contacts",
        "_failing_since",
        "_failures",
        "_is_doomed",
        "_was_lost",
        "address",
        "called_at",
        "due",
        "is_calling",
        "is_linked",
        "name",
        "version",
    )

    def __init__(self, contacts: Contacts, address: str, due: float, name: str | None) -> None:
        self._contacts = contacts
        self.address, self.due, self.name = address, due, name
        self.version = 0  # of its registry, that we know
        self.is_calling = False
        self.called_at = due
        self.is_linked = False  # our last call was answered, and the connection stands
        self._was_lost = False  # the connection closed, and nobody has been reached since
        self._is_doomed = False  # the call on its way was made before that, and will fail of it
        self._failures = 0
        self._failing_since = due

    def succeed(self, digest: Digest, now: float) -> None:
        """Note that our call was answered."""
        self.is_calling = self._was_lost = self._is_doomed = False
        self.is_linked = True
        self._failures = 0
        self._failing_since = now
        self.version = digest.version
        self._wait_until(now + self._contacts.period())

    def lose(self, now: float) -> None:
        """Note that the connection has closed: dial again at once."""
        if self.is_linked:
            self.is_linked = False
            self._was_lost = True
            self._is_doomed = self.is_calling
            self._wait_until(now)

    def fail(self, now: float) -> bool:
        """Note that our call failed; say whether it was the first dialling after a lost connection."""
        was_linked, was_doomed, self.is_calling, self._is_doomed = self.is_linked, self._is_doomed, False, False
        self.version = 0  # who answers next may be another
        if was_linked or was_doomed:
            self.is_linked = False
            self._was_lost = True
            self._wait_until(now)
            return False
        self._failures += 1
        self._wait_until(now + self._contacts.backoff(self._failures))
        return self._was_lost

    def hurry(self, now: float) -> None:
        """Dial as soon as possible: there is reason to believe that somebody is there again."""
        self._failures = 0
        self._wait_until(min(self.due, now))

    def _wait_until(self, due: float) -> None:
        self.due = due
        self._contacts.next_due = min(self._contacts.next_due, due)

    def has_failed_for(self, seconds: float, now: float) -> bool:
        """Whether nobody was reached here for that long."""
        return now - self._failing_since > seconds


class Contacts:
    """All of them."""

    def __init__(self, settings: Settings, jitter: Callable[[], float]) -> None:
        self._settings, self._jitter = settings, jitter
        self._all: dict[str, Contact] = {}
        self._excluded: set[str] = set()  # addresses of this very node
        self.next_due = float("-inf")  # nobody is due before

    def get(self, address: str) -> Contact | None:
        """The contact of that address, if there is one."""
        return self._all.get(address)

    def add(self, address: str, now: float, name: str | None = None) -> Contact:
        """The contact of that address; a new one is due at once."""
        contact = self._all.get(address)
        if contact is None:
            contact = Contact(self, address, now, name)
            if address not in self._excluded:
                self._all[address] = contact
                self.next_due = min(self.next_due, now)
        elif name is not None:
            contact.name = name
        return contact

    def drop(self, address: str) -> None:
        """Dial it no more."""
        self._all.pop(address, None)

    def exclude(self, address: str) -> None:
        """Never dial it: it is this node."""
        self.drop(address)
        self._excluded.add(address)

    def is_linked(self, address: str) -> bool:
        """Whether a connection to that address stands."""
        contact = self._all.get(address)
        return contact is not None and contact.is_linked

    def take_due(self, now: float, spare: Callable[[Contact], bool] = lambda _contact: False) -> Iterator[Contact]:
        """Give those that are due, and take them as called. Those to `spare` are asked about, and wait."""
        if now < self.next_due:
            return
        self.next_due = float("inf")
        for contact in list(self._all.values()):
            # Every call ends within seconds, but for those of a process that has crashed meanwhile.
            if contact.is_calling and now - contact.called_at < _CALL_LOST:
                due = contact.called_at + _CALL_LOST
            else:
                if contact.due <= now and spare(contact):
                    contact.due = now + self.period()
                due = contact.due
            if due <= now:
                contact.is_calling, contact.called_at = True, now
                due = now + _CALL_LOST
                self.next_due = min(self.next_due, due)
                yield contact
            elif due < self.next_due:
                self.next_due = due

    def period(self) -> float:
        """Draw the time to the next announcement."""
        return self._settings.period * (1.0 + self._settings.spread * (2.0 * self._jitter() - 1.0))

    def backoff(self, failures: int) -> float:
        """Draw the wait after so many failures in a row."""
        most = min(self._settings.backoff_cap, self._settings.backoff_base * 2.0 ** min(failures, 30))
        return max(_AT_LEAST, self._jitter() * most)
