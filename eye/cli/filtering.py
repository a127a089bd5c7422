"""`--filter`: which nodes are meant, in the language of `eye.metrics.filters`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import option
from eye.cli.screen import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eye.errors import BadFilter
    from eye.metrics.filters import Filter
    from eye.monitor.node_view import NodeView
    from eye.monitor.tally import Census


class FilterText(click.types.StringParamType):
    """A filter. What cannot be understood is shown with a mark under the character that is wrong."""

    name = "filter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        from eye.errors import BadFilter  # not before a filter is given: most commands have none
        from eye.metrics.filters import parse

        try:
            return parse(value, None)  # what the nodes' own programs tell is known when they have answered
        except BadFilter as error:
            raise _BadFilter(error, ctx, param) from None


class _BadFilter(click.BadParameter):
    """A filter that is wrong. `pointed` are the two lines that `main` shows below the sentence."""

    def __init__(self, error: BadFilter, ctx: click.Context | None, param: click.Parameter | None) -> None:
        from eye.monitor.clean import clean

        super().__init__(clean(error.problem), ctx, param)
        # Cleaned apart from each other, so that the mark stays below its character.
        before, after = clean(error.text[: error.at]), clean(error.text[error.at :])
        self.pointed = f"{before}{after}\n{' ' * len(before)}^"


def filter_option(
    help: str = "Only nodes that are meant by it: status:down, 'cpu>80', 'mem>1GB web-*'.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option that says which nodes are meant."""
    return option(
        "--filter",
        type=FilterText(),
        metavar="FILTER",
        help=help,
    )


def chosen(nodes: Iterable[NodeView], wanted: Filter | None) -> tuple[NodeView, ...]:
    """Choose the nodes that a filter means; None means all.

    That nobody is meant may be good news, as of `status:down`: it is told, and is no failure. But a name that is
    no metric, and no figure of any node's own program, is a mistake.
    """
    nodes = tuple(nodes)
    if wanted is not None and wanted.presumed:
        _check(nodes, wanted)
    found = tuple(node for node in nodes if wanted is None or wanted.matches(node))
    if wanted is not None and not found:
        tell(f"no node is meant by the filter {wanted.text!r}")
    return found


def _check(nodes: tuple[NodeView, ...], wanted: Filter) -> None:
    from eye.errors import BadFilter
    from eye.metrics.custom import metrics_of

    try:
        wanted.check(metrics_of(nodes))
    except BadFilter as error:
        if any(node.status != "up" for node in nodes):
            tell(f"{error.problem}. Not every node has answered")
            return
        context = click.get_current_context()
        param = next((one for one in context.command.params if one.name == "filter"), None)
        raise _BadFilter(error, context, param) from None


def did_not_answer(census: Census, shown: tuple[NodeView, ...]) -> bool:
    """Whether one of the nodes that are shown, or an address that was asked for, did not answer."""
    return bool(census.unreached) or any(node.status != "up" for node in shown)
