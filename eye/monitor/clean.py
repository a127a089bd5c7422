"""Text that came from a node, made harmless for a terminal.

A name is whatever the other side says it is. An escape sequence in it could recolour, retitle or
rewrite the screen, a line break forge a line, a bidirectional override turn a word round.
"""

from __future__ import annotations

_INSTEAD = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """Replace every character that is not to be seen as itself by U+FFFD.

    That is control characters (escape and line breaks among them), formatting ones (bidirectional
    overrides, zero-width joiners), lone surrogates, unassigned ones, and every space but the plain one.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _INSTEAD for char in text)
