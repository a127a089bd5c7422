"""Who registered what: the table behind a registry, and what may be done with it.

Reading takes no lock and asks nobody: every change makes a new tuple, and a reader holds the old one or
the new one. A process that ends is struck out of the table on its way down, before anybody is told that
it ended; an entry whose owner is gone is shown to nobody even before that.

The table belongs to the system, not to the `Registry` process that stands for it in the tree: a registry
that crashes, or is stopped and started again, loses no entry.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from eye.errors import AlreadyRegistered, CannotCross, NoProcess, NotRegistered, NotUnique
from eye.supervision.answers import NOTHING
from eye.supervision.messages import Info
from eye.supervision.reasons import NOPROC
from eye.supervision.ref import Ref
from eye.supervision.via import Via

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from eye.supervision.inbox import Inbox
    from eye.supervision.via import Name

logger = logging.getLogger("eye.supervision")

Keys = Literal["unique", "duplicate"]
"""Whether one key belongs to one process at most, or to as many as register it."""


class Entry(NamedTuple):
    """One registration: the process, and the value it gave."""

    ref: Ref
    value: Any


class Registered(NamedTuple):
    """To a registry's listeners: a process registered."""

    registry: str
    key: Any
    ref: Ref
    value: Any


class Unregistered(NamedTuple):
    """To a registry's listeners: an entry is gone, because its owner took it back or ended."""

    registry: str
    key: Any
    ref: Ref


class Entries:
    """The entries of one registry. Any thread may read and change them."""

    def __init__(self, registry: str, keys: Keys) -> None:
        self.registry = registry
        """What the registry is called."""
        self.keys_are: Keys = keys
        self.listeners: tuple[Ref | Inbox | Name, ...] = ()
        self.find_listener: Callable[[Name], Ref | None] = lambda _name: None
        self._meta: dict[Any, Any] = {}
        self._by_key: dict[Hashable, tuple[Entry, ...]] = {}
        self._by_owner: dict[Ref, dict[Hashable, None]] = {}
        self._lock = threading.Lock()

    # ---------------------------------------------------------------------------- reading

    def lookup(self, key: Hashable) -> tuple[Entry, ...]:
        """List who registered `key`, in that order."""
        return tuple(entry for entry in self._by_key.get(key, ()) if entry.ref.exit_reason is None)

    def find(self, key: Hashable) -> Ref | None:
        """Answer who has `key`, where at most one process can."""
        if self.keys_are != "unique":
            raise NotUnique(self.registry, key)
        return next((entry.ref for entry in self.lookup(key)), None)

    def keys(self, owner: Ref) -> tuple[Any, ...]:
        """List the keys of one process, each as often as it registered it."""
        with self._lock:
            mine = tuple(self._by_owner.get(owner, ()))
            return tuple(key for key in mine for entry in self._by_key[key] if entry.ref is owner)

    def values(self, key: Hashable, owner: Ref) -> tuple[Any, ...]:
        """List the values that one process gave for `key`."""
        return tuple(entry.value for entry in self.lookup(key) if entry.ref is owner)

    def all(self) -> tuple[tuple[Any, Ref, Any], ...]:
        """List every entry: key, process, value."""
        with self._lock:
            present = tuple(self._by_key.items())
        return tuple((key, *entry) for key, entries in present for entry in entries if entry.ref.is_alive)

    def count(self) -> int:
        """Count the entries."""
        return len(self.all())

    def get_meta(self, key: Hashable, default: Any = None) -> Any:
        return self._meta.get(key, default)

    # --------------------------------------------------------------------------- changing

    def register(self, key: Hashable, value: Any, owner: Ref) -> None:
        """Enter `owner` under `key`. The first of two who want a unique key gets it."""
        with self._lock:
            if self.keys_are == "unique":
                self._make_room(key)
            self._by_key[key] = (*self._by_key.get(key, ()), Entry(owner, value))
            self._by_owner.setdefault(owner, {})[key] = None
            self._tell(Registered(self.registry, key, owner, value))
        # Entered first and looked at second: one that ends meanwhile marks itself first and is struck
        # out second. Whatever the order, one of the two strikes it out.
        if owner.exit_reason is not None:
            self.forget(owner)
            raise NoProcess(str(owner), f"register {key!r}", NOPROC)

    def _make_room(self, key: Hashable) -> None:
        for entry in self._by_key.get(key, ()):
            if entry.ref.exit_reason is None:
                raise AlreadyRegistered(self.registry, key, entry.ref)
            self._strike_out(key, entry.ref)

    def unregister(self, key: Hashable, owner: Ref, value: Any = NOTHING) -> None:
        """Take back what `owner` registered under `key`: all of it, or what has this value."""
        with self._lock:
            if value is NOTHING:
                self._strike_out(key, owner)
            else:
                self._strike_out(key, owner, lambda entry: bool(entry.value == value))

    def replace(self, key: Hashable, value: Any, owner: Ref) -> None:
        """Give the entry of `owner` under a unique key another value."""
        with self._lock:
            if self.keys_are != "unique":
                raise NotUnique(self.registry, key)
            if key not in self._by_owner.get(owner, ()):
                raise NotRegistered(self.registry, key, str(owner))
            self._by_key[key] = (Entry(owner, value),)

    def put_meta(self, key: Hashable, value: Any) -> None:
        self._meta[key] = value

    def forget(self, owner: Ref) -> None:
        """Strike out a process that has ended."""
        if owner not in self._by_owner:
            return
        with self._lock:
            for key in tuple(self._by_owner.get(owner, ())):
                self._strike_out(key, owner)

    def _strike_out(
        self, key: Hashable, owner: Ref, unwanted: Callable[[Entry], bool] = lambda _entry: True
    ) -> None:
        mine, kept = 0, []
        for entry in self._by_key.get(key, ()):
            if entry.ref is not owner:
                kept.append(entry)
            elif unwanted(entry):
                self._tell(Unregistered(self.registry, key, owner))
            else:
                mine += 1
                kept.append(entry)
        if kept:
            self._by_key[key] = tuple(kept)
        else:
            self._by_key.pop(key, None)
        keys = self._by_owner.get(owner)
        if keys is not None and not mine:
            keys.pop(key, None)
            if not keys:
                del self._by_owner[owner]

    def _tell(self, news: Registered | Unregistered) -> None:
        # Under the lock, so that a listener hears in the order in which it happened. Past `send`: an entry
        # of a process that ends goes while the thread of that process is no more heard.
        for one in self.listeners:
            listener = self.find_listener(one) if isinstance(one, (str, Via)) else one
            if listener is None:
                continue
            try:
                listener.deliver(Info(news) if isinstance(listener, Ref) else news)
            except CannotCross as error:  # it must stop neither who registers nor who ends
                logger.warning("registry %s: a listener is not told: %s", self.registry, error)
