"""`sorcerers_eye gc`: garbage collection on remote nodes: what it is likely to cost, then a receipt from each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from eye.cli.globs import Glob, matcher, unmatched
from eye.cli.options import Seconds, Shared, format_option, option
from eye.cli.options import command as make_command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.cli.looking import Lookout
    from eye.monitor.tally import Census

    Told = dict[str, Any]

_EXAMPLE = """\
sorcerers_eye gc mystic-node-1
sorcerers_eye gc 'mystic-*' --estimate
sorcerers_eye gc --all --format json"""

_HELP = """Collect garbage on the nodes that match, and say what it freed.

Python's collector stops a whole node while it works, 0.14 ms for each 1,000 objects or so. How long that is likely
to be is said first; a node that would stand still for more than a second is asked about, if you sit at a terminal.
The receipt says how long it was. A node collects once in 5 seconds at most, and not at all if it was started
with --deny gc.
"""

_LONG = 1.0  # seconds of standing still that somebody at a terminal is asked about
_ESTIMATES_WITHIN = 5.0


@make_command("gc", help=_HELP, example=_EXAMPLE)
@click.argument("nodes", nargs=-1, type=Glob(), metavar="[NODE-GLOB]...")
@option("--all", "everywhere", is_flag=True, help="On every node.")
@option("--estimate", "estimate", is_flag=True, help="Only say what it would be likely to cost.")
@option("--yes", "yes", is_flag=True, help="Do not ask, however long a node will stand still.")
@format_option("text", "json")
@option(
    "--timeout",
    type=Seconds(min=0.05, max=600),
    metavar="SECONDS",
    default=30.0,
    show_default=True,
    help="How long to wait for answers.",
)
def command(
    shared: Shared,
    nodes: tuple[str, ...],
    everywhere: bool,
    estimate: bool,
    yes: bool,
    format: str,
    timeout: float,
) -> int:
    from eye.cli.looking import Lookout
    from eye.errors import ConfigError, UnknownNode

    if bool(nodes) == everywhere:
        raise ConfigError("say which nodes, by a name or a glob, or --all of them" + " (not both)" * everywhere)
    with Lookout(shared) as lookout:
        census = lookout.must_look(wants=matcher(nodes))
        if not census.nodes:
            raise UnknownNode(" ".join(nodes), ", ".join(census.known))
        round_ = _Round(lookout, census, format == "json")
        for glob in unmatched(nodes, census.known):
            round_.fail(glob, str(UnknownNode(glob, ", ".join(census.known))))
        round_.estimate(min(timeout, _ESTIMATES_WITHIN), is_all=estimate)
        if not estimate and round_.willing and (yes or _agrees(round_)):
            round_.collect(timeout)
    round_.finish()
    return 3 if round_.failed or census.unreached else 0


def _agrees(round_: _Round) -> bool:
    """Ask a person who sits there; a program has said what it wants."""
    if round_.longest <= _LONG or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    return click.confirm("Collect?", err=True)


class _Round:
    """Asks the nodes that were meant, and tells what they answer, at once."""

    def __init__(self, lookout: Lookout, census: Census, is_json: bool) -> None:
        from eye.cli.receipts import Lines

        self._lookout, self._is_json = lookout, is_json
        # The routes are those of all nodes: nobody else is to stand still.
        self._names = {census.routes[one.name]: one.name for one in census.nodes if one.name in census.routes}
        self._lines = Lines(one.name for one in census.nodes)
        self._estimates: dict[str, Told] = {}  # by address
        self._receipts: list[Told] = []
        self.willing: list[str] = []  # addresses
        self.failed: list[Told] = []
        for one in census.nodes:
            if one.name not in census.routes:
                self.fail(one.name, f"node {one.name!r} is down: {one.reason}")

    @property
    def longest(self) -> float:
        """For how long a node will stand still, of those that are to."""
        known = [self._estimates[one]["estimate"] for one in self.willing if one in self._estimates]
        return max(known, default=0.0)

    def estimate(self, timeout: float, *, is_all: bool) -> None:
        """Have each node say what it would cost, and tell that: all of it, or in a sentence."""
        from eye.cli.receipts import warning
        from eye.cli.screen import news
        from eye.errors import ActionTooSoon
        from eye.monitor.methods import GC_ESTIMATE

        for address, answer in self._lookout.ask_each(self._names, GC_ESTIMATE, timeout=timeout):
            name = self._names[address]
            if isinstance(answer.error, LookupError) and not is_all:  # a node of an older version
                self.willing.append(address)
            elif answer.error is not None:
                self.fail(name, str(answer.error))
            elif answer.value["allowed_in"] > 0 and not is_all:
                self.fail(name, str(ActionTooSoon(name, "gc", answer.value["allowed_in"])))
            else:
                self.willing.append(address)
                self._estimates[address] = answer.value
        if is_all:
            self._print(self._lines.estimates(), map(self._lines.estimate, self._by_name()))
        elif self._estimates:
            news(warning(list(self._estimates.values())))

    def collect(self, timeout: float) -> None:
        """Have the nodes collect, and tell each receipt when it comes."""
        from eye.cli.progress import Progress
        from eye.monitor.methods import GC

        with Progress("collecting", of=len(self.willing)) as progress:
            for address, answer in self._lookout.ask_each(self.willing, GC, timeout=timeout):
                progress.hide()
                if answer.error is not None:
                    self.fail(self._names[address], str(answer.error))
                else:
                    heading = "" if self._receipts else self._lines.receipts()
                    self._print(heading, [self._lines.receipt(answer.value)])
                    self._receipts.append(answer.value)
                progress.step()

    def finish(self) -> None:
        """Tell what there is to tell when all have answered."""
        from eye.cli.receipts import summary
        from eye.cli.screen import as_json, news, write

        if self._is_json:
            estimates = self._by_name()
            told = {"version": 1, "estimates": estimates, "receipts": self._receipts, "failed": self.failed}
            write(as_json(told))
        elif len(self._receipts) > 1:
            news(summary(self._receipts, len(self._names)))

    def _by_name(self) -> list[Told]:
        return sorted(self._estimates.values(), key=lambda told: str(told["node"]))

    def _print(self, heading: str, lines: Iterable[str]) -> None:
        from eye.cli.screen import write

        if not self._is_json and (text := "".join(lines)):
            write(heading + text)

    def fail(self, name: str, why: str) -> None:
        from eye.cli.screen import tell

        self.failed.append({"node": name, "error": why})
        tell(why)
