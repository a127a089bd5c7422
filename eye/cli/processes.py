"""`sorcerers_eye processes`: every process of a node, or of all, the one with the longest mailbox first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import Shared, Whole, format_option, option, timeout_option
from eye.cli.options import command as make_command

if TYPE_CHECKING:
    from eye.cli.looking import Lookout

_EXAMPLE = """\
sorcerers_eye processes mystic-node-1
sorcerers_eye processes --sort restarts --limit 10"""

_HELP = """Every process of a node, or of all: mailbox, age of the oldest message, messages handled, restarts.

They are sorted and cut on the node itself.
"""

_SORTS = ("mailbox", "age", "handled", "restarts", "path")
_TITLES = ("PROCESS", "STATUS", "MAILBOX", "OLDEST", "HANDLED", "RESTARTS", "OS PROCESS")


@make_command("processes", help=_HELP, example=_EXAMPLE)
@click.argument("node", required=False)
@option(
    "--sort",
    type=click.Choice(_SORTS),
    default="mailbox",
    show_default=True,
    help="What comes first: the most of it.",
)
@option(
    "--limit",
    type=Whole(1, 1000),
    default=100,
    show_default=True,
    metavar="N",
    help="How many processes of each node.",
)
@format_option("text", "json")
@timeout_option()
def command(shared: Shared, node: str | None, sort: str, limit: int, format: str, timeout: float) -> int:
    from eye.cli.looking import Lookout
    from eye.cli.screen import as_json, write

    with Lookout(shared) as lookout:
        lists, code = _ask(lookout, node, sort, limit, timeout)
    if node is not None and not lists:
        return code
    document: Any = lists[0] if node is not None else {"version": 1, "nodes": lists}
    write(as_json(document) if format == "json" else _text(lists, with_names=node is None))
    return code


def _ask(
    lookout: Lookout, node: str | None, sort: str, limit: int, timeout: float
) -> tuple[list[dict[str, Any]], int]:
    from eye.cli.screen import tell
    from eye.errors import DeadlineExceeded, NodeDown, NodeUnreachable
    from eye.monitor.methods import PROCESSES

    if node is not None:
        try:
            return [lookout.ask(lookout.find(node, timeout), PROCESSES, sort, limit, timeout=timeout)], 0
        except (NodeDown, NodeUnreachable, DeadlineExceeded) as error:
            tell(str(error))
            return [], 3
    census = lookout.must_look(timeout)
    answers = lookout.ask_all(census.routes.values(), PROCESSES, sort, limit, timeout=timeout)
    lists, code = [], 3 if census.unreached else 0
    for one in census.nodes:
        answer = answers[census.routes[one.name]] if one.name in census.routes else None
        if answer is not None and answer.error is None:
            lists.append(answer.value)
        else:
            tell(f"node {one.name!r} is down: {one.reason}" if answer is None else f"{one.name}: {answer.error}")
            code = 3
    return lists, code


def _text(lists: list[dict[str, Any]], *, with_names: bool) -> str:
    from eye.monitor.clean import clean

    blocks = []
    for document in lists:
        rows = [_TITLES, *map(_row, document["processes"])]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
        lines = [f"Node: {clean(document['node'])}"] * with_names
        lines += [_line(row, widths) for row in rows]
        if (left := document["count"] - len(document["processes"])) > 0:
            lines.append(f"… and {left} more; --limit shows them")
        blocks.append("".join(f"{line}\n" for line in lines))
    return "\n".join(blocks)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    from eye.exporters.units import duration
    from eye.monitor.clean import clean

    age = one["mailbox_age"]
    return (
        clean(one["path"]),
        clean(one["status"]),
        str(one["mailbox"]),
        "-" if age is None else duration(age),
        "-" if one["handled"] is None else str(one["handled"]),
        str(one["restarts"]),
        str(one["os_process"] or "-"),
    )


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
