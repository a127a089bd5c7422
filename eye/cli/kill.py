"""`sorcerers_eye kill`: crash a process of a node on purpose, and watch its supervisor bring it back."""

from __future__ import annotations

import click

from eye.cli.options import Shared, option
from eye.cli.options import command as make_command

_EXAMPLE = """\
sorcerers_eye kill mystic-node-1 /eye/local/sampler
sorcerers_eye tree mystic-node-1"""

_HELP = """Crash a process of a node on purpose.

PROCESS is its path, its registered name or its id, as `tree` shows them. The node has to allow it: it was
started with --allow kill.
"""

_TIMEOUT = 5.0  # seconds; the process may first have to come to its next message


@make_command("kill", help=_HELP, example=_EXAMPLE)
@click.argument("node")
@click.argument("process")
@option(
    "--reason",
    metavar="TEXT",
    default="crashed on purpose",
    show_default=True,
    help="What its supervisor and its links are told; `kill` ends it at once.",
)
def command(shared: Shared, node: str, process: str, reason: str) -> int:
    from eye.cli.looking import Lookout
    from eye.cli.screen import tell, write
    from eye.errors import DeadlineExceeded, NodeDown, NodeUnreachable
    from eye.monitor.clean import clean
    from eye.monitor.methods import CRASH

    with Lookout(shared) as lookout:
        try:
            hit = lookout.ask(lookout.find(node), CRASH, process, reason, timeout=_TIMEOUT)
        except (NodeDown, NodeUnreachable, DeadlineExceeded) as error:
            tell(str(error))
            return 3
    write(f"{clean(hit)} of {node} was hit: {clean(reason)}\n")
    return 0
