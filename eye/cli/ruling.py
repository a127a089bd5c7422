"""The option that says which alert rules are asked: `--alerts FILE`, `default` or `off`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import option

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.alerts.rules import RuleSet

DEFAULT, OFF = "default", "off"


class Rules(click.Path):
    """A rule file, or one of two words."""

    words = (DEFAULT, OFF)

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value in self.words else super().convert(value, param, ctx)


def alerts_option(usual: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option; `usual` says what is done where it is not given."""
    return option(
        "--alerts",
        type=Rules(),
        metavar="FILE|default|off",
        show_default=usual,
        help="Ask these alert rules about all nodes: those of a file, or those that come along.",
    )


def rules_of(chosen: Path | str | None, usual: str = DEFAULT) -> RuleSet | None:
    """Read the rules that were chosen; None where none are to be asked.

    Raises:
        BadRules: the file has mistakes.
    """
    chosen = usual if chosen is None else chosen
    if chosen == OFF:
        return None
    from eye.alerts import rule_file

    return rule_file.default_rules() if chosen == DEFAULT else rule_file.load(Path(chosen))


def without_log(rules: RuleSet | None) -> RuleSet | None:
    """Leave the log out: where a screen shows the alerts, it would only tell them once more, afterwards."""
    return None if rules is None else rules.without({"log"})
