"""The process that asks the rules, once a beat, and passes on what changed.

It knows nothing that must not be lost: the alerts are in the ledger, what is to be told in the outboxes, and both
outlive it. It waits for nobody: the nodes are read where they are known, the sinks are told that something waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.alerts.news import TOPIC, AlertFired, AlertResolved
from eye.alerts.sink import poke
from eye.supervision.answers import Continue
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eye.alerts.alert import Changes
    from eye.alerts.ledger import Ledger
    from eye.alerts.outbox import Outbox
    from eye.alerts.rule_book import RuleBook
    from eye.alerts.rules import RuleSet
    from eye.alerts.silences import Silence
    from eye.alerts.verdict import Facts


class Beat(NamedTuple):
    """It is time to look."""


def sink_name(sink: str) -> str:
    """Name the process of a sink."""
    return f"eye.alerts.{sink}"


class Evaluator(GenServer):
    """Asks the rules."""

    def init(
        self,
        ledger: Ledger,
        book: RuleBook,
        outboxes: Mapping[str, Outbox],
        read: Callable[[], list[Facts]],
        silences: Callable[[], tuple[Silence, ...]] = lambda: (),
        save: Callable[[], None] = lambda: None,
        use: Callable[[RuleSet], None] = lambda rules: None,
        *,
        interval: float = 1.0,
    ) -> Continue:
        """Begin to look.

        Args:
            ledger: where the alerts are.
            book: what to ask, which may change.
            outboxes: of each sink, by its name.
            read: answers what is known of each node, without waiting.
            silences: answers those that were said at run time.
            save: keeps what another life of the program has to know; called when that is another.
            use: makes what other rules need, when they have changed.
            interval: seconds from one look to the next.
        """
        self._ledger, self._book, self._outboxes = ledger, book, outboxes
        self._read, self._silences, self._save, self._use = read, silences, save, use
        self._interval = interval
        self._next = self.system.clock.monotonic()
        return Continue(Beat())

    def handle_continue(self, message: Beat) -> None:
        self.handle_info(message)

    def handle_info(self, message: Any) -> Any:
        if not isinstance(message, Beat):
            return super().handle_info(message)
        self._look()
        now = self.system.clock.monotonic()
        missed = max(int((now - self._next) / self._interval), 0)
        self._next += (missed + 1) * self._interval
        self.system.send_at(self.ref, self._next, Beat())
        return None

    def _look(self) -> None:
        clock = self.system.clock
        if (told := self._book.reread(self._use)) is not None:
            self.system.topics.broadcast(TOPIC, told)
        rules = self._book.rules
        silences = (*rules.silences, *self._silences())
        changes = self._ledger.look(rules.rules, self._read(), clock.monotonic(), clock.now(), silences)
        if changes.happened or changes.notices:
            self._pass_on(changes)
            self._save()

    def _pass_on(self, changes: Changes) -> None:
        for name, outbox in self._outboxes.items():
            told = [one.record for one in changes.notices if one.sinks is None or name in one.sinks]
            if told:
                outbox.put(told)
                # One that is just being restarted looks into its outbox by itself.
                if (sink := self.system.whereis(sink_name(name))) is not None:
                    poke(sink)
        for record in changes.happened:
            news = AlertResolved(record) if record["state"] == "resolved" else AlertFired(record)
            self.system.topics.broadcast(TOPIC, news)
