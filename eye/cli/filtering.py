"""`--filter`: which nodes are meant, in the language of `eye.metrics.filters`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import option

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.metrics.filters import Filter


class FilterText(click.types.StringParamType):
    """A filter. What cannot be understood is shown with a mark under the character that is wrong."""

    name = "filter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from eye.errors import BadFilter
        from eye.metrics.filters import Filter, parse
        from eye.monitor.clean import clean

        if isinstance(value, Filter):
            return value
        try:
            return parse(str(value))
        except BadFilter as error:
            # Cleaned apart from each other, so that the mark stays below its character.
            before, after = clean(error.text[: error.at]), clean(error.text[error.at :])
            self.fail(f"{clean(error.problem)}\n\n    {before}{after}\n    {' ' * len(before)}^", param, ctx)


def filter_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option that says which nodes are meant."""
    return option(
        "--filter",
        type=FilterText(),
        default="",
        metavar="FILTER",
        help="Only nodes that are meant by it: status:down, 'cpu>80', 'mem>1GB web-*'.",
    )


def both(wants: Callable[[str], bool], wanted: Filter) -> Callable[[Any], bool]:
    """Make the question whether a node is meant by its name and by the filter."""
    return lambda node: wants(node.name) and wanted.matches(node)
