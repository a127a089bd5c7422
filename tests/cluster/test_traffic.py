"""What answering others costs a node."""

from __future__ import annotations

import pytest

from eye.cluster.traffic import MOST, WINDOW, Meter, Traffic
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.testing import ManualClock, until


@pytest.fixture
def traffic(clock: ManualClock) -> Traffic:
    return Traffic(clock)


def test_nothing_is_told_of_a_window_that_is_not_over(traffic: Traffic, clock: ManualClock) -> None:
    traffic.note("10.0.0.1", 10, 100, 0.001)
    clock.advance(WINDOW - 0.1)

    assert traffic.last() == ()


def test_a_window_is_told_in_rates_the_dearest_asker_first(traffic: Traffic, clock: ManualClock) -> None:
    for _ in range(20):
        traffic.note("10.0.0.1", 10, 100, 0.001)
    traffic.note("10.0.0.2", 0, 0, 1.0)
    clock.advance(WINDOW)

    told = [tuple(cost) for cost in traffic.last()]

    assert told == [("10.0.0.2", 0.1, 0, 0, 0.1), ("10.0.0.1", 2.0, 20.0, 200.0, pytest.approx(0.002))]


def test_the_last_whole_window_stays_until_the_next_is_over(traffic: Traffic, clock: ManualClock) -> None:
    traffic.note("a", 1, 1, 0.0)
    clock.advance(WINDOW)
    traffic.note("b", 1, 1, 0.0)

    assert [cost.who for cost in traffic.last()] == ["a"]

    clock.advance(WINDOW)

    assert [cost.who for cost in traffic.last()] == ["b"]


def test_when_nobody_asks_any_more_nothing_is_told(traffic: Traffic, clock: ManualClock) -> None:
    traffic.note("a", 1, 1, 0.0)
    clock.advance(WINDOW)
    assert traffic.last()

    clock.advance(2 * WINDOW)

    assert traffic.last() == ()


def test_of_very_many_askers_the_others_are_one(traffic: Traffic, clock: ManualClock) -> None:
    for number in range(3 * MOST):
        traffic.note(f"10.0.{number}.1", 1, 1, 0.0)
    clock.advance(WINDOW)

    told = {cost.who: cost.requests for cost in traffic.last()}

    assert len(told) == MOST + 1
    assert told["others"] == pytest.approx(2 * MOST / WINDOW)


def test_a_meter_counts_the_work_of_this_thread() -> None:
    meter = Meter()

    while meter.read() < 0.001:
        sum(range(1000))


def test_a_node_tells_what_it_costs_to_look_at_it(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """With real sockets; the window is made short, since it is of real time."""
    monkeypatch.setenv("EYE_FOLDER", f"{tmp_path}/run")
    monkeypatch.setenv("EYE_COOKIE_FILE", f"{tmp_path}/cookie")
    monkeypatch.setattr("eye.cluster.traffic.WINDOW", 0.5)
    node = Node.start(NodeConfig(name="looked-at"))
    other = Node.start(NodeConfig(name="looks"))
    try:
        until(lambda: "looked-at" in {one.name for one in other.view.nodes() if one.status == "up"})
        until(lambda: other.view.cost("looked-at")["sent"] > 0)
        cost = other.view.cost("looked-at")
    finally:
        other.stop()
        node.stop()

    (asker,) = cost["askers"]
    assert (cost["node"], asker["who"]) == ("looked-at", "127.0.0.1")
    assert 0 < asker["cpu_percent"] <= 100
    assert asker["requests"] > 0
    assert asker["received"] > 0
