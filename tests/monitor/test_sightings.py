"""Who sees whom: rows of those who tell, a reason for those who do not, and not everybody in a large cluster."""

from __future__ import annotations

from typing import Any

import pytest

from eye.cluster.interconnect import Answer
from eye.cluster.node import Member, NodeInfo, Status
from eye.cluster.registry import Digest
from eye.errors import DeadlineExceeded
from eye.monitor.sightings import MOST, choose, sightings


def member(name: str, status: Status = Status.UP, seen_at: float | None = 98.0, **more: Any) -> Member:
    return Member(name, f"at-{name}", f"boot-{name}", 0.0, status, 50.0, seen_at, **more)


def digest(teller: str, at: float, *members: Member) -> Answer:
    return Answer(Digest(NodeInfo(teller, f"at-{teller}", "boot", 0.0), at, 1, members))


class Answering:
    """An engine whose peers say what the test lets them say."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {f"at-{name}": answer for name, answer in answers.items()}
        self.asked: list[str] = []

    def request_all(self, addresses: Any, method: Any, *args: Any, timeout: float) -> dict[str, Answer]:
        self.asked = list(addresses)
        late = Answer(error=DeadlineExceeded("it", timeout))
        return {address: self.answers.get(address, late) for address in self.asked}


def ask(engine: Any, *members: Member, me: str = "a") -> dict[str, dict[str, Any]]:
    told = sightings(me, {one.name: one for one in members}, engine, 100.0, 2.0)
    assert told["nodes"] == sorted(one.name for one in members)
    return {row["node"]: row for row in told["rows"]}


def test_each_tells_how_it_sees_the_others_and_by_its_own_clock() -> None:
    engine = Answering(b=digest("b", 7000.0, member("a", seen_at=6998.5), member("b"), member("c", seen_at=None)))

    rows = ask(engine, member("a"), member("b"), member("c"))

    assert rows["a"]["sees"] == {"b": {"status": "up", "age": 2.0}, "c": {"status": "up", "age": 2.0}}
    assert rows["b"]["sees"] == {"a": {"status": "up", "age": 1.5}, "c": {"status": "up", "age": None}}


def test_half_a_network_is_seen_as_one() -> None:
    sees_c_down = digest("b", 100.0, member("a"), member("b"), member("c", Status.DOWN, 40.0))
    sees_b_down = digest("c", 100.0, member("a"), member("b", Status.DOWN, 40.0), member("c"))

    rows = ask(Answering(b=sees_c_down, c=sees_b_down), member("a"), member("b"), member("c"))

    seen = {who: {of: one["status"] for of, one in row["sees"].items()} for who, row in rows.items()}
    assert seen == {
        "a": {"b": "up", "c": "up"},
        "b": {"a": "up", "c": "down"},
        "c": {"a": "up", "b": "down"},
    }


def test_who_does_not_answer_has_an_error_and_sees_nobody() -> None:
    rows = ask(Answering(), member("a"), member("b"))

    assert rows["b"] == {"node": "b", "error": "it did not answer within 2 s", "sees": {}}


def test_who_is_down_is_not_asked() -> None:
    engine = Answering()

    rows = ask(engine, member("a"), member("b", Status.DOWN, reason="connection refused"))

    assert engine.asked == []
    assert rows["b"]["error"] == "down: connection refused"


def test_an_observer_has_no_row_of_its_own() -> None:
    assert ask(Answering(), member("b"), me="observer").keys() == {"b"}


def test_it_says_whose_word_it_is() -> None:
    rows = ask(Answering(), member("a"), member("b", via="seed"))

    assert rows["a"]["sees"]["b"]["via"] == "seed"


@pytest.mark.parametrize("count", [1, MOST - 1, MOST, MOST + 1, 100, 1000])
def test_of_many_some_are_asked_and_always_those_that_are_not_well(count: int) -> None:
    names = [f"n{number:04}" for number in range(count)]
    first = list(dict.fromkeys([names[-1], names[count // 2]]))

    chosen = choose(names, first)

    assert len(chosen) == min(count, MOST)
    assert chosen == sorted(set(chosen))
    assert set(first) <= set(chosen)
    if count > 2 * MOST:  # from all over the list
        assert int(chosen[len(chosen) // 2][1:]) == pytest.approx(count / 2, rel=0.2)


def test_however_many_are_not_well_it_stays_with_so_many_rows_and_we_are_one_of_them() -> None:
    members = [member(f"n{number:04}", Status.DOWN) for number in range(500)]

    rows = ask(Answering(), *members, me="n0499")

    assert len(rows) == MOST
    assert rows["n0499"]["error"] is None
    assert rows["n0000"]["error"] is not None
