"""`alerts check FILE`: what is wrong with a rule file, by line and column; or what its rules mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eye.alerts.rules import RuleSet


def check(file: str, format: str) -> int:
    """Check a file (or `default`), and print what it means. A mistake is raised, all of them in one."""
    from eye.cli.alerts import rules_at
    from eye.cli.screen import as_json, write

    rules = rules_at(file)
    write(as_json(_document(file, rules)) if format == "json" else _text(file, rules))
    return 0


def _text(file: str, rules: RuleSet) -> str:
    from eye.alerts.explain import explain
    from eye.alerts.kinds import KINDS
    from eye.monitor.clean import clean

    lines = [f"{clean(file)}: {_count(len(rules.rules), 'rule')}, {_count(len(rules.sinks), 'sink')}", ""]
    for rule in rules.rules:
        lines.append(f"{rule.name} ({rule.severity}){': ' + clean(rule.help) if rule.help else ''}")
        lines += [f"    {clean(line)}" for line in explain(rule)]
    lines += ["", "Who is told:"]
    lines += [f"    {sink.name}: {KINDS[sink.kind].words}" for sink in rules.sinks] or ["    nobody"]
    return "\n".join(lines) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _document(file: str, rules: RuleSet) -> dict[str, Any]:
    from eye.alerts.explain import explain

    return {
        "version": 1,
        "file": file,
        "rules": [
            {
                "rule": rule.name,
                "severity": rule.severity,
                "when": rule.when.text,
                "clear": None if rule.clear is None else rule.clear.text,
                "for": rule.wait,
                "keep": rule.keep,
                "nodes": None if rule.nodes is None else rule.nodes.text,
                "sinks": None if rule.sinks is None else list(rule.sinks),
                "means": explain(rule),
            }
            for rule in rules.rules
        ],
        "sinks": [{"sink": sink.name, "type": sink.kind} for sink in rules.sinks],
        "silences": [one._asdict() for one in rules.silences],
    }
