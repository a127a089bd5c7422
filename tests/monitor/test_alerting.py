"""Alerts in a node: what rules are asked about, what others may ask and do, and that nothing of it is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eye.alerts import rule_file
from eye.alerts.ledger import Ledger
from eye.alerts.news import AlertFired, AlertResolved
from eye.alerts.replay import play
from eye.alerts.rules import RuleSet, SinkSettings
from eye.alerts.silences import Silence, SilenceFile
from eye.alerts.verdict import Facts
from eye.cluster.node import Member, Status
from eye.errors import ActionRefused, ConfigError
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.monitor.alert_service import AlertService, add_silence
from eye.monitor.alerting import Reader, Telling
from eye.monitor.board import Board
from eye.monitor.chronicle import as_record
from eye.monitor.config import NodeConfig, data_folder
from eye.monitor.last_hours import metrics_of, moments
from eye.monitor.methods import ALERTS, ALLOWED, SILENCE
from eye.monitor.node import Node
from eye.monitor.prometheus import prometheus
from eye.monitor.sayings import say
from eye.supervision import System
from eye.testing import ManualClock, until

GB = 1024**3


def rules(text: str) -> RuleSet:
    return rule_file.read(f"defaults = false\n{text}", "rules.toml")


RULES = rules(
    '[rules.busy]\nwhen = "cpu > 90"\n[rules.down]\nwhen = "status:down"\nkeep = "0s"\n'
    '[rules.silent]\nwhen = "absent not status:down"\nkeep = "0s"\n[rules.orders]\nwhen = "custom.orders > 5"'
)


def member(name: str, status: Status, since: float) -> Member:
    return Member(name, "127.0.0.1:4711", "boot", since, status, since, since)


def sample(name: str, cpu: float, **custom: float) -> Sample:
    host = HostReading("orthanc", GB, 4 * GB, cpu, 4, 0.5, 100, 7200.0)
    return Sample(name, "boot", 1.0, host, ProcessReading(1, GB, 0.1, 3, 4, 5, 6.0), custom)  # type: ignore[arg-type]


# ------------------------------------------------------------------ what rules are asked about


@pytest.fixture
def board(clock: ManualClock) -> Board:
    board = Board(clock)
    board.put_members([member("web-1", Status.UP, clock.now())])
    return board


def test_a_rule_reads_the_figures_that_it_wants_and_no_others(board: Board, clock: ManualClock) -> None:
    board.put_reading("web-1", sample("web-1", 0.95, orders=7), 0.001)

    (found,) = Reader(board, RULES.rules, clock.now).facts()

    assert found.figures == {"host.cpu": 0.95, "custom.orders": 7}
    assert (found.node, found.status, found.is_silent, found.host) == ("web-1", "up", False, "orthanc")


def test_what_a_node_said_long_ago_is_no_figure_of_now(board: Board, clock: ManualClock) -> None:
    board.put_reading("web-1", sample("web-1", 0.95), 0.001)
    read = Reader(board, RULES.rules, clock.now).facts

    clock.advance(5)
    assert not read()[0].is_silent
    clock.advance(0.1)

    assert read()[0].is_silent
    assert read()[0].figures == {}


def test_one_that_has_only_just_come_up_is_not_silent_yet(board: Board, clock: ManualClock) -> None:
    read = Reader(board, RULES.rules, clock.now).facts

    assert (read()[0].is_silent, read()[0].figures) == (False, {})
    clock.advance(5.1)
    assert read()[0].is_silent


def test_one_that_is_down_says_nothing(board: Board, clock: ManualClock) -> None:
    board.put_reading("web-1", sample("web-1", 0.95), 0.001)
    board.put_members([member("web-1", Status.DOWN, clock.now())])

    (found,) = Reader(board, RULES.rules, clock.now).facts()

    assert (found.status, found.is_silent, found.figures) == ("down", True, {})


# ------------------------------------------------------------------------- who is to be told


def test_sinks_that_are_changed_keep_what_waits_for_them(system: System) -> None:
    made: list[str] = []

    def make(sink: SinkSettings) -> Callable[[list[Any]], None]:
        if sink.kind == "apprise":
            raise ConfigError("there is no such thing here")
        made.append(sink.name)
        return lambda records: None

    telling = Telling(make, system.whereis)
    bell, ops = SinkSettings("bell", "bell"), SinkSettings("ops", "command", {"command": ["a"]})
    telling.use([bell, ops])
    telling.outboxes["ops"].put([{"rule": "x"}])
    waiting = telling.outboxes["ops"]

    other = SinkSettings("ops", "command", {"command": ["b"]})
    telling.use([other, SinkSettings("log", "log")])

    assert made == ["bell", "ops", "ops", "log"]
    assert telling.outboxes.keys() == {"ops", "log"}
    assert telling.outboxes["ops"] is waiting
    assert [child.args[0] for child in telling.children] == [other, SinkSettings("log", "log")]

    with pytest.raises(ConfigError):
        telling.use([bell, SinkSettings("mail", "apprise")])
    assert [child.id for child in telling.children] == ["ops", "log"]
    assert telling.outboxes.keys() == {"ops", "log"}


# -------------------------------------------------------------------------- what others ask


class Service:
    """The service of a node, and the file that it writes silences into."""

    def __init__(self, folder: Path, clock: ManualClock, allow: frozenset[str] = ALLOWED) -> None:
        self.ledger, self.file = Ledger(), SilenceFile(folder / "silences.json")
        self.asked = AlertService("a", self.ledger, clock, allow, lambda: self.file)


def test_others_are_told_the_alerts_where_rules_are_asked(tmp_path: Path, clock: ManualClock) -> None:
    service = Service(tmp_path, clock)
    assert service.asked.alerts() == {
        "version": 1, "node": "a", "at": clock.now(), "evaluates": False, "alerts": [],
    }  # fmt: skip

    service.ledger.evaluates = True
    service.ledger.look(RULES.rules[1:2], [Facts("web-1", "down", {}, True)], 0.0, clock.now())

    assert [one["state"] for one in service.asked.alerts()["alerts"]] == ["firing"]


@pytest.mark.parametrize(("right", "ask"), [
    ("read", lambda service: service.alerts()),
    ("silence", lambda service: service.silence("cpu", "*", 60.0, "")),
])  # fmt: skip
def test_each_needs_its_right(
    tmp_path: Path, clock: ManualClock, right: str, ask: Callable[[AlertService], Any], caplog: Any
) -> None:
    ask(Service(tmp_path, clock).asked)  # granted unless the node says otherwise

    with pytest.raises(ActionRefused, match=f"without --deny {right}"):
        ask(Service(tmp_path, clock, ALLOWED - {right}).asked)
    assert "was refused what it asked for" in caplog.text


def test_a_silence_from_elsewhere_is_kept_where_rules_are_asked(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(tmp_path, clock)
    assert service.asked.silence("cpu", "web-*", 60.0, "x")["until"] is None
    assert service.file.read() == ()

    service.ledger.evaluates = True
    caplog.set_level(logging.WARNING)
    told = service.asked.silence("cpu", "web-*", 60.0, "release")

    assert told["until"] == clock.now() + 60
    assert [(one.rule, one.node, one.reason) for one in service.file.read()] == [("cpu", "web-*", "release")]
    assert "cpu at web-* is silenced by" in caplog.text
    service.asked.silence("cpu", "web-*", 0.0, "")
    assert service.file.read() == ()


@pytest.mark.parametrize(("silence", "seconds", "said"), [
    (Silence("cpu"), -1.0, "up to a year"),
    (Silence("cpu"), 1e9, "up to a year"),
    (Silence(""), 60.0, "globs of up to 200 characters"),
    (Silence("cpu", "a\nb"), 60.0, "globs of up to 200 characters"),
])  # fmt: skip
def test_a_silence_that_makes_no_sense_is_refused(
    tmp_path: Path, silence: Silence, seconds: float, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        add_silence(SilenceFile(tmp_path / "s.json"), silence, seconds, 1.0)


def test_where_it_cannot_be_kept_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="the silence cannot be kept: "):
        add_silence(SilenceFile(tmp_path / "file" / "s.json"), Silence("cpu"), 60.0, 1.0)


# --------------------------------------------------------------------- what is told of them

RECORD = {
    "rule": "cpu", "node": "web-1", "severity": "warning", "state": "firing", "since": 1.0, "fired_at": 2.0,
    "resolved_at": None, "value": 96.0, "text": "CPU Load 96 % for 30 s", "silenced": False,
}  # fmt: skip


def test_an_alert_is_a_line_in_every_event_log() -> None:
    fired = as_record("watcher", AlertFired(RECORD), 5.0)
    over = as_record("watcher", AlertResolved({**RECORD, "silenced": True}), 6.0)

    assert fired == {
        "at": 5.0, "what": "alert_fired", "node": "web-1", "rule": "cpu", "severity": "warning",
        "text": "CPU Load 96 % for 30 s", "silenced": False, "seen_by": "watcher",
    }  # fmt: skip
    assert over is not None
    assert say(fired) == ("▲", "alert cpu: CPU Load 96 % for 30 s")
    assert say(over) == ("●", "cpu is over: CPU Load 96 % for 30 s (silenced)")


def test_prometheus_reads_what_is_pending_and_what_fires() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    pending, over = {**RECORD, "state": "pending", "node": 'a"b'}, {**RECORD, "state": "resolved", "node": "x"}

    (family,) = parser.text_string_to_metric_families(prometheus([], 0.0, alerts=[RECORD, pending, over]))

    assert (family.name, family.type) == ("sorcerers_eye_alerts", "gauge")
    assert [(one.labels, one.value) for one in family.samples] == [
        ({"alertname": "cpu", "alertstate": state, "node": node, "severity": "warning", "silenced": "false"}, 1)
        for state, node in (("firing", "web-1"), ("pending", 'a"b'))
    ]


# --------------------------------------------------------------------------- the last hour


def test_the_last_hour_of_nodes_is_played_through_rules(make_node: Callable[..., Any], now: float) -> None:
    asked = rules('[rules.busy]\nwhen = "cpu > 90 for 1m"\n[rules.down]\nwhen = "status:down for 10s"').rules
    metrics = metrics_of(asked)
    starts = [now - 600 + 5 * number for number in range(120)]
    hot = {
        "version": 1, "node": "hot", "at": now - 3600, "step": 5.0,  # its clock is an hour slow
        "starts": [start - 3600 for start in starts],
        "points": {"host.cpu": [[0.2, 0.1, 0.3]] * 60 + [[0.99, 0.9, 1.0]] * 60},
    }  # fmt: skip
    nodes = [make_node("hot"), make_node("gone", status="down", since=now - 40, reason="connection refused")]

    played = moments(nodes, {"hot": hot}, metrics, now)
    ledger = Ledger()
    firings = play(asked, played, 5.0, ledger)

    assert [(one.rule, one.node, round(now - one.fired_at)) for one in firings] == [
        ("busy", "hot", 235), ("down", "gone", 30),
    ]  # fmt: skip
    assert [one["state"] for one in ledger.records(now)] == ["firing", "firing"]


# ------------------------------------------------------------------------------ a real node


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "EYE_FOLDER": str(tmp_path / "run"),
        "EYE_COOKIE_FILE": str(tmp_path / "cookie"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def start(name: str, **more: Any) -> Node:
        nodes.append(Node.start(NodeConfig(name, interval=0.2), environ=environ, **more))
        return nodes[-1]

    yield start
    for node in reversed(nodes):
        node.stop()


def states(node: Node) -> dict[tuple[str, str], str]:
    return {(one["rule"], one["node"]): one["state"] for one in node.view.alerts()}


@pytest.mark.e2e
def test_a_node_asks_rules_about_itself_and_others_and_others_can_ask_it(start: Callable[..., Node]) -> None:
    watcher, other = start("watcher"), start("other")
    asked = rules('[rules.alive]\nwhen = "processes > 0"\nkeep = "0s"')

    watcher.evaluate(asked)
    watcher.evaluate(asked)  # a second time does nothing

    until(lambda: states(watcher) == {("alive", "watcher"): "firing", ("alive", "other"): "firing"})
    until(lambda: any(one["what"] == "alert_fired" for one in watcher.view.events()))
    other.view.look()
    until(lambda: any(one.name == "watcher" and one.host for one in other.view.nodes()))
    told = other.view._engine().request(watcher.address, ALERTS, timeout=5.0)
    assert told["evaluates"]
    assert {one["node"] for one in told["alerts"]} == {"watcher", "other"}
    assert not any(one["what"].startswith("alert") for one in other.view.events())  # it asks no rules itself

    other.view._engine().request(watcher.address, SILENCE, "alive", "other", 60.0, "", timeout=5.0)
    until(lambda: [one["silenced"] for one in watcher.view.alerts() if one["node"] == "other"] == [True])


@pytest.mark.e2e
def test_its_evaluator_may_crash_and_the_node_may_be_restarted(
    start: Callable[..., Node], environ: dict[str, str]
) -> None:
    asked = rules('[rules.alive]\nwhen = "processes > 0"\n[sinks.log]\nenabled = false')
    watcher = start("watcher")
    watcher.evaluate(asked)
    until(lambda: states(watcher) == {("alive", "watcher"): "firing"})
    (before,) = watcher.view.alerts()

    evaluator = watcher.system.whereis("eye.evaluator")
    assert evaluator is not None
    evaluator.kill()
    until(lambda: watcher.system.whereis("eye.evaluator") not in (None, evaluator))
    assert watcher.view.alerts()[0]["fired_at"] == before["fired_at"]

    watcher.stop()
    again = start("watcher")
    again.evaluate(asked)
    assert again.view.alerts()[0]["fired_at"] == before["fired_at"]
    folder = data_folder(environ)
    assert folder is not None
    assert (folder / "alerts" / "watcher.json").is_file()


@pytest.mark.e2e
def test_an_observer_asks_rules_too_and_leaves_no_file(
    start: Callable[..., Node], environ: dict[str, str]
) -> None:
    start("other")
    observer = start("observer", observer=True)

    observer.evaluate(rules('[rules.alive]\nwhen = "processes > 0"'))

    until(lambda: states(observer) == {("alive", "other"): "firing"})
    assert not (Path(environ["XDG_DATA_HOME"]) / "sorcerers_eye" / "alerts").exists()


@pytest.mark.e2e
def test_a_rule_file_may_be_changed_while_its_rules_are_asked(
    start: Callable[..., Node], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, told = tmp_path / "rules.toml", tmp_path / "told"

    def write(text: str) -> None:
        file.with_suffix(".new").write_text(f"defaults = false\n{text}")
        file.with_suffix(".new").replace(file)

    sink = f'[sinks.log]\nenabled = false\n[sinks.script]\ntype = "command"\ncommand = ["touch", "{told}"]\n'
    write('[rules.alive]\nwhen = "processes > 0"')
    watcher = start("watcher")
    watcher.evaluate(rule_file.load(file))
    until(lambda: states(watcher) == {("alive", "watcher"): "firing"})
    (before,) = watcher.view.alerts()

    write('[rules.alive]\nwhen = "processes > tea"')
    until(lambda: any(one["what"] == "alert_rules_changed" and one["problem"] for one in watcher.view.events()))
    assert watcher.view.alerts()[0]["fired_at"] == before["fired_at"]

    write(f'{sink}[rules.alive]\nwhen = "processes > 0"\n[rules.here]\nwhen = "memory > 0"')
    until(lambda: states(watcher).get(("here", "watcher")) == "firing")
    until(told.exists)
    assert [one["fired_at"] for one in watcher.view.alerts() if one["rule"] == "alive"] == [before["fired_at"]]
    assert watcher.system.whereis("eye.alerts.log") is None

    supervisor = watcher.system.whereis("eye.sinks")
    assert supervisor is not None
    supervisor.kill()  # restarted, it has the sinks of now
    until(lambda: watcher.system.whereis("eye.alerts.script") is not None)
    assert watcher.system.whereis("eye.alerts.log") is None


@pytest.mark.e2e
def test_an_evaluator_that_always_crashes_takes_nobody_along(start: Callable[..., Node]) -> None:
    watcher = start("watcher")
    watcher.evaluate(rules('[rules.alive]\nwhen = "processes > 0"'))
    until(lambda: states(watcher))
    crashes = []

    def look(*_args: Any) -> None:
        crashes.append(1)
        raise RuntimeError("a rule that nobody thought of")

    watcher._parts.alerts.look = look  # type: ignore[method-assign, assignment]

    until(lambda: len(crashes) >= 3, timeout=20.0)
    assert watcher.is_alive
    assert watcher.system.whereis("eye.alerts.log") is not None
    assert watcher.system.whereis("eye.observing") is not None
