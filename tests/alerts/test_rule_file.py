"""Rule files: what they mean, how the default rules are changed, and what is said of every mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.alerts import rule_file
from eye.alerts.explain import explain
from eye.alerts.rules import Rule
from eye.errors import BadRules, ConfigError
from eye.metrics.filters import condition, parse


def _read(text: str) -> dict[str, Rule]:
    return {rule.name: rule for rule in rule_file.read(text, "rules.toml").rules}


DEFAULTS = _read("")


def test_the_default_rules() -> None:
    assert {name: (rule.when.text, rule.wait, rule.severity) for name, rule in DEFAULTS.items()} == {
        "cpu": ("cpu > 90", 30.0, "warning"),
        "memory": ("memory_percent > 85", 60.0, "warning"),
        "down": ("status:down", 10.0, "critical"),
        "silent": ("absent not status:down", 30.0, "warning"),
        "restarts": ("restarts > 5 in 1m", 0.0, "warning"),
        "mailbox": ("mailbox > 1000", 10.0, "warning"),
    }
    assert [sink.name for sink in rule_file.default_rules().sinks] == ["log"]


def test_a_rule_says_all_that_there_is_to_say() -> None:
    found = rule_file.read(
        """
        defaults = false
        [rules.web-busy]
        when = "cpu > 95 for 30s"
        clear = "cpu < 80"
        keep = "2m"
        severity = "critical"
        nodes = "web-*"
        sinks = ["ops", "log"]
        help = "Ask for more"
        [sinks.ops]
        type = "webhook"
        url = "https://example.org/hook"
        headers = { Authorization = "Bearer x" }
        timeout = "3s"
        attempts = 2
        [sinks.bell]
        [sinks.page]
        type = "command"
        command = ["/bin/true", "-x"]
        [sinks.mail]
        type = "apprise"
        urls = "json://localhost"
        [[silences]]
        rule = "web-*"
        node = "web-1"
        until = 2030-01-01T00:00:00+01:00
        reason = "known"
        """,
        "rules.toml",
    )

    assert found.rules == (
        Rule("web-busy", condition("cpu > 95 for 30s"), condition("cpu < 80"), 30.0, 120.0, "critical",
             parse("web-*"), ("ops", "log"), "Ask for more"),
    )  # fmt: skip
    assert [(sink.name, sink.kind, dict(sink.options)) for sink in found.sinks] == [
        ("log", "log", {}),
        ("ops", "webhook", {"url": "https://example.org/hook", "headers": {"Authorization": "Bearer x"},
                            "timeout": 3.0, "attempts": 2}),
        ("bell", "bell", {}),
        ("page", "command", {"command": ("/bin/true", "-x"), "timeout": 10.0, "attempts": 6}),
        ("mail", "apprise", {"urls": ("json://localhost",), "timeout": 10.0, "attempts": 6}),
    ]  # fmt: skip
    assert [(one.rule, one.node, one.until) for one in found.silences] == [("web-*", "web-1", 1893452400.0)]


def test_a_default_rule_is_changed_by_its_name_and_stays_what_it_is_otherwise() -> None:
    found = _read('[rules.cpu]\nfor = "2s"\nkeep = 3\nsinks = ["log"]')

    assert found["cpu"] == replace(DEFAULTS["cpu"], wait=2.0, keep=3.0, sinks=("log",))
    assert {**found, "cpu": None} == {**DEFAULTS, "cpu": None}


def test_a_condition_that_is_changed_brings_its_times_along() -> None:
    changed = _read('[rules.cpu]\nwhen = "cpu > 99 for 5m keep 10m"')["cpu"]

    assert (changed.wait, changed.keep, changed.clear) == (300.0, 600.0, DEFAULTS["cpu"].clear)


@pytest.mark.parametrize(("text", "left"), [
    ("[rules.cpu]\nenabled = false", {"memory", "down", "silent", "restarts", "mailbox"}),
    ("defaults = false", set()),
    ('defaults = false\n[rules.down]\nwhen = "status:down"', {"down"}),
    ("[sinks.log]\nenabled = false", set(DEFAULTS)),
])  # fmt: skip
def test_rules_are_switched_off(text: str, left: set[str]) -> None:
    assert set(_read(text)) == left


def test_the_log_is_taken_away() -> None:
    assert rule_file.read("[sinks.log]\nenabled = false", "rules.toml").sinks == ()


def test_without_defaults_nothing_is_inherited_from_them() -> None:
    (rule,) = rule_file.read('defaults = false\n[rules.down]\nwhen = "status:down"', "x").rules

    assert (rule.wait, rule.keep, rule.severity) == (0.0, 30.0, "warning")


WRONG = {
    # the file: (line, column, what is said)
    '[rules.a]\nwhen = "cpu > 90 for tea"': (2, 22, "a duration is expected after for"),
    "[rules.a]\nwhen = 'cup > 90'": (2, 9, "Did you mean 'cpu'"),
    '[rules.a]\nwhen = "cpu > 90 fro 30s"': (2, 22, "what is 30s? It needs a `for`"),
    '[rules.a]\nwhen = "cpu > 90 in 1m"': (2, 18, "'in' is said of what counts up"),
    '[rules.a]\nwhen   =   "status:dwon"': (2, 20, "a status is one of"),
    "[rules.a]\nwhen = 90": (2, 8, "a text in quotes is expected"),
    '[rules.a]\nseverity = "critical"': (1, 1, "rule 'a' has no condition"),
    '[rules.cpu]\nclaer = "cpu < 60"': (2, 1, "there is no setting 'claer' here; did you mean 'clear'?"),
    '[rules.cpu]\nclear = "cpu < 95"': (2, 9, "it would fire and be clear at once"),
    '[rules.cpu]\nclear = "cpu < 60 for 1m"': (2, 9, "how long it must be clear is said by keep"),
    '[rules.cpu]\nfor = "soon"': (2, 7, "a duration is expected, such as"),
    "[rules.cpu]\nfor = -1": (2, 7, "a duration is expected, such as"),
    '[rules.a]\nwhen = "cpu > 9 for 3s"\nfor = "3s"': (3, 1, "for is said twice"),
    '[rules.a]\nwhen = "cpu > 9 keep 3s"\nkeep = "3s"': (3, 1, "keep is said twice"),
    '[rules.cpu]\nseverity = "bad"': (2, 12, "severity is one of warning, critical, not 'bad'"),
    '[rules.cpu]\nnodes = "web-[1"': (2, 14, "this '[' is never closed"),
    '[rules.cpu]\nsinks = ["ops"]': (2, 9, "there is no sink 'ops'; there are: log"),
    '[rules.cpu]\nsinks = "log"': (2, 9, "a list of names is expected"),
    '[rules.cpu]\nenabled = "no"': (2, 11, "true or false is expected"),
    '[rules."a b"]\nwhen = "cpu > 9"': (1, 1, "a rule's name is a letter or digit"),
    "rules = 3": (1, 1, "tables are expected: [rules.NAME]"),
    "[rules]\ncpu = 3": (2, 1, "a table is expected: [rules.cpu]"),
    "tea = 3": (1, 1, "there is no setting 'tea' here; there are: defaults, rules"),
    '[sinks.x]\ntype = "owl"': (2, 8, "type is one of log, bell, webhook, command, apprise, not 'owl'"),
    "[sinks.webhook]": (1, 1, "a webhook needs url"),
    '[sinks.webhook]\nurl = "ftp://x"': (2, 7, "an address is expected"),
    '[sinks.webhook]\nurl = "http://x"\nheaders = { a = 3 }': (3, 11, "texts by their names are expected"),
    '[sinks.webhook]\nurl = "http://x"\nheaders = { a = "b\\r\\nc" }': (3, 11, "texts by their names"),
    '[sinks.command]\ncommand = "rm -rf"': (2, 11, "a program and its arguments are expected"),
    '[sinks.command]\ncommand = ["x"]\ntimeout = "1h"': (3, 11, "a duration of up to 10 minutes is expected"),
    '[sinks.command]\ncommand = ["x"]\nattempts = 0': (3, 12, "a whole number from 1 to 20"),
    "[sinks.apprise]\nurls = []": (2, 8, "addresses of Apprise are expected"),
    "[sinks.log]\nurl = 3": (2, 1, "there is no setting 'url' here"),
    '[[silences]]\nrule = "cpu"': (1, 1, "until when?"),
    '[[silences]]\nuntil = "soon"': (2, 1, "until when?"),
    "[[silences]]\nuntil = 2030-01-01T00:00:00": (2, 9, "a moment needs its offset"),
    "[silences]\nrule = 3": (1, 1, "silences are written [[silences]]"),
    "[rules.a\n": (1, 9, "this is not TOML: expected ']'"),
    "a = ": (1, 5, "this is not TOML: invalid value"),
    "a = '''\nfoo": (2, 4, "this is not TOML"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=[text.replace("\n", " ")[:50] for text in WRONG])
def test_a_mistake_is_told_with_its_line_and_column(text: str, said: tuple[int, int, str]) -> None:
    with pytest.raises(BadRules) as refused:
        rule_file.read(text, "rules.toml")

    line, column, shown, problem = refused.value.problems[0]
    assert (line, column) == said[:2]
    assert said[2] in problem
    assert shown == text.splitlines()[line - 1]
    assert str(refused.value).startswith(f"rules.toml: line {line}, column {column}: {problem}")


def test_all_mistakes_are_told_at_once_and_pointed_at() -> None:
    with pytest.raises(BadRules) as refused:
        rule_file.read('tea = 1\n[rules.cpu]\nnodes = "a["\nfor = "x"', "rules.toml")

    assert "and 2 more mistakes" in str(refused.value)
    assert refused.value.pointed.splitlines()[2:4] == [
        '3: nodes = "a["',
        "             ^ this '[' is never closed",
    ]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"a = '\xff'")

    with pytest.raises(ConfigError, match="no such file"):
        rule_file.load(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="not UTF-8"):
        rule_file.load(tmp_path / "latin.toml")
    with pytest.raises(ConfigError, match="is a directory"):
        rule_file.load(tmp_path)


_value = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=8).map(lambda text: f"x{text!r}"),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@given(st.lists(st.tuples(
    st.sampled_from(["[rules.a]", "[rules.cpu]", "[sinks.b]", "[[silences]]", "[rules]", ""]),
    st.sampled_from(["when", "for", "keep", "clear", "sinks", "nodes", "type", "url", "until", "rule", "enabled"]),
    st.sampled_from(
        ['"cpu > 9"', "3", "true", '"1m"', '["log"]', "2030-01-01", "{ a = 1 }", '"webhook"', "'''x\n'''"]
    ),
), max_size=6))  # fmt: skip
def test_any_file_is_understood_or_refused_at_one_of_its_lines(lines: list[tuple[str, str, str]]) -> None:
    text = "\n".join(f"{head}\n{name} = {value}" for head, name, value in lines)

    try:
        found = rule_file.read(text, "rules.toml")
    except BadRules as refused:
        for line, column, _, problem in refused.problems:
            assert 1 <= line <= len(text.splitlines()) + 1
            assert column >= 1
            assert problem
    else:
        for rule in found.rules:
            assert explain(rule)


@pytest.mark.parametrize(("text", "words"), [
    ("cpu > 90 for 30s", ["fires when the machine's CPU Load is above 90 %, for 30 s on end",
                          "is over when that is no longer so, for 30 s on end"]),
    ("absent not status:down", ["fires when nothing comes from the node and the node is not down, at once",
                                "is over when that is no longer so, for 30 s on end"]),
    ("mem >= 80% or not (custom.orders = 5 web-*) keep 0s",
     ["fires when the machine's memory in use is at or above 80 % of all the machine has or not (the program's "
      "own Orders is exactly 5 and the name fits /^web-.*$/), at once", "is over when that is no longer so"]),
    ("restarts > 5 in 1m keep 0s", ["fires when the node's Restarts went up by more than 5 in 1 min, at once",
                                    "is over when that is no longer so"]),
])  # fmt: skip
def test_what_a_rule_means_is_said_in_plain_words(text: str, words: list[str]) -> None:
    (rule,) = rule_file.read(f'defaults = false\n[rules.a]\nwhen = "{text}"', "rules.toml").rules

    assert explain(rule) == words
