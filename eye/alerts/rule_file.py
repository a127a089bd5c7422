"""Rule files: TOML in, a `RuleSet` out, or all that is wrong with it, each mistake with its place.

defaults = true                     # the rules of `defaults.toml`, to which the following are added

[rules.busy]
when = "cpu > 90 for 30s"           # the one grammar of `eye.metrics.filters`
clear = "cpu < 70"                  # the level to clear; without it: `when` is no longer so
keep = "1m"                         # how long that must hold until it is over
severity = "critical"               # or warning
nodes = "web-*"                     # a filter: which nodes it is about
sinks = ["ops"]                     # whom to tell; without it: all that there are
enabled = true

[sinks.ops]
type = "webhook"
url = "https://example.org/hook"

[[silences]]
rule = "cpu"
node = "web-1"
until = 2026-12-01T08:00:00Z
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import replace
from datetime import datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from eye.alerts.kinds import KINDS, read_options
from eye.alerts.places import Path, Places
from eye.alerts.rules import KEEP, SEVERITIES, Origin, Rule, RuleSet, SinkSettings
from eye.alerts.silences import Silence
from eye.alerts.tables import Tables
from eye.errors import BadFilter, BadRules, ConfigError
from eye.metrics.filter_reader import duration
from eye.metrics.filters import Condition, Filter, condition, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.alerts.rules import Stamp

DEFAULTS = FilePath(__file__).with_name("defaults.toml")

LARGEST = 1024 * 1024
"""Bytes of a rule file. It is read by people."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_NAMES = "a letter or digit, then letters, digits, '_', '-' and '.', 60 at most"
_OF_FILE = ("defaults", "rules", "sinks", "silences")
OF_RULE = ("when", "for", "clear", "keep", "severity", "nodes", "sinks", "enabled", "help")
OF_SILENCE = ("rule", "node", "until", "reason")


def default_rules() -> RuleSet:
    """Give the rules that there are without a file."""
    return read("", "the default rules")


def load(path: FilePath) -> RuleSet:
    """Read a rule file.

    Raises:
        ConfigError: it cannot be read. BadRules: it has mistakes; all of them are told.
    """
    try:
        with path.open("rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError(f"{path}: a rule file has {LARGEST // 1024} kB at most; is it one?")
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: it is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return replace(read(text, str(path)), origin=Origin(str(path.absolute()), stamp))


def stamp_of(path: FilePath) -> Stamp | None:
    """Say what is another when a file is; None where there is none."""
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def _stamp(of: os.stat_result) -> Stamp:
    return of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns


def read(text: str, path: str) -> RuleSet:
    """Understand the text of a rule file; `path` is what it is called in an error.

    Raises:
        BadRules: it has mistakes; all of them are told.
    """
    places = Places(text)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRules(path, (_of_toml(error, text, places),)) from None
    except RecursionError:
        raise ConfigError(f"{path}: it is nested too deeply to be read") from None
    reader = _Reader(content, places)
    found = reader.file()
    if reader.problems:
        raise BadRules(path, tuple(sorted(set(reader.problems))))
    return found


class _Reader(Tables):
    """Reads the content of one file, and notes what is wrong as it goes."""

    def file(self) -> RuleSet:
        self.check_keys((), self.content, _OF_FILE)
        wants_defaults = self.yes((), self.content, "defaults", True)
        tables = self.tables("rules")
        builtin = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))["rules"] if wants_defaults else {}
        sinks = self._sinks()
        names = [*builtin, *(name for name in tables if name not in builtin)]
        rules = [self._rule(name, tables.get(name, {}), builtin.get(name, {}), sinks) for name in names]
        return RuleSet(tuple(one for one in rules if one is not None), tuple(sinks.values()), self._silences())

    # ------------------------------------------------------------------------------- rules

    def _rule(
        self, name: str, own: dict[str, Any], builtin: dict[str, Any], sinks: dict[str, SinkSettings]
    ) -> Rule | None:
        path: Path = ("rules", name)
        if not _NAME.fullmatch(name):
            self.bad(path, f"a rule's name is {_NAMES}")
        self.check_keys(path, own, OF_RULE)
        table = {**builtin, **own}
        when = self._condition(path, table, "when")
        if when is None and "when" not in table:
            self.bad(path, f'rule {name!r} has no condition: when = "cpu > 90 for 30s"')
        clear = self._condition(path, table, "clear")
        if clear is not None and (clear.wait is not None or clear.keep is not None):
            self.bad((*path, "clear"), 'how long it must be clear is said by keep = "1m"', in_value=True)
        wait = self._time(path, "for", own, None if when is None else when.wait, builtin, 0.0)
        keep = self._time(path, "keep", own, None if when is None else when.keep, builtin, KEEP)
        severity = self.one_of(path, table, "severity", SEVERITIES, "warning")
        chosen = self._chosen_sinks(path, table, sinks)
        text = self.text(path, table, "help") or ""
        nodes = self._filter(path, table)
        if not self.yes(path, table, "enabled", True) or when is None:
            return None
        self._check_levels(path, when, clear)
        return Rule(name, when, clear, wait, keep, severity, nodes, chosen, text)

    def _condition(self, path: Path, table: dict[str, Any], key: str) -> Condition | None:
        text = self.text(path, table, key)
        return None if text is None else self._understood((*path, key), condition, text)

    def _filter(self, path: Path, table: dict[str, Any]) -> Filter | None:
        text = self.text(path, table, "nodes")
        return None if text is None else self._understood((*path, "nodes"), parse, text)

    def _understood(self, path: Path, understand: Callable[[str], Any], text: str) -> Any:
        try:
            return understand(text)
        except BadFilter as error:
            self.bad(path, error.problem, in_value=True, at=error.at)
            return None

    def _time(
        self,
        path: Path,
        key: str,
        own: dict[str, Any],
        in_condition: float | None,
        builtin: dict[str, Any],
        usual: float,
    ) -> float:
        """Take a time from where it is said: its key, the condition, the rule that is changed, the usual."""
        if key in own:
            if in_condition is not None:
                self.bad((*path, key), f"{key} is said twice: here, and in the condition")
            seconds = _seconds(own[key])
            if seconds is None:
                self.bad((*path, key), 'a duration is expected, such as "30s", "5m" or "2h"', in_value=True)
            return usual if seconds is None else seconds
        if in_condition is not None:
            return in_condition
        return _seconds(builtin.get(key)) or usual

    def _check_levels(self, path: Path, when: Condition, clear: Condition | None) -> None:
        if clear is None:
            return
        if when.data[0] not in ("compare", "share", "grew") or clear.data[:3] != when.data[:3]:
            return
        place = 5 if when.data[0] == "share" else 4
        fires, over = float(when.data[place]), float(clear.data[place])
        upward = when.data[place - 1].startswith(">") and clear.data[place - 1].startswith("<")
        downward = when.data[place - 1].startswith("<") and clear.data[place - 1].startswith(">")
        if (upward and over > fires) or (downward and over < fires):
            self.bad((*path, "clear"), "between the two levels it would fire and be clear at once", in_value=True)

    def _chosen_sinks(
        self, path: Path, table: dict[str, Any], sinks: dict[str, SinkSettings]
    ) -> tuple[str, ...] | None:
        names = table.get("sinks")
        if names is None:
            return None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self.bad((*path, "sinks"), 'a list of names is expected: ["log"]', in_value=True)
            return None
        for name in names:
            if name not in sinks:
                there = ", ".join(sinks) or "none"
                self.bad((*path, "sinks"), f"there is no sink {name!r}; there are: {there}", in_value=True)
        return tuple(names)

    # -------------------------------------------------------------------- sinks, silences

    def _sinks(self) -> dict[str, SinkSettings]:
        tables = {"log": {}, **self.tables("sinks")}
        found = {}
        for name, table in tables.items():
            path: Path = ("sinks", name)
            if not _NAME.fullmatch(name):
                self.bad(path, f"a sink's name is {_NAMES}")
            kind = table.get("type", name)
            if not isinstance(kind, str) or kind not in KINDS:
                where: Path = (*path, "type") if "type" in table else path
                self.bad(where, f"type is one of {', '.join(KINDS)}, not {kind!r}", in_value="type" in table)
                continue
            self.check_keys(path, table, ("type", "enabled", *KINDS[kind].options))
            options, problems = read_options(kind, table)
            for key, problem in problems:
                self.bad((*path, key) if key in table else path, problem, in_value=key in table)
            if self.yes(path, table, "enabled", True):
                found[name] = SinkSettings(name, kind, options)
        return found

    def _silences(self) -> tuple[Silence, ...]:
        told = self.content.get("silences", [])
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            self.bad(("silences",), "silences are written [[silences]], one after the other")
            return ()
        return tuple(self._silence(("silences", number), one) for number, one in enumerate(told))

    def _silence(self, path: Path, table: dict[str, Any]) -> Silence:
        self.check_keys(path, table, OF_SILENCE)
        until = table.get("until")
        moment = 0.0
        if not isinstance(until, datetime):
            self.bad((*path, "until") if "until" in table else path, "until when? until = 2026-12-01T08:00:00Z")
        elif until.tzinfo is None:
            self.bad((*path, "until"), "a moment needs its offset: 2026-12-01T08:00:00Z", in_value=True)
        else:
            moment = until.timestamp()
        return Silence(
            self.text(path, table, "rule") or "*",
            self.text(path, table, "node") or "*",
            moment,
            self.text(path, table, "reason") or "",
            "the rule file",
        )


def _seconds(value: Any) -> float | None:
    if isinstance(value, str):
        return duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return None
    return float(value)


def _of_toml(error: tomllib.TOMLDecodeError, text: str, places: Places) -> tuple[int, int, str, str]:
    said = re.search(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
    if said is None:
        return 1, 1, places.line(1), str(error)
    line = int(said[2]) if said[2] else max(len(text.splitlines()), 1)
    column = int(said[3]) if said[3] else len(places.line(line)) + 1
    return line, column, places.line(line), f"this is not TOML: {said[1][:1].lower()}{said[1][1:]}"
