"""Names with wildcards, as a shell has them: `web-*`, `node-?`, `node-[12]`, `node-[!3]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Glob(click.types.StringParamType):
    """A glob. `fnmatch` takes an unclosed bracket for a letter; we take it for the mistake that it is."""

    name = "glob"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        glob = str(value)
        if not glob:
            self.fail("an empty glob matches no node; '*' matches all", param, ctx)
        if (at := _unclosed(glob)) is not None:
            self.fail(f"bad glob {glob!r}: the '[' at character {at + 1} is never closed", param, ctx)
        return glob


def _unclosed(glob: str) -> int | None:
    """Find a bracket that has no end. A `]` that comes first stands for itself, after a `!` too."""
    at = glob.find("[")
    while at >= 0:
        first = at + 2 if glob[at + 1 : at + 2] == "!" else at + 1
        end = glob.find("]", first + 1)
        if end < 0:
            return at
        at = glob.find("[", end + 1)
    return None


def matcher(globs: tuple[str, ...]) -> Callable[[str], bool]:
    """Make the question whether a name matches one of the globs; without a glob all do."""
    from fnmatch import fnmatchcase

    if not globs:
        return lambda name: True
    return lambda name: any(fnmatchcase(name, glob) for glob in globs)


def unmatched(globs: tuple[str, ...], names: Iterable[str]) -> list[str]:
    """Find the globs that match none of the names: whoever wrote one of those meant a node that is not there."""
    known = tuple(names)
    return [glob for glob in globs if not any(map(matcher((glob,)), known))]
