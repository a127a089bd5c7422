"""What every store promises (`eye.history.store`), asked of each of them: memory, SQLite, a real PostgreSQL."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eye.history.database import url_of
from eye.history.memory_store import MemoryStore
from eye.history.points import Point
from eye.history.retention import DAY, HOUR, MINUTE, Keep
from eye.history.sql_store import SqlStore
from eye.history.store import Filling, Row, Store
from eye.testing import ManualClock

NOON = 1_800_014_400.0  # a whole hour, and a whole day's noon or so
CPU, MEMORY = "host.cpu", "host.memory"

PLACES = count(1)  # one for each example, also when it is tried again

STORES = [
    "memory",
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.e2e),
]


@pytest.fixture
def make_store(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Callable[..., Store]]:
    """Makes stores of one kind; the first call decides where, later ones open the same place again."""
    made: list[Any] = []
    places: dict[int, str] = {}
    clock = ManualClock(NOON)

    def make(kind: str, keep: Keep | None = None, number: int = 0) -> Store:
        if kind == "memory":
            store: Any = MemoryStore(keep)
        else:
            if number not in places:
                is_file = kind == "sqlite"
                places[number] = (
                    str(tmp_path / f"{number}.sqlite3")
                    if is_file
                    else request.getfixturevalue("postgres").new_database()
                )
            store = SqlStore(url_of(places[number]), clock.now, keep)
        store.open()
        made.append(store)
        return store  # type: ignore[no-any-return]

    yield make
    for store in made:
        store.close()


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def store(kind: str, make_store: Callable[..., Store]) -> Store:
    return make_store(kind)


def rows(node: str, begin: float, seconds: int, figure: Callable[[int], float] = float) -> list[Row]:
    return [Row(node, begin + at, {CPU: figure(at)}) for at in range(seconds)]


def tidied(store: Store, now: float) -> None:
    for _ in range(10_000):
        if not store.tidy(now):
            return
    raise AssertionError("there is always another step")


def points(store: Store, begin: float, seconds: float, step: float, node: str = "a", name: str = CPU) -> Any:
    """The points that there are, by the seconds at which they begin."""
    past = store.read(node, [name], since=begin, until=begin + seconds - 0.001, step=step)
    there = zip(past.starts, past.points.get(name, ()), strict=False)
    return {round(start - begin, 3): point for start, point in there if point is not None}


def test_what_was_written_can_be_read_at_once(store: Store) -> None:
    store.write([Row("a", NOON + 1.0, {CPU: 0.25, MEMORY: 5.0}), Row("b", NOON + 1.0, {CPU: 0.5})])

    assert points(store, NOON, 3, 1) == {1.0: Point(1, 0.25, 0.25, 0.25)}
    assert points(store, NOON, 3, 1, name=MEMORY) == {1.0: Point(1, 5.0, 5.0, 5.0)}
    assert points(store, NOON, 3, 1, node="b") == {1.0: Point(1, 0.5, 0.5, 0.5)}


def test_nothing_is_read_of_what_there_is_not(store: Store) -> None:
    store.write(rows("a", NOON, 5))

    unknown_node = store.read("x", [CPU], since=NOON, until=NOON + 5, step=1)
    unknown_metric = store.read("a", ["host.colour"], since=NOON, until=NOON + 5, step=1)
    another_time = store.read("a", [CPU], since=NOON - 10, until=NOON - 5, step=1)

    assert set(unknown_node.points.get(CPU, (None,))) == {None}
    assert unknown_metric.points == {}
    assert set(another_time.points[CPU]) == {None}


def test_buckets_begin_at_whole_multiples_of_the_step(store: Store) -> None:
    store.write(rows("a", NOON, 30))

    past = store.read("a", [CPU], since=NOON + 3, until=NOON + 27, step=10)

    assert past.starts == (NOON, NOON + 10, NOON + 20)
    assert past.step == 10


def test_the_names_of_nodes_and_metrics_are_in_order(store: Store) -> None:
    store.write([Row("b", NOON, {MEMORY: 1.0}), Row("a", NOON, {CPU: 1.0})])

    assert store.nodes() == ("a", "b")
    assert store.metrics() == {CPU: "", MEMORY: ""}


def test_units_are_remembered(store: Store) -> None:
    store.write([Row("a", NOON, {"custom.orders": 1.0, CPU: 1.0})])

    store.describe({"custom.orders": "count"})
    store.describe({"custom.orders": "bytes"})

    assert store.metrics() == {"custom.orders": "bytes", CPU: ""}


def test_a_node_that_was_only_claimed_has_no_history(store: Store) -> None:
    store.claim("me", ["a", "b"], NOON, 10.0)

    store.write(rows("a", NOON, 1))

    assert store.nodes() == ("a",)


def test_what_is_no_number_leaves_a_gap(store: Store) -> None:
    store.write([Row("a", NOON + at, {CPU: one}) for at, one in enumerate([1.0, math.nan, None, math.inf, 2.0])])

    assert list(points(store, NOON, 5, 1)) == [0.0, 4.0]


def test_names_may_be_anything(store: Store) -> None:
    name, metric = "nœud 'x'; DROP TABLE nodes --", 'own."örders" %s :x'
    store.write([Row(name, NOON, {metric: 3.0})])

    assert store.nodes() == (name,)
    assert points(store, NOON, 1, 1, node=name, name=metric) == {0.0: Point(1, 3.0, 3.0, 3.0)}


def test_an_empty_batch_is_none(store: Store) -> None:
    store.write([])

    assert store.nodes() == ()


def test_said_twice_is_said_once_after_all(store: Store) -> None:
    store.write(rows("a", NOON, 60))
    store.write(rows("a", NOON, 60))

    tidied(store, NOON + HOUR)

    assert points(store, NOON, 60, 60)[0.0].number == 60


# -------------------------------------------------------------------------------- tidying


@pytest.mark.parametrize("step", [1, 10, 60, 300, 3600])
def test_tidying_changes_nothing_that_is_said(store: Store, step: float) -> None:
    length = 2 * int(HOUR) + 700
    store.write(rows("a", NOON, length, lambda at: (at * 7919) % 1000 / 10))
    before = points(store, NOON, 3 * HOUR, step)

    tidied(store, NOON + length)
    after = points(store, NOON, 3 * HOUR, step)

    assert after.keys() == before.keys()
    for at, point in before.items():
        assert after[at].number == point.number
        assert after[at].mean == pytest.approx(point.mean, abs=1e-3)
        assert (after[at].least, after[at].most) == (point.least, point.most)


def test_samples_go_and_their_points_stay(kind: str, make_store: Callable[..., Store]) -> None:
    store = make_store(kind, Keep(raw=HOUR))
    store.write(rows("a", NOON, 600, lambda at: 9.0 if at == 30 else 1.0))

    tidied(store, NOON + 2 * HOUR)
    past = store.read("a", [CPU], since=NOON, until=NOON + 599, step=1)

    assert past.tier == "1m"
    assert list(points(store, NOON, 600, 1)) == [60.0 * minute for minute in range(10)]
    assert points(store, NOON, 600, 1)[0.0][2:] == (1.0, 9.0)


def test_minutes_go_and_hours_stay(kind: str, make_store: Callable[..., Store]) -> None:
    store = make_store(kind, Keep(raw=HOUR, minutes=2 * HOUR))
    store.write(rows("a", NOON, int(HOUR), lambda at: at % 100))

    tidied(store, NOON + HOUR + 400)
    tidied(store, NOON + 30 * HOUR)

    (point,) = points(store, NOON, HOUR, 60).values()
    assert point == (3600, pytest.approx(49.5), 0.0, 99.0)
    assert store.nodes() == ("a",)


def test_everything_goes_in_the_end(kind: str, make_store: Callable[..., Store]) -> None:
    store = make_store(kind, Keep(raw=HOUR, minutes=2 * HOUR, hours=DAY))
    store.write(rows("a", NOON, int(HOUR)))
    tidied(store, NOON + HOUR + 400)

    tidied(store, NOON + 5 * DAY)

    assert points(store, NOON, HOUR, 60) == {}


def test_a_clock_that_is_wrong_for_a_minute_thins_a_day_at_most(
    kind: str, make_store: Callable[..., Store]
) -> None:
    store = make_store(kind)
    store.write(rows("a", NOON - HOUR, 60))
    tidied(store, NOON)

    for life in (store, store if kind == "memory" else make_store(kind)):  # another life does not believe it, too
        while life.tidy(NOON + 73 * 365 * DAY, 10.0):
            pass
    tidied_later = store.tidy(NOON + 60, 50.0)

    assert not tidied_later
    assert len(points(store, NOON - HOUR, 60, 1)) == 60
    tidied(store, NOON + 73 * 365 * DAY)
    assert points(store, NOON - HOUR, HOUR, 60) == {}


@pytest.mark.parametrize("kind", STORES[1:])
def test_a_node_of_which_nothing_is_left_gives_its_number_back(
    kind: str, make_store: Callable[..., Store]
) -> None:
    store: Any = make_store(kind, Keep(raw=HOUR, minutes=2 * HOUR, hours=2 * HOUR))
    store.claim("me", ["gone", "empty", "here"], NOON, 15.0)
    store.write(rows("gone", NOON, 5))
    tidied(store, NOON + HOUR + 400)
    assert names_in(store) == {"gone", "empty", "here"}, "nobody claims them, but that may be a pause"
    store.claim("me", ["here"], NOON + 5 * DAY, 15.0)
    store.write(rows("new", NOON + 5 * DAY, 5))  # waits in the journal, unclaimed

    tidied(store, NOON + 5 * DAY)

    assert names_in(store) == {"here", "new"}
    assert store.nodes() == ("new",)
    assert store.claim("me", ["gone"], NOON + 5 * DAY, 15.0) == {"gone"}
    store.write(rows("gone", NOON + 5 * DAY, 5))
    assert len(points(store, NOON + 5 * DAY, 5, 1, node="gone")) == 5
    assert len(points(store, NOON + 5 * DAY, 5, 1, node="new")) == 5


def names_in(store: Any) -> set[str]:
    with store._connection() as connection:
        return set(connection.exec_driver_sql("SELECT name FROM eye_nodes").scalars())


@pytest.mark.parametrize("kind", STORES[1:])
def test_a_history_takes_so_many_names_of_metrics_and_says_so_once(
    kind: str,
    make_store: Callable[..., Store],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("eye.history.opened.MOST_METRICS", 3)
    store = make_store(kind)
    for number in range(10):
        store.write([Row("a", NOON + number, {CPU: 0.5, f"custom.order_{number}": 1.0})])
        store.describe({f"custom.order_{number}": "count"})
    store.write(
        [], [Filling("a", NOON + 60, {CPU: Point(60, 1.0, 1.0, 1.0), "custom.x": Point(1, 1.0, 1.0, 1.0)})]
    )

    assert store.metrics() == {"custom.order_0": "count", "custom.order_1": "count", CPU: ""}
    assert len(points(store, NOON, 10, 1)) == 10
    (said,) = (one.getMessage() for one in caplog.records if "names of metrics" in one.getMessage())
    assert "knows 3 names of metrics, and takes no more: 'custom.order_2' and other new ones are left out" in said


def test_stragglers_are_drawn_into_the_points(store: Store) -> None:
    early, late = rows("a", NOON, 150, lambda at: 1.0), rows("a", NOON + 150, 150, lambda at: 3.0)
    store.write(early)
    tidied(store, NOON + 400)

    store.write(late)
    assert points(store, NOON, 300, 300)[0.0].number == 300
    tidied(store, NOON + 800)

    assert points(store, NOON, 300, 300) == {0.0: Point(300, 2.0, 1.0, 3.0)}


def test_what_was_not_written_as_it_passed_is_filled_in_by_the_minute(store: Store) -> None:
    filling = Filling("a", NOON, {CPU: Point(60, 2.0, 1.0, 3.0)})
    store.write(rows("a", NOON + 60, 60, lambda at: 5.0), [filling])

    assert points(store, NOON, 120, 1)[0.0] == Point(60, 2.0, 1.0, 3.0)
    assert points(store, NOON, 120, 60) == {0.0: filling.points[CPU], 60.0: Point(60, 5.0, 5.0, 5.0)}

    tidied(store, NOON + 2 * HOUR)

    assert points(store, NOON, HOUR, HOUR) == {0.0: Point(120, 3.5, 1.0, 5.0)}


@pytest.mark.parametrize("kind", STORES[1:])
def test_a_metric_for_which_there_is_no_number_is_left_out(kind: str, make_store: Callable[..., Store]) -> None:
    store: Any = make_store(kind)
    store.open()
    store._opened._numbers["eye_metrics"] = {"custom.x": 70_000}
    point = Point(60, 2.0, 1.0, 3.0)

    store.write(
        [Row("a", NOON + 60, {CPU: 5.0, "custom.x": 1.0})], [Filling("a", NOON, {CPU: point, "custom.x": point})]
    )

    assert points(store, NOON, 120, 60) == {0.0: point, 60.0: Point(1, 5.0, 5.0, 5.0)}


@pytest.mark.parametrize("kind", STORES[1:])
def test_names_that_are_known_use_no_numbers_up(kind: str, make_store: Callable[..., Store]) -> None:
    for _ in range(5):
        make_store(kind).write([Row("a", NOON, {CPU: 0.5, MEMORY: 1.0})])
    last: Any = make_store(kind)

    last.write([Row("b", NOON, {"custom.new": 1.0})])

    assert last._opened._numbers == {"eye_metrics": {"custom.new": 3}, "eye_nodes": {"b": 2}}


def test_a_point_of_an_hour_does_not_stand_for_what_is_known_by_the_minute(store: Store) -> None:
    store.write(rows("a", NOON + 1800, 120))

    tidied(store, NOON + 2 * HOUR)

    assert list(points(store, NOON, HOUR, 60)) == [1800.0, 1860.0]


def test_the_last_moment_of_a_node(store: Store) -> None:
    store.write(rows("a", NOON, 5) + rows("b", NOON + 100, 5))

    assert store.last(["a", "b", "x"], NOON - HOUR) == {"a": NOON + 4, "b": NOON + 104}
    assert store.last(["a", "b"], NOON + 50) == {"b": NOON + 104}

    tidied(store, NOON + HOUR)

    assert store.last(["a", "b", "x"], NOON - HOUR)["a"] >= NOON + 4


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 4000), st.floats(-1e6, 1e6).map(lambda one: round(one, 3))),
        min_size=1,
        max_size=60,
    ),
    st.lists(st.integers(0, 9000), max_size=4),
)
def test_whenever_it_is_tidied_an_hour_says_the_same(
    make_store: Callable[..., Store], said: list[tuple[int, float]], tidyings: list[int]
) -> None:
    store = make_store("sqlite", number=next(PLACES))
    once = dict(said)

    for moment in sorted(tidyings):
        store.write([Row("a", NOON + at, {CPU: one}) for at, one in once.items() if at <= moment])
        tidied(store, NOON + moment)
        once = {at: one for at, one in once.items() if at > moment}
    store.write([Row("a", NOON + at, {CPU: one}) for at, one in once.items()])
    tidied(store, NOON + 4 * HOUR)

    drawn = list(points(store, NOON, 2 * HOUR, HOUR).values())
    figures = list(dict(said).values())
    assert sum(point.number for point in drawn) == len(figures)
    assert min(point.least for point in drawn) == min(figures)
    assert max(point.most for point in drawn) == max(figures)


# ----------------------------------------------------------------------------- several writers


def test_a_node_belongs_to_one_writer(store: Store) -> None:
    assert store.claim("me", ["a", "b"], NOON, 10.0) == {"a", "b"}
    assert store.claim("you", ["b", "c"], NOON + 5, 10.0) == {"c"}
    assert store.claim("me", ["a", "b", "c"], NOON + 9, 10.0) == {"a", "b"}


def test_a_claim_runs_out(store: Store) -> None:
    store.claim("me", ["a"], NOON, 10.0)

    assert store.claim("you", ["a"], NOON + 10.5, 10.0) == {"a"}
    assert store.claim("me", ["a"], NOON + 11, 10.0) == frozenset()


def test_what_is_released_anybody_may_have(store: Store) -> None:
    store.claim("me", ["a"], NOON, 10.0)

    store.release("me")

    assert store.claim("you", ["a"], NOON + 1, 10.0) == {"a"}


def test_many_nodes(store: Store) -> None:
    names = [f"node-{number:04}" for number in range(1200)]

    mine = store.claim("me", names, NOON, 10.0)
    store.write([Row(name, NOON, {CPU: float(number)}) for number, name in enumerate(names)])

    assert mine == set(names)
    assert store.nodes() == tuple(names)
    assert points(store, NOON, 1, 1, node="node-0777") == {0.0: Point(1, 777.0, 777.0, 777.0)}


@pytest.mark.parametrize("kind", STORES[1:])
def test_another_program_sees_it_and_so_does_the_next_life(kind: str, make_store: Callable[..., Store]) -> None:
    one, other = make_store(kind), make_store(kind)
    one.write(rows("a", NOON, 10))

    assert len(points(other, NOON, 10, 1)) == 10

    one.close()
    other.close()

    assert len(points(make_store(kind), NOON, 10, 1)) == 10


@pytest.mark.parametrize("kind", STORES[1:])
def test_whoever_tidies_keeps_nobody_from_writing_and_reading(kind: str, make_store: Callable[..., Store]) -> None:
    tidying, writing = make_store(kind, Keep(raw=HOUR)), make_store(kind)
    for begin in range(0, 3000, 100):
        tidying.write([row for number in range(20) for row in rows(f"n{number}", NOON + begin, 100)])
    done, errors = threading.Event(), []

    def tidy() -> None:
        try:
            tidied(tidying, NOON + 3100)  # packs all, draws their minutes
            tidied(tidying, NOON + 3 * HOUR)  # and deletes it again
        except BaseException as error:  # it is the test's verdict
            errors.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=tidy)
    thread.start()
    written, seen = 0, set()
    while not done.is_set():
        writing.write([Row("new", NOON + 4 * HOUR + written, {CPU: float(written)})])  # trouble, if it has to wait
        seen |= {point.number for point in points(writing, NOON, 3000, 300, node="n7").values()}
        seen.add(len(points(writing, NOON, 3000, 300, node="n7")))
        written += 1
    thread.join()

    assert errors == []
    assert seen == {300, 10}, "at no moment is anything missing, or there twice"
    assert written > 3
    assert len(points(writing, NOON + 4 * HOUR, written, 1, node="new")) == written


@pytest.mark.parametrize("kind", STORES[1:])
def test_two_that_tidy_at_once_count_nothing_twice(kind: str, make_store: Callable[..., Store]) -> None:
    one, other = make_store(kind), make_store(kind)
    one.write([row for number in range(40) for row in rows(f"n{number}", NOON, 60)])

    for _ in range(50):
        one.tidy(NOON + HOUR), other.tidy(NOON + HOUR)

    assert {points(one, NOON, 60, 60, node=f"n{number}")[0.0].number for number in range(40)} == {60}
    assert MINUTE == 60
