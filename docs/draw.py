"""Draws the parts of these pages that follow from the code: diagrams, tables of options, metrics, events.

    python docs/draw.py

A page says where a drawing belongs, `<!-- drawn: strategies -->` … `<!-- /drawn -->`, and this fills in what
stands between. A test draws all of it again and compares.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import itertools
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import click

import eye
from eye import errors, supervision
from eye.alerts import rule_file
from eye.alerts.kinds import KINDS
from eye.alerts.news import AlertFired, AlertResolved, RulesChanged
from eye.alerts.rule import NEXT, Phase, Verdict
from eye.alerts.wording import span
from eye.cli.group import COMMANDS, make_group
from eye.cli.options import SHARED, Option
from eye.cluster.news import NameConflict
from eye.metrics.catalogue import CATALOGUE, LISTS, Unit
from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor import chronicle
from eye.monitor.node_view import NodeView
from eye.monitor.prometheus import metric_name
from eye.supervision import (
    ChildSpec,
    Crash,
    Delay,
    GenServer,
    Restart,
    Strategy,
    Supervisor,
    System,
    introspection,
    reports,
)
from eye.supervision.children import ChildRecord
from eye.supervision.events import Event
from eye.supervision.incidents import Incident
from eye.supervision.policy import ChildState, GiveUp, Remove, Rules, Start, Stop, decide, resume, wants_back
from eye.supervision.reasons import KILLED, NORMAL, SHUTDOWN, shutdown
from eye.supervision.restart_window import RestartWindow
from eye.web import encoder
from eye.web.encoder import FIELDS
from eye.web.nodes import nodes_document

HERE = Path(__file__).parent
_DRAWN = re.compile(r"(<!-- drawn: ([a-z ]+) -->\n)(.*?)(<!-- /drawn -->)", re.DOTALL)
_CRASH = Crash("ValueError", "oops")


def redraw(page: str) -> str:
    """Draw everything in a page again."""
    return _DRAWN.sub(lambda match: f"{match[1]}\n{DRAWINGS[match[2]]()}\n\n{match[4]}", page)


def names_in(page: str) -> list[str]:
    """List the drawings that a page has."""
    return [match[2] for match in _DRAWN.finditer(page)]


# --------------------------------------------------------------------- what a supervisor decides


def strategies() -> str:
    """Four children, the second crashes: who is stopped and who is started, in which order, by each strategy."""
    lines = ["✖ crashes   ■ is stopped   ● is started   time goes to the right", ""]
    for strategy in Strategy:
        first, children = True, _four()
        _, steps = decide(Rules(strategy), children, "b", _CRASH, RestartWindow(3, 5.0), 0.0)
        for line in _time_lines("abcd", [("✖", "b"), *_moments(steps)]):
            lines.append(f"{strategy.value if first else '':<14}{line}")
            first = False
        lines.append("")
    return _fenced(lines[:-1])


def outcomes() -> str:
    """The same for each restart type of the child that exits, whether it crashed or was done."""
    rows = []
    for restart in Restart:
        for how, reason in ("a crash", _CRASH), ("a clean exit", NORMAL):
            row = [f"`{restart.value}`, {how}"]
            for strategy in Strategy:
                children = tuple(replace(one, restart=restart) if one.id == "b" else one for one in _four())
                _, steps = decide(Rules(strategy), children, "b", reason, RestartWindow(3, 5.0), 0.0)
                row.append(_in_words(steps))
            rows.append(row)
    return _table(["b is, and its exit is", *(f"`{strategy.value}`" for strategy in Strategy)], rows)


def delays() -> str:
    """The same with a delay: the group is stopped at once, and started together when the wait is over."""
    lines = ["✖ crashes   ■ is stopped   ┄ waits   ● is started", ""]
    for strategy in Strategy:
        first, children = True, _four()
        _, steps = decide(Rules(strategy), children, "b", _CRASH, RestartWindow(3, 5.0), 0.0, delay=5.0)
        stopped = {"b", *_ids(steps, Stop)}
        waiting = tuple(replace(one, is_alive=one.id not in stopped) for one in children)
        moments = [
            ("✖", "b"),
            *_moments(steps),
            *[("┄", "b")] * 4,
            *_moments(resume(Rules(strategy), waiting, "b")),
        ]
        for line in _time_lines("abcd", moments):
            lines.append(f"{strategy.value if first else '':<14}{line}")
            first = False
        lines.append("")
    return _fenced(lines[:-1])


def waits() -> str:
    """How long a child waits that fails again and again."""
    delay, attempts = Delay(jitter=0.0), range(1, 12)
    cells = [f"{delay.seconds(attempt, 0.0):g}" for attempt in attempts]
    width = max(map(len, cells)) + 2
    rows = (
        ("attempt", "".join(f"{attempt:>{width}}" for attempt in attempts)),
        (
            "seconds",
            "".join(f"{cell:>{width}}" for cell in cells),
        ),
    )
    return _fenced(["Delay(first=0.1, factor=2.0, longest=30.0)", "", *(f"{name}{row}" for name, row in rows)])


def _four() -> tuple[ChildState, ...]:
    return tuple(ChildState(each, Restart.PERMANENT, is_alive=each != "b") for each in "abcd")


def _moments(steps: Iterable[Any]) -> list[tuple[str, str]]:
    """What happens to whom, one thing after the other."""
    marks = {Stop: "■", Start: "●"}
    return [(marks[type(step)], each) for step in steps if type(step) in marks for each in step.ids]


def _time_lines(ids: str, moments: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A line for each child: drawn out while it runs, dotted while it waits, blank while it is down."""
    step, before, after = 3, 4, 6
    length = before + step * len(moments) + after
    for child in ids:
        line, stroke, at = "", "─", 0
        for number, (mark, whom) in enumerate(moments):
            moment = before + step * number
            if whom == child:
                line += stroke * (moment - at) + (mark if mark != "┄" else "┄")
                stroke, at = {"●": "─", "┄": "┄"}.get(mark, " "), moment + 1
        yield f"{child}  {line}{stroke * (length - at)}{'▶' if stroke == '─' else ''}"


def _in_words(steps: Iterable[Any]) -> str:
    steps = tuple(steps)
    if started := _ids(steps, Start):
        stopped = _ids(steps, Stop)
        return f"{f'stop {_list(stopped)}; ' if stopped else ''}start {_list(started)}"
    return "forget b" if any(isinstance(step, Remove) for step in steps) else "leave b down"


def temporaries() -> str:
    """The same, where one of the bystanders is temporary."""
    children = tuple(ChildState(each, Restart.TEMPORARY if each == "c" else Restart.PERMANENT) for each in "abcd")
    children = tuple(replace(child, is_alive=child.id != "b") for child in children)
    _, steps = decide(Rules(Strategy.REST_FOR_ONE), children, "b", _CRASH, RestartWindow(3, 5.0), 0.0)
    gone = [step.id for step in steps if isinstance(step, Remove)]
    return _fenced(
        [
            "rest_for_one; c is temporary. b crashes.",
            "",
            f"stop: {_list(_ids(steps, Stop))}    forget: {_list(gone)}    start: {_list(_ids(steps, Start))}",
        ]
    )


def wanted_back() -> str:
    """Which children are started again, by their restart type and by the reason of their exit."""
    reasons = {
        "`normal`": NORMAL,
        "`shutdown`": SHUTDOWN,
        "`shutdown: …`": shutdown("…"),
        "`killed`": KILLED,
        "an exception": _CRASH,
    }
    rows = [
        [f"`{restart.value}`", *("again" if wants_back(restart, why) else "–" for why in reasons.values())]
        for restart in Restart
    ]
    return _table(["", *reasons], rows)


def budget() -> str:
    """A child that crashes once a second, under a supervisor that allows three restarts in five seconds."""
    window, child = RestartWindow(3, 5.0), (ChildState("b", Restart.PERMANENT, is_alive=False),)
    lines = ["max_restarts=3, max_seconds=5", ""]
    for second in (0, 1, 2, 8, 9, 10, 11):
        window, steps = decide(Rules(), child, "b", _CRASH, window, float(second))
        gives_up = any(isinstance(step, GiveUp) for step in steps)
        outcome = "too many: it gives up" if gives_up else f"restart; {window.used(float(second))} of 3 used"
        lines.append(f"second {second:>2}   b crashes   {outcome}")
    return _fenced(lines)


def _ids(steps: Iterable[Any], kind: type) -> tuple[str, ...]:
    return tuple(each for step in steps if isinstance(step, kind) for each in step.ids)


def _list(ids: Iterable[str]) -> str:
    return ", ".join(ids) or "-"


# ---------------------------------------------------------------------------------- the framework


def public_names() -> str:
    """Every name of the framework, and what its docstring says first."""
    told = {}
    for line in ast.parse(inspect.getsource(supervision)).body:
        if isinstance(line, ast.ImportFrom) and line.module is not None:
            for each in line.names:
                told[each.name] = _said_of(line.module, each.name)
    rows = [[f"`{name}`", told[name]] for name in sorted(eye._FRAMEWORK, key=lambda name: (name.upper(), name))]
    return _table(["from `eye`", ""], rows)


def _said_of(module: str, name: str) -> str:
    """Answer what the docstring of a name says first: a class's, a function's, or the one below an assignment."""
    value = getattr(importlib.import_module(module), name)
    if isinstance(value, (type, FunctionType)):
        return " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
    source = ast.parse(inspect.getsource(importlib.import_module(module))).body
    for line, below in itertools.pairwise(source):
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets) and _text_of(below):
            return _text_of(below)
    return f"The reason `{value}`."


def child_spec_fields() -> str:
    """What a child spec says."""
    return _fields_and_defaults(ChildSpec)


def delay_fields() -> str:
    """What a delay says."""
    return _fields_and_defaults(Delay)


def _fields_and_defaults(kind: type) -> str:
    body = ast.parse(inspect.getsource(kind)).body[0].body  # type: ignore[attr-defined]
    rows = []
    for line, below in itertools.pairwise(body):
        if isinstance(line, ast.AnnAssign):
            default = "" if line.value is None else f"`{ast.unparse(line.value)}`"
            default = re.sub(r"`field\(default_factory=dict\)`", "none", default)
            rows.append([f"`{ast.unparse(line.target)}`", default, _text_of(below)])
    return _table(["field", "unless given", ""], rows)


def _text_of(line: Any) -> str:
    is_text = isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    return " ".join(line.value.value.split()) if is_text else ""


# ------------------------------------------------------------------------------ the command line


def commands() -> str:
    """Every command: what it does, its own options, an example."""
    group = make_group()
    sections = []
    shared = {option.name for option in SHARED} | {"version", "help"}
    for name in COMMANDS:
        ctx = click.Context(group, info_name="sorcerers_eye")
        command = group.get_command(ctx, name)
        assert command is not None
        ctx = click.Context(command, info_name=name, parent=ctx)
        usage = " ".join(("sorcerers_eye", name, *command.collect_usage_pieces(ctx)))
        own = [param for param in command.params if isinstance(param, Option) and param.name not in shared]
        parts = [f"### {name}", _fenced([usage]), _paragraphs(command.help or "")]
        parts += [_options(own, ctx)] if own else []
        sections.append("\n\n".join(parts))
    return "\n\n".join(sections)


def shared_options() -> str:
    """The options that every command has."""
    group = make_group()
    command = group.get_command(click.Context(group), "fetch")
    assert command is not None
    wanted = {option.name for option in SHARED} | {"version"}
    ctx = click.Context(command, info_name="fetch")
    return _options([param for param in command.params if param.name in wanted], ctx)


def _options(params: Iterable[click.Parameter], ctx: click.Context) -> str:
    rows = []
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            has_variable = isinstance(param, Option) and param.name != "version"
            variable = f"`{param.variables('any')[-1]}`" if has_variable else ""
            rows.append([f"`{_plain(record[0])}`", variable, _plain(record[1])])
    return _table(["option", "variable", ""], rows)


def _plain(text: str) -> str:
    """Write an option, or its help, as people do and not as click does: `N` for `INTEGER RANGE`."""
    text = re.sub(r"\s*\[(default: .*|x>?.*|required|[\d.]+<=x.*)\]$", r" (\1)", text)
    text = re.sub(r"default: \((.*?)\)", r"default: \1", text)
    text = re.sub(r"([\d.]+)<=x<=([\d.]+)", r"\1 to \2", text)
    return text.replace("x>=", "at least ").replace("INTEGER RANGE", "N")


def _paragraphs(text: str) -> str:
    blocks = [block for block in inspect.cleandoc(text).split("\n\n") if block.strip()]
    # What begins with \b is a table already, which click leaves as it is.
    return "\n\n".join(
        _fenced(block.splitlines()[1:]) if block.startswith("\b") else " ".join(block.split()) for block in blocks
    )


# ------------------------------------------------------------------------------------- the wire


def wire() -> str:
    """Every operation that a node offers to others."""
    rows = []
    for path in sorted((HERE.parent / "eye").rglob("*.py")):
        names = re.findall(r"^(\w+)(?:: Method)? = Method\(", path.read_text(encoding="utf-8"), re.MULTILINE)
        module = ".".join(path.relative_to(HERE.parent).with_suffix("").parts)
        for name in names:
            method = getattr(importlib.import_module(module), name)
            rows.append([f"`{method}`", method.lane, _said_of(module, name)])
    return _table(["operation", "lane", ""], sorted(rows))


# ------------------------------------------------------------------------- data, events, errors


def metrics() -> str:
    """The catalogue of what is measured, with the names each format has for it."""
    rows = [
        [
            f"`{metric.name}`",
            metric.scope.value,
            f"`{metric.part}.{metric.json_name}`",
            "percent" if metric.unit is Unit.SHARE else metric.unit.value,
            f"`{metric_name(metric)}`",
            metric.help + (f" (every {metric.beat:g} s)" if metric.beat else ""),
        ]
        for metric in (*CATALOGUE, *LISTS)
    ]
    return _table(["`--metric`", "scope", "JSON", "JSON unit", "Prometheus", "what it is"], rows)


def nodes_example() -> str:
    """Two nodes, one of them down, as the JSON contract has them."""
    return _json(nodes_document(_NODES, _AT))


def socket_example() -> str:
    """What a viewer is sent: a snapshot, then what differs, then a sign of life."""
    seen, snapshot = encoder.look(None, _as_sent(_NODES[:1]), _AT)
    hotter = replace(_NODES[0], host=replace(_HOST, cpu=0.35), seen_at=_AT + 1)
    _, changes = encoder.look(seen, _as_sent((hotter,)), _AT + 1)
    assert isinstance(snapshot, encoder.Snapshot)
    assert isinstance(changes, encoder.Changes)
    texts = (
        encoder.snapshot_text(snapshot, "6f1c09d2", 0, _AT, "mystic-node-1"),
        encoder.changes_text(changes, 1, _AT + 1),
        encoder.alive_text(2, _AT + 3),
    )
    fields_and_nodes = re.compile(r'"(fields|nodes)":\[.*?\](?=,"|}$)')
    return _fenced(fields_and_nodes.sub(r'"\1":[…]', text) for text in texts)


def tree_fields() -> str:
    """What is told of each process of a tree."""
    with System() as system:
        told = introspection.tree(system, system.start(Supervisor, name="any"))  # type: ignore[arg-type]
    return _fenced(_wrapped(list(told)))


def fields() -> str:
    """The values of a row of a `changes` message, in order."""
    return _fenced(_wrapped(["index", *FIELDS]))


def events() -> str:
    """The kinds of records that `start --events` writes, and their fields."""
    rows = [[f"`{what}`", _fields_of(kind), _first_line(kind)] for kind, what in chronicle._WHAT.items()]
    return _table(["`what`", "besides `at`, `node`, `what`", "when"], rows)


def log_records() -> str:
    """What the supervision framework logs, and the fields of each record: read off reports that are made here."""
    records: dict[str, set[str]] = {}
    levels: dict[str, str] = {}

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            own = set(vars(record)) - set(vars(logging.makeLogRecord({}))) - {"report", "what", "taskName"}
            records.setdefault(record.what, set()).update(own)  # type: ignore[attr-defined]
            levels[record.what] = record.report  # type: ignore[attr-defined]

    logger, keep = logging.getLogger("eye.supervision"), Keep()
    before = (logger.level, logger.propagate)
    logger.addHandler(keep)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        _report_everything()
    finally:
        logger.removeHandler(keep)
        logger.setLevel(before[0])
        logger.propagate = before[1]
    common = set.intersection(*records.values())
    rows = [
        [f"`{what}`", levels[what], ", ".join(f"`{name}`" for name in sorted(fields - common))]
        for what, fields in records.items()
    ]
    shared = ", ".join(f"`{name}`" for name in sorted(common | {"report", "what"}))
    return f"{_table(['`what`', '`report`', 'fields'], rows)}\n\nAll of them have {shared}."


def _report_everything() -> None:
    with System() as system:
        top = system.start(Supervisor, name="top")
        assert top is not None
        record = ChildRecord("child", ChildSpec(Supervisor, id="child"), 0.0)
        incident = Incident("child", _CRASH, 0.0, 1, 3, 5.0)
        reports.server_exited(top, GenServer(), None, _CRASH)
        reports.process_crashed(top, _CRASH)
        reports.child_exited(top, top, record, incident, None)
        reports.child_started(top, top, record)
        reports.restart_delayed(top, record, incident)
        reports.child_not_started(top, record, _CRASH)
        reports.gave_up(top, incident)
        reports.child_killed(top, top, record, "", ())
        isolated = replace(record.spec, start=GenServer, isolation="process")
        reports.child_killed(top, top, ChildRecord("child", isolated, 0.0), "", ())
        reports.child_stopped_badly(top, top, record, _CRASH)
        reports.unexpected(top, "message", "")
        reports.unexpected(top, "cast", "")


_ALERT_FIELDS = ["rule", "severity", "text", "silenced", "seen_by"]
_FIELDS_OF_NEWS: dict[type, list[str]] = {
    NameConflict: ["address"],
    AlertFired: _ALERT_FIELDS,
    AlertResolved: _ALERT_FIELDS,
    RulesChanged: ["file", "asked", "problem"],
}


def _fields_of(kind: type) -> str:
    if issubclass(kind, Event):
        names = [field.name for field in dataclasses.fields(kind) if field.name != "at"]
    else:
        names = _FIELDS_OF_NEWS.get(kind, ["boot", "address", "reason", "seen_by"])
    return ", ".join(f"`{name}`" for name in names)


def alert_rules() -> str:
    """The rules that come along."""
    rows = [
        [
            f"`{rule.name}`",
            f"`{rule.when.text}`",
            span(rule.wait) if rule.wait else "at once",
            f"`{rule.clear.text}`" if rule.clear is not None else "it is no longer so",
            span(rule.keep),
            rule.severity,
            rule.help,
        ]
        for rule in rule_file.default_rules().rules
    ]
    return _table(["rule", "fires when", "for", "is over when", "for", "severity", "means"], rows)


def alert_states() -> str:
    """What becomes of a rule at a node, by what is seen of that."""
    seen = {
        Verdict.RAISE: "the level to fire",
        Verdict.BETWEEN: "neither level",
        Verdict.CLEAR: "the level to clear",
        Verdict.UNKNOWN: "nobody knows",
    }
    rows = []
    for phase, nexts in NEXT.items():
        cells = [nexts[verdict].value for verdict in seen]
        if phase is Phase.PENDING:
            cells[0] += ", after `for`: firing"
        if phase is Phase.CLEARING:
            cells[2] += ", after `keep`: ok"
        rows.append([phase.value, *cells])
    return _table(["it is", *(f"seen: {words}" for words in seen.values())], rows)


def alert_sinks() -> str:
    """The kinds of sinks, and their settings."""
    rows = []
    for name, kind in KINDS.items():
        options = [f"`{option}`{' (needed)' if one.is_needed else ''}" for option, one in kind.options.items()]
        rows.append([f"`{name}`", kind.words, ", ".join(options)])
    return _table(["type", "is", "settings"], rows)


def error_tree() -> str:
    """Every error, where it stands in the tree, and what it says."""
    return _table(["error", "is also a", ""], list(_errors_below(errors.EyeError, 0)))


def _errors_below(kind: type, depth: int) -> Iterator[list[str]]:
    also = [base.__name__ for base in kind.__mro__ if base.__module__ == "builtins" and base.__name__ in _PYTHONS]
    name = f"{'&emsp;' * depth}`{kind.__name__}`"
    shown = not kind.__name__.startswith("_")
    if shown:
        yield [name, ", ".join(f"`{each}`" for each in also), _first_line(kind)]
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _errors_below(child, depth + shown)


_PYTHONS = {"ValueError", "TypeError", "LookupError", "TimeoutError", "ConnectionError"}


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").splitlines()[0]


# ------------------------------------------------------------------------------------- examples

_AT = 1795462080.1
_HOST = HostReading("orthanc", 536870912, 25199075328, 0.2, 2, 0.42, 100, 7200.0)
_PROCESS = ProcessReading(4242, 48234496, 0.007, 12, 17, 0, 7190.5)
_NODES = (
    NodeView(
        name="mystic-node-1",
        status="up",
        address="127.0.0.1:41873",
        seen_at=_AT - 0.1,
        since=_AT - 7190,
        reason=None,
        boot="4f2a9c1b00aa11bb",
        host=_HOST,
        process=_PROCESS,
        round_trip=0.001,
    ),
    NodeView(
        name="mystic-node-2",
        status="down",
        address="127.0.0.1:41875",
        seen_at=_AT - 12,
        since=_AT - 11,
        reason="connection refused",
        boot="4f2a9c1b00aa11cc",
        host=None,
        process=None,
        round_trip=None,
    ),
)


def _as_sent(nodes: Sequence[NodeView]) -> list[Any]:
    return list(nodes_document(nodes, _AT)["nodes"])


# ---------------------------------------------------------------------------------------- parts


def _json(content: Any) -> str:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    # A reading on one line, as people write it.
    text = re.sub(r'\{\n\s+"(name|pid)":[^{}]*\}', lambda found: " ".join(found[0].split()), text)
    return f"```json\n{text}\n```"


def _fenced(lines: Iterable[str]) -> str:
    return "\n".join(("```text", *(line.rstrip() for line in lines), "```"))


def _table(titles: list[str], rows: list[list[str]]) -> str:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [titles, ["---"] * len(titles), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _wrapped(words: list[str], width: int = 100) -> list[str]:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) + 2 > width:
            lines.append("")
        lines[-1] += f"{word}, "
    lines[-1] = lines[-1].removesuffix(", ")
    return lines


# ------------------------------------------------------------------------------------- the screens


def screen(name: str) -> str:
    """A screen of `observe`, as it is painted of a cluster that stands still."""
    if str(HERE.parent) not in sys.path:
        sys.path.insert(0, str(HERE.parent))
    from tests.tui.drawn import SCREENS, drawn

    return _fenced(drawn(*SCREENS[name]))


def observe_keys() -> str:
    """The keys of `observe`."""
    from eye.tui.help_page import KEYS, MARKS

    rows = [[f"`{keys}`", does.replace("|", "\\|")] for keys, does in KEYS]
    return _table(["key", ""], rows) + f"\n\n`{MARKS}`"


SCREENS = ("nodes", "sight", "alerts", "events", "graphs", "tree", "processes", "process", "past")


DRAWINGS: dict[str, Callable[[], str]] = {
    "strategies": strategies,
    "outcomes": outcomes,
    "delays": delays,
    "waits": waits,
    "temporaries": temporaries,
    "wanted back": wanted_back,
    "budget": budget,
    "public names": public_names,
    "child spec": child_spec_fields,
    "delay": delay_fields,
    "wire": wire,
    "commands": commands,
    "shared options": shared_options,
    "nodes example": nodes_example,
    "socket example": socket_example,
    "tree fields": tree_fields,
    "metrics": metrics,
    "fields": fields,
    "events": events,
    "log records": log_records,
    "alert rules": alert_rules,
    "alert states": alert_states,
    "alert sinks": alert_sinks,
    "errors": error_tree,
    "observe keys": observe_keys,
    **{f"observe {name}": partial(screen, name) for name in SCREENS},
}


def main() -> None:
    for path in sorted(HERE.rglob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = redraw(before)
        if after != before:
            path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
