"""`sorcerers_eye alerts`: what the rules say; and what is done to rules: check, test, silence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eye.cli.durations import Duration
from eye.cli.filtering import filter_option
from eye.cli.globs import Glob
from eye.cli.keeping import history_option
from eye.cli.options import Shared, format_option, option, timeout_option
from eye.cli.options import command as make_command
from eye.cli.ruling import alerts_option
from eye.errors import ConfigError

if TYPE_CHECKING:
    from eye.metrics.filters import Filter

_EXAMPLE = """\
sorcerers_eye alerts
sorcerers_eye alerts --watch --filter 'web-*'
sorcerers_eye alerts check rules.toml
sorcerers_eye alerts test rules.toml --since 7d
sorcerers_eye alerts silence cpu --node 'web-*' --for 1h"""

_HELP = """What the alert rules say of the nodes: pending, firing, resolved.

\b
alerts                what whoever asks rules in the cluster says; where nobody does,
                      what the rules say of the nodes' last hour
alerts check FILE     what is wrong with a rule file, or what its rules mean
alerts test [FILE]    when the rules would have fired, by the history
alerts silence RULE   have nobody told of a rule (a glob) for some time; --for 0
                      takes it back. Without RULE: what you have silenced
"""


@make_command("alerts", help=_HELP, example=_EXAMPLE)
@click.argument("words", nargs=-1, metavar="[check FILE | test [FILE] | silence [RULE]]")
@option("--watch", is_flag=True, help="Go on, and print what changes.")
@filter_option()
@format_option("text", "json")
@option("--exit-code", is_flag=True, help="End with 1 if an alert fires.")
@alerts_option("default")
@option(
    "--since",
    type=Duration(least=60),
    default="7d",
    show_default=True,
    metavar="DURATION",
    help="test: how far back to go.",
)
@option(
    "--step",
    type=Duration(least=1),
    metavar="DURATION",
    show_default="5s of a day, 1m of more",
    help="test: how often to look.",
)
@history_option("test: which database.")
@option("--node", type=Glob(), default="*", show_default="all", metavar="GLOB", help="silence: at which nodes.")
@option(
    "--for",
    "seconds",
    type=Duration(),
    default="1h",
    show_default=True,
    metavar="DURATION",
    help="silence: for how long.",
)
@option("--reason", default="", metavar="TEXT", help="silence: why, for whoever wonders.")
@timeout_option()
def command(
    shared: Shared,
    words: tuple[str, ...],
    watch: bool,
    filter: Filter | None,
    format: str,
    exit_code: bool,
    alerts: Path | str | None,
    since: float,
    step: float | None,
    history: str | None,
    node: str,
    seconds: float,
    reason: str,
    timeout: float,
) -> int:
    match words:
        case ():
            from eye.cli.alerts_now import Wanted, show

            return show(shared, Wanted(filter, format, watch, exit_code, alerts, timeout))
        case ("check", file):
            from eye.cli.alerts_checked import check

            return check(file, format)
        case ("test",) | ("test", _):
            from eye.cli.alerts_tested import Question, test

            chosen = words[1] if len(words) > 1 else alerts
            return test(shared, Question(chosen, history, since, step, filter, format, timeout))
        case ("silence",):
            from eye.cli.alerts_silenced import show_silences

            return show_silences(format)
        case ("silence", rule):
            from eye.cli.alerts_silenced import silence

            return silence(shared, Glob().convert(rule, None, None), node, seconds, reason, timeout)
    raise ConfigError(f"alerts takes check FILE, test [FILE] or silence RULE, not {' '.join(map(repr, words))}")


def rules_at(file: Path | str | None) -> Any:
    """Read a rule file, or take the default rules."""
    from eye.cli.ruling import rules_of

    rules = rules_of(file)
    if rules is None:
        raise ConfigError("there are no rules to ask: --alerts is off")
    return rules
