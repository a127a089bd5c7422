"""How a filter, or the condition of an alert rule, is understood: token by token, by the grammar of `filters`."""

from __future__ import annotations

import re
from math import inf
from typing import Any

from eye.errors import BadFilter, UnknownMetric
from eye.metrics import catalogue
from eye.metrics.catalogue import Kind, Metric, Scope, Unit
from eye.metrics.custom import PREFIX, is_name
from eye.metrics.custom import metric as own_metric
from eye.metrics.filter_words import MOST_STARS, Token, glob_expression, literally, tokens, unclosed

STATUSES = ("connecting", "up", "suspect", "down")
_FIELDS = ("status", "node", "host", "address")
_SIZES: dict[str, float] = {"": 1, "b": 1} | {
    spelling: 1024**power
    for power, letter in enumerate("kmgtp", 1)
    for spelling in (letter, f"{letter}b", f"{letter}ib")
}
_DURATIONS: dict[str, float] = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST_TIME = 366 * 86400.0
_DEEPEST = 50  # brackets and nots within each other
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z%]*)", re.IGNORECASE)


def duration(text: str) -> float | None:
    """Read a duration, `30s`, `1.5h`, as seconds; None if it is none."""
    match = _NUMBER.fullmatch(text.strip())
    seconds = None if match is None or match[2].lower() not in _DURATIONS else _seconds(match)
    return None if seconds == inf else seconds  # 400 digits


def _seconds(match: re.Match[str]) -> float:
    return float(match[1]) * _DURATIONS[match[2].lower()]


class Reader:
    """Reads one text, token by token."""

    def __init__(self, text: str, *, is_rule: bool = False, own: tuple[Metric, ...] | None = None) -> None:
        """`own` are the figures that programs tell; None: any name may be one (a rule does not know the nodes)."""
        self._text = text
        self._own = own
        self.presumed: list[tuple[str, int]] = []
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0
        self._is_rule = is_rule
        self.times: dict[str, float] = {}

    def whole(self) -> list[Any]:
        if self._next.kind == "end":
            return ["true"]
        found = self._any()
        while self._is_time("for", "keep"):
            self._take_time()
        if self._next.kind != "end":
            stray = self._next.kind != "close"
            raise self._bad("for and keep stand at the end" if stray else "there is no '(' for this ')'")
        return found

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _bad(self, problem: str, token: Token | None = None) -> BadFilter:
        return BadFilter(self._text, (token or self._next).at, problem)

    def _is_word(self, *words: str) -> bool:
        return self._next.kind == "word" and self._next.text.lower() in words

    def _any(self) -> list[Any]:
        found = [self._all()]
        while self._is_word("or"):
            self._take()
            found.append(self._all())
        return found[0] if len(found) == 1 else ["any", *found]

    def _all(self) -> list[Any]:
        found = [self._one()]
        while self._next.kind not in ("end", "close") and not self._is_word("or"):
            if self._is_time("for", "keep"):
                break
            if self._is_word("and"):
                self._take()
            found.append(self._one())
        return found[0] if len(found) == 1 else ["all", *found]

    def _one(self) -> list[Any]:
        token = self._next
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._bad(f"brackets and nots go {_DEEPEST} deep at most")
        try:
            if token.kind == "not" or self._is_word("not"):
                self._take()
                return ["not", self._one()]
            if token.kind == "open":
                self._take()
                found = self._any()
                if self._is_time("for", "keep"):
                    raise self._bad(f"{self._next.text} is said of the whole rule, outside of brackets")
                if self._next.kind != "close":
                    raise self._bad("this '(' is never closed", token)
                self._take()
                return found
        finally:
            self._depth -= 1
        return self._test()

    def _test(self) -> list[Any]:
        token = self._take()
        if token.kind == "quoted":
            return self._match("node", token)
        if self._is_rule and token.kind == "word" and token.text.lower() == "absent":
            return ["absent"]
        is_keyword = token.text.lower() in ("and", "or", *(("for", "keep", "in") if self._is_rule else ()))
        if token.kind != "word" or is_keyword:
            what = "the filter ends" if token.kind == "end" else f"{token.text!r} stands"
            raise self._bad(f"{what} where a name, a status or a comparison is expected", token)
        if self._next.kind == "op":
            return self._compare(token)
        if self._next.kind == "colon" and self._next.is_glued:
            return self._field(token)
        if self._is_rule and duration(token.text) is not None:
            raise self._bad(f"what is {token.text}? It needs a `for`, `in` or `keep` before it", token)
        return self._match("node", token)

    # ------------------------------------------------------------------------ times, of rules

    def _is_time(self, *words: str) -> bool:
        """Whether a time follows; in a filter, where none may, one that is meant is refused."""
        if not self._is_word(*words):
            return False
        if not self._is_rule and duration(self._tokens[self._at + 1].text) is not None:
            raise self._bad(f"{self._next.text} belongs to an alert rule; a filter looks at this moment")
        return self._is_rule

    def _take_time(self) -> None:
        word = self._take()
        name = word.text.lower()
        if name in self.times:
            raise self._bad(f"{name} is said twice", word)
        self.times[name] = self._duration(name)

    def _window(self, metric: Metric) -> float:
        if metric.kind is not Kind.COUNTER and metric.scope is not Scope.CUSTOM:  # of those it is not known here
            raise self._bad(
                f"'in' is said of what counts up, and {metric.name} does not; 'for' says how long it holds"
            )
        self._take()
        at = self._next
        seconds = self._duration("in")
        if seconds <= 0:
            raise self._bad("a counter grows in more than no time", at)
        return seconds

    def _duration(self, after: str) -> float:
        token = self._next
        match = _NUMBER.fullmatch(token.text) if token.kind == "word" else None
        if match is None or match[2].lower() not in _DURATIONS:
            raise self._bad(f"a duration is expected after {after}, such as 30s, 5m or 2h")
        self._take()
        if _seconds(match) > _LONGEST_TIME:
            raise self._bad("a rule looks back a year at most", token)
        return _seconds(match)

    def _field(self, field: Token) -> list[Any]:
        name = field.text.lower()
        if name not in _FIELDS:
            raise self._bad(f"before ':' may stand {', '.join(_FIELDS)}", field)
        self._take()
        value = self._next
        if value.kind not in ("word", "quoted") or not value.is_glued:
            raise self._bad(f"a value is expected after {name}:")
        self._take()
        while name == "address" and self._next.kind in ("colon", "word") and self._next.is_glued:
            value = value._replace(text=value.text + self._take().text)
        if name == "status":
            if value.text.lower() not in STATUSES:
                raise self._bad(f"a status is one of {', '.join(STATUSES)}", value)
            return ["status", value.text.lower()]
        return self._match(name, value)

    def _match(self, field: str, token: Token) -> list[Any]:
        if token.kind == "quoted":
            if len(token.text) < 2 or not token.text.endswith('"'):
                raise self._bad("this '\"' is never closed", token)
            return ["match", field, literally(token.text[1:-1])]
        return ["match", field, self._pattern(token, has_classes=field != "address")]

    def _pattern(self, token: Token, *, has_classes: bool) -> str:
        glob = token.text if has_classes else token.text.replace("[", "[[]")  # [::1] is an address, not a class
        if has_classes and (at := unclosed(glob)) is not None:
            raise self._bad("this '[' is never closed", token._replace(at=token.at + at))
        if glob.count("*") > MOST_STARS:
            raise self._bad(f"a name has at most {MOST_STARS} '*'", token)
        if not any(c in token.text for c in ("*?[" if has_classes else "*?")):
            return literally(token.text)
        return f"^{glob_expression(glob)}$"

    def _compare(self, token: Token) -> list[Any]:
        op = self._take()
        metric, is_share = self._metric(token)
        value = self._next
        if value.kind != "word":
            raise self._bad(f"a number is expected after {op.text!r}")
        self._take()
        sign = "=" if op.text == "==" else op.text
        number, unit = self._number(value, metric)
        if self._is_time("in"):
            return ["grew", metric.part, metric.json_name, sign, number, self._window(metric)]
        if is_share or (unit == "%" and metric.field in _WHOLES):
            return ["share", metric.part, metric.field, _WHOLES[metric.field], sign, number]
        return ["compare", metric.part, metric.json_name, sign, number]

    def _metric(self, token: Token) -> tuple[Metric, bool]:
        name = token.text.lower()
        scope, dot, rest = name.partition(".")
        scope = catalogue.SCOPE_CALLED.get(scope, scope)
        is_scoped = bool(dot) and scope in _SCOPES
        name = rest if is_scoped else name
        if is_scoped and scope == Scope.CUSTOM.value:
            return self._own_metric(name, token), False
        is_share = name in ("memory_percent", "mem_percent")
        name = "memory" if is_share else name
        try:
            found = catalogue.find(name, self._own or ())
        except UnknownMetric as unknown:
            if is_scoped or not is_name(name):
                raise self._bad(str(unknown), token) from None
            if self._own is not None or self._is_rule:
                raise self._bad(f"{unknown} (of a node's own program: {PREFIX}{name})", token) from None
            self.presumed.append((name, token.at))
            return own_metric(name), False
        if is_scoped:
            found = tuple(one for one in found if one.scope.value == scope)
            if not found:
                raise self._bad(f"{name} is not measured of the {'machine' if scope == 'host' else 'node'}", token)
        if found[0].each:
            raise self._bad(f"{name} is a figure of each core; busiest_core is the greatest of them", token)
        return found[0], is_share

    def _own_metric(self, name: str, token: Token) -> Metric:
        if not is_name(name):
            raise self._bad(f"no program can tell a figure {name!r}", token)
        return next((one for one in self._own or () if one.name == name), None) or own_metric(name)

    def _number(self, token: Token, metric: Metric) -> tuple[float, str]:
        match = _NUMBER.fullmatch(token.text)
        if match is None:
            raise self._bad(f"a number is expected, such as {_example(metric)}", token)
        number, unit = float(match[1]), match[2].lower()
        units = _units(metric)
        if metric.field in _WHOLES and unit == "%":
            return number, unit
        if unit not in units:
            known = " ".join(one for one in units if one) or "no unit"
            raise self._bad(f"{metric.name} is not given in {match[2]!r}, but in: {known}", token)
        return number * units[unit], unit


_WHOLES = {
    "memory_used": "memory_total",
    "memory_rss": "memory_total",
    "swap_used": "swap_total",
    "disk_used": "disk_total",
}
"""Figures that may be compared in percent, and of what of the machine."""

_UNITS: dict[Unit, dict[str, float]] = {
    Unit.BYTES: _SIZES,
    Unit.SPEED: _SIZES,
    Unit.SECONDS: _DURATIONS,
    Unit.SHARE: {"": 1, "%": 1},
}
_SCOPES = {scope.value for scope in Scope}


def _units(metric: Metric) -> dict[str, float]:
    if metric.scope is not Scope.CUSTOM:
        return _UNITS.get(metric.unit, {"": 1})
    if metric.unit is Unit.SHARE:
        return {"": 1, "%": 0.01}  # as the program gives it, 0.0 to 1.0
    if metric.unit is not Unit.NUMBER:
        return _UNITS.get(metric.unit, {"": 1})
    # It has no unit, or is not known yet: sizes are told from durations by their B.
    return {"%": 0.01} | {unit: size for unit, size in _SIZES.items() if unit.endswith("b")} | _DURATIONS


def _example(metric: Metric) -> str:
    return {Unit.BYTES: "1.5GB or 80%", Unit.SHARE: "80 or 80%", Unit.SECONDS: "90s or 2h"}.get(metric.unit, "100")
