"""`sorcerers_eye fetch`: one reading of every node, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eye.cli.filtering import chosen, did_not_answer, filter_option
from eye.cli.forms import FOR_PEOPLE, FORMATS, Form, choose, choose_early, only_host
from eye.cli.globs import Glob, matcher, unmatched
from eye.cli.options import Seconds, Shared, format_option, option, timeout_option
from eye.cli.options import command as make_command
from eye.cli.screen import Page, beats, tell
from eye.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.cli.alone import ThisMachine
    from eye.cli.looking import Lookout
    from eye.metrics.catalogue import Metric
    from eye.metrics.filters import Filter
    from eye.monitor.node_view import NodeView
    from eye.monitor.tally import Census

_EXAMPLE = """\
sorcerers_eye fetch
sorcerers_eye fetch --node 'web-*' --metric cpu --metric memory --format table --watch 2"""

_HELP = """One reading of every node.

Without a cluster it reads this machine alone, and says so. Exit code 3 says that some node did not answer.
"""


@make_command("fetch", help=_HELP, example=_EXAMPLE)
@option(
    "--node", "node", multiple=True, type=Glob(), metavar="GLOB", help="Only nodes of such names. May be repeated."
)
@filter_option()
@option(
    "--metric",
    "metric",
    multiple=True,
    metavar="NAME",
    help="Only this metric, or figure of a program's own: cpu, disk, orders. May be repeated.",
)
@option(
    "--scope",
    type=click.Choice(("host", "node", "all")),
    help="The machine's figures, the node's own share of them, or both.  [default: host]",
)
@format_option(*FORMATS)
@option(
    "--watch", type=Seconds(min=0.1, max=86400), metavar="SECONDS", help="Repeat every so often, until Ctrl-C."
)
@timeout_option()
def command(
    shared: Shared,
    node: tuple[str, ...],
    filter: Filter | None,
    metric: tuple[str, ...],
    scope: str | None,
    format: str,
    watch: float | None,
    timeout: float,
) -> int:
    choice = _Choice(format, metric, scope)
    form = Form(format, repeats=watch is not None)
    page = Page(
        in_place=watch is not None and format in FOR_PEOPLE, between="" if format in ("json", "csv") else "\n"
    )
    from eye.cli.looking import Lookout

    code = 0
    with Lookout(shared) as lookout:
        reader = _Reader(lookout, node, filter, timeout, choice)
        try:
            for _ in beats(watch, lookout):
                now, nodes, shown = reader.read()
                page.show(form.write(nodes, now, shown))
                code = 3 if reader.somebody_did_not_answer else 0
        except KeyboardInterrupt:
            if watch is None:
                raise  # with --watch it is the way to end
    return code


class _Choice:
    """Which metrics are shown. Those of the nodes' own programs are known when the nodes have answered."""

    def __init__(self, format: str, names: tuple[str, ...], scope: str | None) -> None:
        self.format, self._names, self._scope = format, names, scope
        self._own: dict[str, Metric] = {}
        self._is_whole = choose_early(format, names, scope) is None

    def of(self, nodes: Iterable[NodeView]) -> tuple[Metric, ...] | None:
        """Choose among what is measured, and what these nodes tell or have told before."""
        if self._is_whole or not self._names:
            return choose(self.format, self._names, self._scope)
        from eye.metrics.custom import metrics_of

        own = self._own | {one.name: one for one in metrics_of(nodes)}
        chosen = choose(self.format, self._names, self._scope, own.values())
        self._own = {name: one for name, one in own.items() if one in (chosen or ())}
        return chosen


class _Reader:
    """Reads the cluster, or this machine where there is none."""

    def __init__(
        self,
        lookout: Lookout,
        globs: tuple[str, ...],
        wanted: Filter | None,
        timeout: float,
        choice: _Choice,
    ) -> None:
        self._lookout, self._globs, self._wanted, self._timeout = lookout, globs, wanted, timeout
        self._choice = choice
        self._told: set[str] = set()  # of which nodes it was said that they are containers
        self._wants = matcher(globs)
        self._machine: ThisMachine | None = None
        self._refused: set[str] = set()  # of which nodes it was said that they refused
        self._unknown: list[str] = []  # of which names it was said that nobody has them
        self.somebody_did_not_answer = False

    def read(self) -> tuple[float, tuple[NodeView, ...], tuple[Metric, ...] | None]:
        """Answer when it was, what was read, and which of the metrics there are."""
        census = self._lookout.look(self._timeout, self._wants)
        if census is None:
            return self._read_this_machine()
        if not census.nodes:
            raise ClusterError(_nobody(self._globs, census.known))
        nodes = chosen(census.nodes, self._wanted)
        misses, refused = self._misses_some(census.known), self._tell_refused(census, nodes)
        self.somebody_did_not_answer = misses or refused or did_not_answer(census, nodes)
        if self._choice.format == "text":
            self._tell_containers(nodes)
        return census.at, nodes, self._choice.of(census.nodes)

    def _read_this_machine(self) -> tuple[float, tuple[NodeView, ...], tuple[Metric, ...] | None]:
        from eye.cli.alone import ThisMachine

        shown = only_host(self._choice.of(()))
        if self._globs:
            raise ClusterError(f"no node is called {_listed(self._globs)}: no cluster was found")
        if shown == ():
            raise ClusterError("only a node can tell that, and none was found; see sorcerers_eye start --help")
        if self._machine is None:
            tell("no cluster was found; this is this machine alone")
            self._machine = ThisMachine()
        now, view = self._machine.read()
        if self._choice.format == "text":
            self._tell_containers((view,))
        self.somebody_did_not_answer = False
        return now, chosen((view,), self._wanted), shown

    def _tell_containers(self, nodes: Iterable[NodeView]) -> None:
        """Say beside the text, whose form is a contract, what the other formats have a place for."""
        new = {
            node.name for node in nodes if node.host is not None and node.host.source == "container"
        } - self._told
        if new:
            self._told |= new
            tell(f"memory and CPU are those of the container, not of the machine: {', '.join(sorted(new))}")

    def _tell_refused(self, census: Census, nodes: Iterable[NodeView]) -> bool:
        """Say once of each node that it does not let its figures be read."""
        refused = {node.name for node in nodes} & set(census.refused)
        for name in sorted(refused - self._refused):
            tell(str(census.refused[name]))
        self._refused |= refused
        return bool(refused)

    def _misses_some(self, known: tuple[str, ...]) -> bool:
        """Say which of several names nobody has: once, for as long as that is so."""
        unknown = unmatched(self._globs, known)
        if unknown and unknown != self._unknown:
            tell(_nobody(unknown, known))
        self._unknown = unknown
        return bool(unknown)


def _nobody(globs: Iterable[str], known: Iterable[str]) -> str:
    return f"no node is called {_listed(globs)}; known are: {', '.join(known)}"


def _listed(globs: Iterable[str]) -> str:
    return " or ".join(map(repr, globs))
