"""A graph is drawn from what a node remembers and from what was kept, whichever there is."""

from __future__ import annotations

from typing import Any

import pytest

from eye.errors import HistoryOff, NodeDown, UnknownNode
from eye.history.memory_store import MemoryStore
from eye.history.store import Row
from eye.monitor import looking_back

NOON = 1_800_014_400.0
HOUR = 3600.0


class View:
    """A view whose node remembers the last hour: 1.0 all the time. The history says 0.5."""

    def __init__(self, *, is_kept: bool = True, error: Exception | None = None) -> None:
        self.store = MemoryStore()
        self.has_history = is_kept
        self.error = error
        self.asked: list[float] = []
        begin = NOON - 3 * HOUR
        self.store.write([Row("a", begin + at, {"host.cpu": 0.5}) for at in range(0, int(3 * HOUR) - 60, 10)])

    def now(self) -> float:
        return NOON

    @property
    def past_store(self) -> MemoryStore:
        return self.store

    def recent(
        self, node: str, names: list[str], *, seconds: float, step: float, timeout: float
    ) -> dict[str, Any]:
        self.asked.append(seconds)
        if self.error is not None:
            raise self.error
        count = int(seconds / step) + 1
        starts = [(NOON - seconds) // step * step + at * step for at in range(count)]
        return {"node": node, "step": step, "starts": starts, "points": {"host.cpu": [[1.0, 1.0, 1.0]] * count}}

    def history(self, node: str, names: list[str], *, since: float, until: float, step: float) -> dict[str, Any]:
        if not self.has_history:
            raise HistoryOff("off")
        return looking_back.series(self.store, node, names, since=since, until=until, step=step, now=NOON)


def draw(view: View, seconds: float, node: str = "a", step: float = 60.0) -> dict[float, float]:
    told = looking_back.graph(view, node, ["host.cpu"], seconds=seconds, step=step, timeout=1.0)  # type: ignore[arg-type]
    there = zip(told["starts"], told["points"]["host.cpu"], strict=True)
    return {round(start - NOON): point[0] for start, point in there if point is not None}


def test_the_last_hour_is_the_nodes_own() -> None:
    assert set(draw(View(), 600).values()) == {1.0}


def test_beyond_it_comes_what_was_kept_and_its_holes_are_filled_from_the_node() -> None:
    drawn = draw(View(), 2 * HOUR)

    assert min(drawn) == -7200
    assert drawn[-7200] == drawn[-120] == 0.5
    assert drawn[0] == drawn[-60] == 1.0


def test_nobody_is_asked_for_more_than_an_hour() -> None:
    view = View()

    draw(view, 2 * HOUR)

    assert view.asked == [HOUR]


def test_of_a_node_that_is_down_the_history_tells() -> None:
    assert set(draw(View(error=NodeDown("a", "gone")), 1800).values()) == {0.5}
    assert len(draw(View(error=NodeDown("a", "gone")), 2 * HOUR)) == 119


def test_also_of_one_that_nobody_knows_any_more() -> None:
    assert set(draw(View(error=UnknownNode("a", "b")), 1800).values()) == {0.5}


def test_but_not_of_one_that_never_was() -> None:
    with pytest.raises(UnknownNode):
        draw(View(error=UnknownNode("x", "a")), 1800, node="x")


def test_without_a_history_there_is_the_last_hour() -> None:
    assert set(draw(View(is_kept=False), 2 * HOUR).values()) == {1.0}
    with pytest.raises(NodeDown):
        draw(View(is_kept=False, error=NodeDown("a", "gone")), 2 * HOUR)


def test_a_long_graph_has_a_thousand_points_at_most() -> None:
    told = looking_back.graph(View(), "a", ["host.cpu"], seconds=90 * 86400, step=1.0, timeout=1.0)  # type: ignore[arg-type]

    assert len(told["starts"]) <= 1001


def test_a_piece_of_the_history_says_from_which_tier_it_is() -> None:
    told = View().history("a", ["host.cpu"], since=NOON - 600, until=NOON - 1, step=60.0)

    assert told["tier"] == "1m"
    assert told["points"]["host.cpu"][0] == [0.5, 0.5, 0.5]
    assert told["points"]["host.cpu"][-1] is None
