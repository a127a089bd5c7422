"""`alerts`: what fires, what a rule file means, when rules would have fired, and silences."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eye.alerts import rule_file
from eye.cli.alerts_now import merged
from eye.history.sql_store import SqlStore
from eye.history.store import Row
from eye.metrics.catalogue import find
from eye.monitor.history_moments import moments, usual_step
from eye.monitor.node import Node
from eye.testing import until

RULES = 'defaults = false\n[rules.alive]\nwhen = "processes > 0"\nkeep = "0s"\n[sinks.log]\nenabled = false\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return path


def record(rule: str, node: str, state: str, **changes: Any) -> dict[str, Any]:
    made = {
        "rule": rule, "node": node, "severity": "warning", "state": state, "since": 1.0, "fired_at": 2.0,
        "resolved_at": 3.0 if state == "resolved" else None, "value": None, "text": "x", "silenced": False,
    }  # fmt: skip
    return {**made, **changes}


# ----------------------------------------------------------------------------------- check


def test_what_a_file_means_is_said_in_plain_words(run: Callable[..., Any], file: Path) -> None:
    ran = run("alerts", "check", str(file))

    assert ran.code == 0
    assert ran.out == (
        f"{file}: 1 rule, 0 sinks\n\nalive (warning)\n"
        "    fires when the machine's Process Count is above 0, at once\n"
        "    is over when that is no longer so\n\nWho is told:\n    nobody\n"
    )


def test_the_default_rules_are_explained_too(run: Callable[..., Any]) -> None:
    ran = run("alerts", "check", "default", "--format", "json")

    document = json.loads(ran.out)
    assert [rule["rule"] for rule in document["rules"]] == [rule.name for rule in rule_file.default_rules().rules]
    assert all(rule["means"] for rule in document["rules"])
    assert document["sinks"] == [{"sink": "log", "type": "log"}]


def test_a_mistake_in_an_endless_line_is_shown_with_what_is_about_it(run: Callable[..., Any], file: Path) -> None:
    file.write_text(f"[rules.cpu]\nhelp = '{'x' * 5000}' = 1\n")

    ran = run("alerts", "check", str(file))

    _, line, mark = ran.err.splitlines()
    assert ran.code == 2
    assert len(line) < 200
    assert line[mark.index("^") - 1 : mark.index("^") + 1] == " ="


def test_what_is_far_too_large_for_a_rule_file_is_none(run: Callable[..., Any], file: Path) -> None:
    file.write_bytes(b"a" * (rule_file.LARGEST + 1))

    ran = run("alerts", "check", str(file))

    assert (ran.code, ran.err.count("\n"), len(ran.err) < 300) == (2, 1, True)
    assert "1024 kB at most" in ran.err


def test_a_mistake_is_pointed_at_and_ends_with_2(run: Callable[..., Any], file: Path) -> None:
    file.write_text('[rules.cpu]\nfor = "soon"\n')

    for ran in (run("alerts", "check", str(file)), run("start", "--name", "a", "--alerts", str(file))):
        assert ran.code == 2
        assert ran.out == ""
        assert ran.err.splitlines()[1:] == [
            '    2: for = "soon"',
            '             ^ a duration is expected, such as "30s", "5m" or "2h"',
        ]


def test_rules_are_named_in_the_configuration_file_by_its_own_folder(run: Callable[..., Any], file: Path) -> None:
    config = file.with_name("config.toml")
    config.write_text('alerts = "rules.toml"\n')
    good = run("--config", str(config), "alerts", "test", "--history", "off")
    config.write_text('alerts = "missing.toml"\n')
    bad = run("--config", str(config), "web")
    config.write_text('[alerts]\nalerts = "off"\n')
    off = run("--config", str(config), "alerts", "test")

    assert "no node was found" in good.err
    assert (bad.code, "missing.toml: no such file" in bad.err) == (2, True)
    assert (off.code, "--alerts is off" in off.err) == (2, True)


# ------------------------------------------------------------------------------ what fires


def test_of_one_rule_at_one_node_the_worst_counts_and_all_who_say_it_are_named() -> None:
    told = [
        {"node": "b", "alerts": [record("cpu", "x", "pending"), record("down", "y", "resolved")]},
        {
            "node": "a",
            "alerts": [record("cpu", "x", "firing"), record("down", "z", "firing", severity="critical")],
        },
    ]

    assert [(one["rule"], one["node"], one["state"], one["by"]) for one in merged(told)] == [
        ("down", "z", "firing", ["a"]),
        ("cpu", "x", "firing", ["a", "b"]),
        ("down", "y", "resolved", ["b"]),
    ]


@pytest.mark.parametrize("told", [
    None, {}, {"rule": "x"}, record("cpu", "x", "dancing"), record("cpu", "x", "firing", severity="bad"),
    record("cpu", 3, "firing"), record("cpu", "x", "firing", since=None),
    record("cpu", "x", "firing", fired_at="now"),
    record("cpu", "x", "firing", since=1e300), record("cpu", "x", "firing", since=-9e10),
    record("cpu", "x", "firing", silenced="no"),
])  # fmt: skip
def test_what_is_no_record_is_left_out(told: Any) -> None:
    assert [one["node"] for one in merged([{"node": "a", "alerts": [told, record("cpu", "y", "firing")]}])] == [
        "y"
    ]


@pytest.mark.e2e
def test_whoever_asks_rules_is_asked(run: Callable[..., Any], node: Node, file: Path) -> None:
    node.evaluate(rule_file.load(file))
    until(lambda: [one["state"] for one in node.view.alerts()] == ["firing"])

    text = run("alerts")
    document = json.loads(run("alerts", "--format", "json").out)

    assert text.code == 0
    assert text.err == ""
    title, line = text.out.splitlines()
    assert title.split() == ["STATE", "SEVERITY", "RULE", "NODE", "SINCE", "WHAT"]
    assert line.split()[:4] == ["firing", "warning", "alive", "mystic-node-1"]
    assert document["evaluated_by"] == ["mystic-node-1"]
    assert document["alerts"][0]["by"] == ["mystic-node-1"]
    assert run("alerts", "--exit-code").code == 1
    assert run("alerts", "--filter", "other-*").out == "no alerts\n"


@pytest.mark.e2e
def test_where_nobody_asks_rules_the_last_hour_is_asked(run: Callable[..., Any], node: Node, file: Path) -> None:
    until(lambda: len(node._parts.recent) > 0)

    ran = run("alerts", "--alerts", str(file))

    assert "no node asks alert rules" in ran.err
    assert "alive" in ran.out
    assert run("alerts", "--alerts", str(file), "--exit-code").code == 1


@pytest.mark.e2e
def test_what_changes_is_printed_as_it_changes(start: Callable[..., Any], node: Node, file: Path) -> None:
    node.evaluate(rule_file.load(file))
    until(lambda: [one["state"] for one in node.view.alerts()] == ["firing"])
    watching = start("alerts", "--watch", "--format", "json")
    try:
        first = json.loads(watching.stdout.readline())
    finally:
        watching.kill()
        watching.communicate()

    assert (first["rule"], first["state"]) == ("alive", "firing")


# ---------------------------------------------------------------------------------- silence


@pytest.mark.e2e
def test_a_silence_reaches_those_who_ask_rules(run: Callable[..., Any], node: Node, file: Path) -> None:
    node.evaluate(rule_file.load(file))
    until(lambda: node.view.alerts())

    ran = run("alerts", "silence", "alive", "--node", "mystic-*", "--for", "2h", "--reason", "release")

    assert ran.out == (
        "alive at mystic-* is silenced for 2 h: by this user's programs on this machine, mystic-node-1\n"
    )
    until(lambda: node.view.alerts()[0]["silenced"])
    assert "firing (silenced)" in run("alerts").out
    assert run("alerts", "silence", "alive", "--node", "mystic-*", "--for", "0").code == 0
    until(lambda: not node.view.alerts()[0]["silenced"])


def test_a_silence_is_kept_where_nobody_runs_yet(run: Callable[..., Any], home: Path) -> None:
    ran = run("alerts", "silence", "cpu")

    listed = run("alerts", "silence")
    assert (ran.code, ran.err) == (0, "")
    assert listed.out.startswith("cpu at * until 20")
    run("alerts", "silence", "cpu", "--for", "0")
    assert run("alerts", "silence").out == "nothing is silenced\n"
    assert json.loads(run("alerts", "silence", "--format", "json").out)["silences"] == []
    run("alerts", "silence", "cpu")
    kept = json.loads((home / ".local/share/sorcerers_eye/silences.json").read_text())
    assert [(one["rule"], one["node"]) for one in kept["silences"]] == [("cpu", "*")]


# ------------------------------------------------------------------------------------- test


def history(path: Path) -> SqlStore:
    """An hour of two nodes, one sample in 5 seconds: one is busy for ten minutes, the other stops half way."""
    from eye.history.database import url_of

    store = SqlStore(url_of(str(path)), time.time)
    store.open()
    now = time.time() // 60 * 60
    rows = []
    for number in range(720):
        at = now - 3600 + 5 * number
        busy = 0.99 if 240 <= number < 360 else 0.1
        rows.append(Row("busy", at, {"host.cpu": busy, "node.restarts": number // 100}))
        if number < 360:
            rows.append(Row("gone", at, {"host.cpu": 0.1, "node.restarts": 0}))
    store.write(rows)
    return store


def test_when_rules_would_have_fired_by_the_history(run: Callable[..., Any], tmp_path: Path) -> None:
    history(tmp_path / "h.sqlite3").close()

    ran = run("alerts", "test", "--history", str(tmp_path / "h.sqlite3"), "--since", "2h")
    document = json.loads(
        run("alerts", "test", "--history", str(tmp_path / "h.sqlite3"), "--since", "2h", "--format", "json").out
    )

    assert ran.code == 0, ran.err
    assert "cpu: would have fired once since" in ran.out
    assert "memory: would never have fired since" in ran.out
    fired = {one["rule"]: one for one in document["firings"]}
    assert set(fired) == {"cpu", "down"}
    assert (fired["cpu"]["node"], fired["down"]["node"]) == ("busy", "gone")
    assert 600 <= fired["cpu"]["resolved_at"] - fired["cpu"]["fired_at"] <= 660
    assert fired["down"]["resolved_at"] is None
    assert document["step"] == 5.0


def test_only_nodes_that_are_meant_are_played(run: Callable[..., Any], tmp_path: Path) -> None:
    history(tmp_path / "h.sqlite3").close()

    ran = run("alerts", "test", "--history", str(tmp_path / "h.sqlite3"), "--since", "2h", "--filter", "gone")

    assert "cpu: would never have fired" in ran.out
    assert "down: would never have fired" in ran.out  # nobody else was there to be missed from


def test_a_time_that_nobody_watched_says_nothing_of_anybody(tmp_path: Path) -> None:
    store = history(tmp_path / "h.sqlite3")
    (cpu, *_) = find("cpu")
    now = time.time()

    played = list(moments(store, ["busy", "gone"], [cpu], since=now - 86_400, until=now, step=60.0))
    store.close()

    assert 58 <= len(played) <= 61
    assert [one.node for one in played[0].facts] == ["busy", "gone"]
    assert {one.status for one in played[-1].facts if one.node == "gone"} == {"down"}


@pytest.mark.parametrize(("seconds", "step"), [(3600, 5), (86_400, 5), (7 * 86_400, 60), (90 * 86_400, 388.8)])
def test_the_past_is_looked_at_as_finely_as_makes_sense(seconds: float, step: float) -> None:
    assert usual_step(seconds) == step


@pytest.mark.e2e
def test_without_a_history_the_nodes_tell_of_their_last_hour(
    run: Callable[..., Any], node: Node, file: Path
) -> None:
    until(lambda: len(node._parts.recent) > 0)

    ran = run("alerts", "test", str(file))

    assert "no history is kept" in ran.err
    assert "the nodes' last hour, from" in ran.out
    assert "alive: would have fired once" in ran.out
    assert os.environ["HOME"] in ran.err
