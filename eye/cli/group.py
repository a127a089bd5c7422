"""The list of commands. A command is imported when it is used, and not before.

The one-line helps stand here and not with the commands, so that `--help` shows them all and imports none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import PROGRAM, SHARED, Option, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "demo": "A cluster on this machine, things to break, a narrator.",
    "start": "Run one node in the foreground.",
    "fetch": "One reading of every node.",
    "observe": "The live terminal view of the cluster.",
    "nodes": "Who is in the cluster, and how each node is.",
    "tree": "The live supervision tree of a node, or of all.",
    "processes": "Every process of a node, or of all, the longest mailbox first.",
    "history": "What was, from the database.",
    "alerts": "What alert rules say; check, test and silence them.",
    "gc": "Collect garbage on remote nodes, and say what it freed.",
    "kill": "Crash a process of a node on purpose.",
    "web": "The web view alone, in a browser.",
    "passwd": "Give somebody a password for the web view.",
}

_EPILOG = f"""\b
Examples:
  {PROGRAM} demo
  {PROGRAM} start --name mystic-node-1
  {PROGRAM} fetch --format table

Every option is also an environment variable (--timeout is EYE_TIMEOUT, or EYE_FETCH_TIMEOUT for that
command alone) and a key of the configuration file (timeout, or timeout under [fetch]).
"""


class LazyGroup(click.Group):
    """Finds its commands in the modules of this package that are called like them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"eye.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            ctx.fail(f"there is no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _before(option: Option) -> Option:
    """Make the copy of a shared option that stands before the command's name: it is noted, no more."""

    def note(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if ctx.get_parameter_source(param.name or "") is click.core.ParameterSource.COMMANDLINE:
            ctx.obj.before[param.name] = value

    return Option(
        list(option.opts),
        type=option.type,
        metavar=option.metavar,
        multiple=option.multiple,
        help=option.help,
        expose_value=False,
        callback=note,
    )


def make_group(shared: Sequence[Option] = SHARED) -> LazyGroup:
    """Make the program's outermost command."""
    from eye.cli.options import version_option

    return LazyGroup(
        name=PROGRAM,
        help="Nodes that find each other, measure themselves, and show each other: figures and supervision trees.",
        epilog=_EPILOG,
        params=[*map(_before, shared), version_option()],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        no_args_is_help=True,
    )
