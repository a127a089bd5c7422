"""What a filter is written with: its tokens, and its globs.

Each token knows where it stands, so that a mistake can be pointed at. A glob becomes a regular expression that
Python and a browser (with the `iu` flags) read alike.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from eye.errors import BadFilter

_TOKEN = re.compile(
    r'(?P<quoted>"[^"]*"?)|(?P<op>>=|<=|!=|==|[><=])|(?P<colon>:)|(?P<open>\()|(?P<close>\))|(?P<not>[!-])'
    r'|(?P<word>(?:\[[^\]\s]*\]|[^\s"()<>=!:])+)'
)


class Token(NamedTuple):
    """A part of a filter's text."""

    kind: str  # quoted, op, colon, open, close, not, word, end
    text: str
    at: int  # of its first character
    is_glued: bool  # to what stands before it


def tokens(text: str) -> list[Token]:
    """Cut a filter into its tokens; the last one is its end.

    Raises:
        BadFilter: a character means nothing.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadFilter(text, at, f"{text[at]!r} means nothing here")
        glued = bool(found) and at == found[-1].at + len(found[-1].text)
        kind = str(match.lastgroup)
        found.append(Token(kind, match[0], at, glued))
        at = match.end()
    found.append(Token("end", "", len(text), False))
    return found


def unclosed(glob: str) -> int | None:
    """Find a bracket that has no end. A `]` that comes first stands for itself, after a `!` too."""
    at = glob.find("[")
    while at >= 0:
        first = at + 2 if glob[at + 1 : at + 2] in ("!", "^") else at + 1
        end = glob.find("]", first + 1)
        if end < 0:
            return at
        at = glob.find("[", end + 1)
    return None


def literally(text: str) -> str:
    """Write a regular expression that matches just this text."""
    # Not `re.escape`: Python's may escape what a browser's strict mode (the `u` flag) forbids to be escaped.
    return re.sub(r"[.*+?^${}()|\[\]\\/]", r"\\\g<0>", text)


_MANY = 2  # pieces between stars
MOST_STARS = 90
"""In one glob: of more than 99 groups, Python and a browser would not read the numbers alike."""


def glob_expression(glob: str) -> str:
    """Write a glob so that Python and a browser read it alike.

    With many stars each but the last takes as little as it can, once and for all (a group that is looked for
    ahead, and then taken as it was found). Otherwise a long name that almost fits would be tried in every way that
    there is, which can take hours.
    """
    pieces: list[list[str]] = [[]]  # what stands between the stars
    at = 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            pieces.append([])
        elif char == "?":
            pieces[-1].append(".")
        elif char == "[":
            first = at + 1 if glob[at] in "!^" else at
            end = glob.find("]", first + 1)
            inside = re.sub(r"[\\\]\[^]", r"\\\g<0>", glob[first:end])
            pieces[-1].append(f"[{'^' if first > at else ''}{inside}]")
            at = end + 1
        else:
            pieces[-1].append(literally(char))
    begin, *rest = map("".join, pieces)
    between = [piece for piece in rest[:-1] if piece]
    if len(between) < _MANY:
        return ".*".join([begin, *between, *rest[-1:]])
    found = "".join(f"(?=(.*?{piece}))\\{number}" for number, piece in enumerate(between, 1))
    return f"{begin}{found}.*{rest[-1]}"
