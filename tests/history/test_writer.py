"""The writer: what has come goes into the store, whatever happens to that meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import HistoryUnusable, SchemaTooNew
from eye.history.keeping import Keeping
from eye.history.writer import CLAIM, Asking, Writer
from eye.metrics.sample import About
from eye.supervision import System, get_state
from eye.testing import ManualClock, drain

if TYPE_CHECKING:
    from eye.supervision import Ref
    from tests.history.conftest import Failing

TOPIC = "samples"
EVERY = 2.0


class World:
    """A writer, what it is told, and what it asks."""

    def __init__(self, system: System, clock: ManualClock, store: Failing, heard: Callable[..., Any]) -> None:
        self.system, self.clock, self.store, self._heard = system, clock, store, heard
        self.keeping = Keeping(lambda: store, "the store", room=20)
        self.looks = 0
        self.asked: list[tuple[str, float, float]] = []
        self.answers: list[Callable[[Any], None]] = []
        self.ref = self.start()

    def start(self, me: str = "me") -> Ref:
        asking = Asking(self._look, self._recent)
        ref = self.system.start(Writer, self.keeping, TOPIC, asking, me=me, every=EVERY, name=f"writer of {me}")
        assert ref is not None
        drain(self.system)
        return ref

    def _look(self) -> None:
        self.looks += 1

    def _recent(
        self, node: str, names: list[str], seconds: float, step: float, done: Callable[[Any], None]
    ) -> None:
        self.asked.append((node, round(seconds, 3), step))
        self.answers.append(done)

    def say(self, node: str, **changes: Any) -> float:
        """Have a sample of a node come in, of this moment."""
        at = self.clock.now()
        self.system.topics.broadcast(TOPIC, self._heard(node, at, **changes))
        return at

    def beat(self, seconds: float = EVERY) -> None:
        self.clock.advance(seconds)
        drain(self.system)

    def kept(self, node: str) -> list[float]:
        """The moments of a node that are in the store."""
        now = self.clock.now()
        past = self.store.read(node, ["host.cpu"], since=now - 7200, until=now, step=1.0)
        there = zip(past.starts, past.points.get("host.cpu", ()), strict=False)
        return [start for start, point in there if point is not None]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_800_014_400.0)


@pytest.fixture
def world(system: System, clock: ManualClock, store: Failing, heard: Callable[..., Any]) -> World:
    return World(system, clock, store, heard)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "eye.history"]


FULL = HistoryUnusable("the store", "its disk is full")


def test_what_comes_is_written_at_the_next_beat(world: World) -> None:
    at = world.say("a")
    assert world.kept("a") == []

    world.beat()

    assert world.kept("a") == [at]
    assert world.keeping.waiting == 0


def test_as_long_as_it_writes_it_looks(world: World) -> None:
    before = world.looks

    world.beat()
    world.beat()

    assert world.looks == before + 2


def test_the_same_sample_is_written_once(world: World) -> None:
    at = world.say("a")
    world.say("a")
    world.beat()
    world.clock.jump(-EVERY)
    world.say("a")
    world.beat()

    assert world.kept("a") == [at]


def test_what_is_no_longer_wanted_at_all_is_not_taken_in(world: World) -> None:
    world.ref.stop("normal")

    world.say("a")

    assert world.keeping.waiting == 0


def test_what_waits_when_it_stops_is_written(world: World) -> None:
    at = world.say("a")

    world.ref.stop("shutdown")

    assert world.kept("a") == [at]
    assert world.store.claim("somebody else", ["a"], world.clock.now(), 10.0) == {"a"}


def test_what_waits_when_it_crashes_is_written_by_the_next_one(world: World) -> None:
    at = world.say("a")
    world.ref.kill()
    drain(world.system)
    later = world.say("b")

    world.start()

    assert (world.kept("a"), world.kept("b")) == ([at], [later])


@pytest.mark.parametrize("name", ["x" * 301, "a\0b", ""])
def test_a_node_whose_name_cannot_be_kept_keeps_nobody_else_out(world: World, name: str) -> None:
    world.say(name)
    world.say("a")
    world.beat()

    assert world.store.nodes() == ("a",)


def test_what_is_no_unit_does_not_get_into_the_database(world: World) -> None:
    world.say("a", custom={"orders": 3}, about={"orders": About("orders", "\0")})
    world.beat()

    assert world.store.metrics()["custom.orders"] == "number"


def test_units_of_own_figures_are_remembered(world: World) -> None:
    world.say("a", custom={"orders": 3}, about={"orders": About("orders", "count")})
    world.beat()

    assert world.store.metrics()["custom.orders"] == "count"


# --------------------------------------------------------------------------------- clocks


@pytest.mark.parametrize("hours", [3, -3])
def test_a_clock_that_is_set_keeps_nothing_from_being_written(world: World, hours: float) -> None:
    world.say("a")
    world.beat()
    world.clock.jump(hours * 3600.0)

    said = []
    for _ in range(5):
        said.append(world.say("a"))
        world.beat()

    assert set(said) <= set(world.kept("a"))


def test_nor_does_what_another_life_has_written_of_times_to_come(world: World) -> None:
    world.clock.jump(1800.0)
    world.say("a")
    world.beat()
    world.ref.stop("shutdown")
    world.clock.jump(-1800.0)

    world.start()
    at = world.say("a")
    world.beat()

    assert world.kept("a") == [at]


def test_a_clock_that_is_wrong_for_a_minute_takes_no_history_with_it(world: World) -> None:
    at = world.say("a")
    world.beat(3600.0)  # packed, and drawn
    world.clock.jump(73 * 365 * 86400.0)
    for _ in range(30):
        world.beat()
    world.clock.jump(-73 * 365 * 86400.0)
    world.beat()

    assert world.kept("a") == [at]


# --------------------------------------------------------------------------- names that go


def test_nodes_that_come_and_go_are_forgotten(world: World) -> None:
    for number in range(20):
        world.say(f"n{number}")
        world.say("stays")
        world.beat(1800.0)

    state = get_state(world.ref)
    for table in ("_heard_at", "_last", "_between", "_names", "_mine"):
        assert {"stays", "n19"} <= {*state[table], "n19"} <= {"stays", "n17", "n18", "n19"}, table


# ------------------------------------------------------------------------------- troubles


def test_what_is_wrong_is_said_once_and_once_that_all_is_well(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    world.store.error = FULL
    world.say("a")

    for _ in range(10):
        world.beat()

    assert warnings(caplog) == [
        "the history at the store cannot be used: its disk is full. "
        "The newest samples wait, everything else goes on"
    ]
    assert world.keeping.trouble == "its disk is full"

    world.store.error = None
    world.beat(40.0)

    assert warnings(caplog)[1:] == ["the history at the store is written again, after 58 s: 1 sample had waited"]
    assert world.keeping.trouble is None


def test_as_long_as_nothing_comes_it_is_not_said_to_be_well_again(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)

    def tidy(*_args: Any) -> bool:
        raise FULL

    with monkeypatch.context() as broken:
        broken.setattr(world.store, "tidy", tidy)
        for _ in range(10):
            world.beat(30.0)
    assert ["cannot be used" in one for one in warnings(caplog)] == [True]

    world.beat(60.0)

    assert ["is written again" in one for one in warnings(caplog)] == [False, True]
    assert world.keeping.trouble is None


def test_another_trouble_is_said_too_but_not_every_detail(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for problem in ("gone (port 1)", "gone (port 2)", "locked", "locked"):
        world.store.error = HistoryUnusable("the store", problem)
        world.say("a")
        world.beat(60.0)

    assert [said.split(": ")[1].split(".")[0] for said in warnings(caplog)] == ["gone (port 1)", "locked"]


def test_it_tries_again_less_and_less_often(world: World) -> None:
    world.store.error = FULL
    world.say("a")
    world.beat()
    tries = []
    for _ in range(6):
        before = world.store.tries
        waited = 0.0
        while world.store.tries == before:
            world.beat(1.0)
            waited += 1.0
        tries.append(waited)

    assert tries == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_it_catches_up(world: World) -> None:
    world.store.error = FULL
    said = []
    for _ in range(8):
        said.append(world.say("a"))
        world.beat(1.0)

    world.store.error = None
    world.beat(30.0)

    assert world.kept("a") == said


def test_what_had_to_go_is_asked_of_the_node(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world.say("a")
    world.beat()
    world.asked.clear()
    world.store.error = FULL
    for _ in range(50):
        world.say("a")
        world.beat(1.0)

    world.store.error = None
    world.beat(30.0)
    world.beat()

    assert "had to go, and are asked for again" in warnings(caplog)[-1]
    assert [(node, step) for node, _, step in world.asked] == [("a", 1.0)]


def test_a_newer_database_is_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world.store.error = SchemaTooNew("the store", 9, 2)
    world.say("a")

    for _ in range(5):
        world.beat(60.0)

    (said,) = warnings(caplog)
    assert "schema version 9" in said


# ----------------------------------------------------------------------------------- gaps


def answer(begin: float, step: float, count: int) -> dict[str, Any]:
    return {
        "starts": [begin + at * step for at in range(count)],
        "step": step,
        "points": {"host.cpu": [[0.5, 0.4, 0.6]] * count},
    }


def test_the_last_hour_of_a_new_node_is_fetched(world: World) -> None:
    world.beat()
    at = world.say("a")
    world.beat()

    assert [(node, step) for node, _, step in world.asked] == [("a", 60.0), ("a", 1.0)]
    noon = at - EVERY
    world.answers[0](answer(noon - 3600, 60.0, 60))
    world.answers[1](answer(at - 400, 1.0, 401))
    drain(world.system)
    world.beat()

    kept = world.kept("a")
    assert kept[0] == noon - 3540, "the first whole minute of the last hour"
    assert {at - 299, at - 2, at} <= set(kept)
    assert len(kept) == len(set(kept))


def test_a_node_that_does_not_answer_keeps_its_gap(world: World) -> None:
    at = world.say("a")
    world.beat()

    for done in world.answers:
        done(None)
    world.beat()

    assert world.kept("a") == [at]


def test_a_node_that_measures_seldom_is_not_asked_again_and_again(world: World) -> None:
    for _ in range(10):
        world.say("a")
        for _ in range(5):
            world.beat()

    assert len(world.asked) == 3, "of its last hour, in two pieces, and once before its rhythm was known"


def test_few_nodes_are_asked_at_a_time(world: World) -> None:
    for number in range(12):
        world.say(f"n{number}")
    world.beat()
    first = {node for node, _, _ in world.asked}

    world.beat()
    second = {node for node, _, _ in world.asked}
    world.beat()

    assert (len(first), len(second), len({node for node, _, _ in world.asked})) == (5, 10, 12)


def test_after_a_restart_only_what_is_missing_is_asked_for(world: World) -> None:
    world.say("a")
    world.beat()
    world.ref.stop("shutdown")
    world.asked.clear()
    world.beat(100.0)

    world.start()
    world.say("a")
    world.beat()

    ((node, seconds, step),) = world.asked
    assert (node, step) == ("a", 1.0)
    assert 100 <= seconds <= 106


# ------------------------------------------------------------------------ several writers


def test_nothing_is_written_of_a_node_that_somebody_else_writes(world: World) -> None:
    world.store.claim("somebody else", ["a"], world.clock.now(), 60.0)

    world.say("a")
    at = world.say("b")
    world.beat()

    assert (world.kept("a"), world.kept("b")) == ([], [at])
    assert world.keeping.trouble is None


def test_when_the_other_is_gone_it_takes_over(world: World) -> None:
    world.store.claim("somebody else", ["a"], world.clock.now(), CLAIM)
    kept = []
    for _ in range(15):
        kept.append(world.say("a"))
        world.beat()

    assert world.kept("a") != []
    assert set(world.kept("a")) < set(kept)
    assert [node for node, _, _ in world.asked] != [], "what the other has not written is asked for"


def test_its_own_claims_do_not_run_out(world: World) -> None:
    for _ in range(20):
        world.say("a")
        world.beat()

        assert world.store.claim("somebody else", ["a"], world.clock.now(), 10.0) == frozenset()


def test_it_tidies(world: World) -> None:
    for _ in range(400):
        world.say("a")
        world.beat()

    now = world.clock.now()
    assert world.store.read("a", ["host.cpu"], since=now - 790, until=now - 400, step=60).tier == "1m"
