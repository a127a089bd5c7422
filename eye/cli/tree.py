"""`sorcerers_eye tree`: the live supervision tree of a node, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import Shared, format_option, timeout_option
from eye.cli.options import command as make_command

if TYPE_CHECKING:
    from eye.cli.looking import Lookout

_EXAMPLE = """\
sorcerers_eye tree mystic-node-1
sorcerers_eye tree --format json"""

_HELP = """The live supervision tree of a node, or of all.

Each line is a process: its id, how often it was started (#2), and, of a supervisor, its strategy and what
is spent of its restarts.
"""


@make_command("tree", help=_HELP, example=_EXAMPLE)
@click.argument("node", required=False)
@format_option("text", "json")
@timeout_option()
def command(shared: Shared, node: str | None, format: str, timeout: float) -> int:
    from eye.cli.looking import Lookout
    from eye.cli.screen import as_json, tell, write
    from eye.errors import DeadlineExceeded, NodeDown, NodeUnreachable

    with Lookout(shared) as lookout:
        if node is None:
            drawn, code = _draw_all(lookout, timeout)
            document: Any = {"version": 1, "trees": drawn}
        else:
            try:
                drawn, code = [_draw(lookout, node, timeout)], 0
            except (NodeDown, NodeUnreachable, DeadlineExceeded) as error:
                tell(str(error))
                return 3
            document = drawn[0]
    write(as_json(document) if format == "json" else _text(drawn, with_names=node is None))
    return code


def _draw(lookout: Lookout, node: str, timeout: float) -> dict[str, Any]:
    from eye.monitor.methods import TREE

    tree: dict[str, Any] = lookout.ask(lookout.find(node, timeout), TREE, timeout=timeout)
    return tree


def _draw_all(lookout: Lookout, timeout: float) -> tuple[list[dict[str, Any]], int]:
    from eye.cli.screen import tell
    from eye.monitor.methods import TREE

    census = lookout.must_look(timeout)
    answers = lookout.ask_all(census.routes.values(), TREE, timeout=timeout)
    drawn, code = [], 3 if census.unreached else 0
    for node in census.nodes:
        answer = answers[census.routes[node.name]] if node.name in census.routes else None
        if answer is not None and answer.error is None:
            drawn.append(answer.value)
        else:
            tell(
                f"node {node.name!r} is down: {node.reason}" if answer is None else f"{node.name}: {answer.error}"
            )
            code = 3
    return drawn, code


def _text(drawn: list[dict[str, Any]], *, with_names: bool) -> str:
    from eye.monitor.clean import clean
    from eye.supervision.introspection import as_text

    blocks = []
    for document in drawn:
        trees = [document["tree"], *document.get("others", ())]
        lines = [line for tree in trees for line in as_text(tree, now=document["at"]).splitlines()]
        blocks.append([f"Node: {document['node']}"] * with_names + lines)
    return "\n".join("".join(f"{clean(line)}\n" for line in block) for block in blocks)
