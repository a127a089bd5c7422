"""`sorcerers_eye nodes`: who is in the cluster, and how each node is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.cli.filtering import chosen, did_not_answer, filter_option
from eye.cli.options import Shared, format_option, option, timeout_option
from eye.cli.options import command as make_command

if TYPE_CHECKING:
    from eye.cli.looking import Lookout
    from eye.metrics.filters import Filter
    from eye.monitor.node_view import NodeView
    from eye.monitor.tally import Census

_EXAMPLE = """\
sorcerers_eye nodes
sorcerers_eye nodes --matrix
sorcerers_eye nodes --forget mystic-node-7"""

_HELP = """Who is in the cluster, and how each node is.

A node that died stays listed as down, until it returns, an hour has passed, or you dismiss it with --forget. ASKED
says how often a node is asked for its figures by whoever looks at it most closely: nobody, where there is a dash.
"""
_TITLES = ("NODE", "STATUS", "ADDRESS", "LAST SEEN", "SINCE", "ASKED", "REASON")


@make_command("nodes", help=_HELP, example=_EXAMPLE)
@format_option("table", "json")
@filter_option()
@option("--matrix", is_flag=True, help="Who sees whom: ask each of them how it sees the others.")
@option("--forget", metavar="NAME", help="Have every node forget one that is down and will not come back.")
@timeout_option()
def command(
    shared: Shared, format: str, filter: Filter | None, matrix: bool, forget: str | None, timeout: float
) -> int:
    from eye.cli.looking import Lookout
    from eye.cli.screen import as_json, write

    with Lookout(shared) as lookout:
        if forget is not None:
            return _forget(lookout, forget, timeout)
        census = lookout.must_look(timeout)
        shown = chosen(census.nodes, filter)
        if matrix:
            return _matrix(lookout, shown, census, format, timeout)
        shown = _with_pace(lookout, shown, census, timeout)
    write(as_json(_document(shown, census.at)) if format == "json" else _table(shown, census.at))
    return 3 if did_not_answer(census, shown) else 0


def _matrix(lookout: Lookout, shown: tuple[NodeView, ...], census: Census, format: str, timeout: float) -> int:
    """Ask each registry how it sees the others."""
    from eye.cli.matrix import matrix
    from eye.cli.screen import as_json, size, write
    from eye.cluster.registry import NODES
    from eye.monitor.sightings import choose, row

    asked = choose([node.name for node in shown], [node.name for node in shown if node.status != "up"])
    routes = {name: census.routes[name] for name in asked if name in census.routes}
    answers = lookout.ask_all(routes.values(), NODES, timeout=timeout)
    reasons = {node.name: node.reason for node in shown}
    told: dict[str, Any] = {
        "version": 1,
        "at": census.at,
        "nodes": [node.name for node in shown],
        "rows": [row(name, answers.get(routes.get(name, "")), reasons[name]) for name in asked],
        "left_out": len(shown) - len(asked),
    }
    width, _ = size() or (100, 0)
    write(as_json(told) if format == "json" else matrix(told, width))
    return 3 if any(one["error"] for one in told["rows"]) else 0


def _with_pace(
    lookout: Lookout, shown: tuple[NodeView, ...], census: Census, timeout: float
) -> tuple[NodeView, ...]:
    """Add how often each is asked, which it knows itself."""
    from dataclasses import replace

    from eye.monitor.methods import COST

    routes = {node.name: census.routes[node.name] for node in shown if node.name in census.routes}
    answers = lookout.ask_all(routes.values(), COST, timeout=timeout)
    costs = {name: answers[address].value for name, address in routes.items()}
    return tuple(replace(node, every=(costs.get(node.name) or {}).get("every")) for node in shown)


def _forget(lookout: Lookout, name: str, timeout: float) -> int:
    """Ask every registry, for each has a list of its own."""
    from eye.cli.screen import tell, write
    from eye.cluster.registry import FORGET
    from eye.errors import NotDown, UnknownNode
    from eye.monitor.clean import clean

    census = lookout.must_look(timeout)
    if name in census.routes:
        raise NotDown(name)
    answers = lookout.ask_all(census.routes.values(), FORGET, name, timeout=timeout)
    for answer in answers.values():
        if isinstance(answer.error, NotDown):
            raise answer.error
    if not any(answer.value for answer in answers.values()):
        raise UnknownNode(name, ", ".join(census.known))
    silent = [address for address, answer in answers.items() if answer.error is not None]
    for address in silent:
        tell(f"{address} was not told: {answers[address].error}")
    write(f"{clean(name)} is forgotten by {len(answers) - len(silent)} nodes\n")
    return 3 if silent else 0


def _table(nodes: tuple[NodeView, ...], at: float) -> str:
    rows = [_TITLES, *(_row(node, at) for node in nodes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(node: NodeView, now: float) -> tuple[str, ...]:
    from eye.exporters.units import duration
    from eye.monitor.clean import clean

    if node.seen_at is None:
        seen = "never"
    else:
        seen = "now" if now - node.seen_at < 1.0 else f"{duration(now - node.seen_at)} ago"
    asked = "-" if node.every is None else f"every {round(node.every, node.every < 10):g} s"
    cells = (node.name, node.status, node.address, seen, duration(now - node.since), asked, node.reason or "")
    return tuple(map(clean, cells))


def _document(nodes: tuple[NodeView, ...], at: float) -> dict[str, Any]:
    fields = ("status", "address", "boot", "seen_at", "since", "reason", "every")
    return {
        "version": 1,
        "at": at,
        "nodes": [{"node": node.name, **{field: getattr(node, field) for field in fields}} for node in nodes],
    }
