"""What kinds of sinks there are, and what each is told in a rule file: one table, which `rule_file` checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from eye.metrics.filter_reader import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_TIME = 600.0


class Option(NamedTuple):
    """One setting of a sink: how it is read (raising ValueError with what is expected), and whether it must be."""

    read: Callable[[Any], Any]
    is_needed: bool = False
    usual: Any = None


class Kind(NamedTuple):
    """One kind of sink."""

    words: str  # what it does, for people
    options: Mapping[str, Option]
    is_each_alone: bool = False  # one alert at a time, not all that have come together


def read_options(kind: str, table: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Read the settings of a sink of a kind; answer them, and what is wrong with which."""
    options: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, option in KINDS[kind].options.items():
        if name in table:
            try:
                options[name] = option.read(table[name])
            except ValueError as error:
                problems.append((name, str(error)))
        elif option.is_needed:
            problems.append((name, f"a {kind} needs {name} = …"))
        else:
            options[name] = option.usual
    return options, problems


def _address(value: Any) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    # What urllib would refuse, it would refuse with all of it in the error, which is logged.
    is_plain = str(value).isprintable() and " " not in str(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        raise ValueError('an address is expected: "https://example.org/hook"')
    return str(value)


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(one, str) and one.isprintable() for pair in value.items() for one in pair
    ):
        raise ValueError('texts by their names are expected: { Authorization = "Bearer …" }')
    return dict(value)


def _arguments(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise ValueError('a program and its arguments are expected: ["/usr/bin/notify", "--urgent"]')
    return tuple(value)


def _addresses(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(one, str) and ":" in one for one in values)
    ):
        raise ValueError('addresses of Apprise are expected: ["mailto://…", "slack://…"]')
    return tuple(values)


def _timeout(value: Any) -> float:
    seconds = duration(value) if isinstance(value, str) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= _MOST_TIME:
        raise ValueError('a duration of up to 10 minutes is expected, such as "10s"')
    return float(seconds)


def _attempts(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 20:
        raise ValueError("a whole number from 1 to 20 is expected")
    return value


_PATIENCE = {"timeout": Option(_timeout, usual=10.0), "attempts": Option(_attempts, usual=6)}

KINDS: dict[str, Kind] = {
    "log": Kind("a line in the log of the node", {}),
    "bell": Kind("the bell of the terminal", {}),
    "webhook": Kind(
        "a POST of JSON",
        {"url": Option(_address, is_needed=True), "headers": Option(_headers, usual={}), **_PATIENCE},
    ),
    "command": Kind(
        "a program that is run",
        {"command": Option(_arguments, is_needed=True), **_PATIENCE},
        is_each_alone=True,
    ),
    "apprise": Kind(
        "mail, chat and the rest, through Apprise",
        {"urls": Option(_addresses, is_needed=True), **_PATIENCE},
    ),
}
