"""The story of the demo, as data: what is done, what must follow, and the sentence to keep.

Nothing here waits for a duration. A step is done, and the stage waits, with a limit, until the records
that it expects have come; then it goes on. The limits are generous: two busy cores are enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.chronicle import Record

SAMPLER = "/eye/local/sampler"
MEMBERS = "/eye/cluster/members"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A record that must come."""

    says: str
    matches: Callable[[Record], bool]
    within: float = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to break, and what one sees then."""

    title: str
    do: Callable[[Any], None]  # given the stage
    expect: tuple[Expectation, ...] = field(default=())
    moral: str = ""


def came(what: str, node: str, says: str, *, within: float = 15.0, **values: object) -> Expectation:
    """Expect a record of that kind, about that node, with these values."""

    def matches(record: Record) -> bool:
        if record["what"] != what or record["node"] != node:
            return False
        return all(record.get(key) == value for key, value in values.items())

    return Expectation(says, matches, within)


def the_whole_story(nodes: list[str]) -> list[Step]:
    """Tell it about these nodes; the last is the one that suffers most."""
    first, last = nodes[0], nodes[-1]
    return [
        Step(
            "A process crashes",
            lambda stage: stage.crash(last, SAMPLER),
            (
                came("child_exited", last, "the crash is seen by its supervisor", path=SAMPLER),
                came("child_started", last, "a new sampler runs in its place", path=SAMPLER, incarnation=2),
            ),
            "The failure stays where it happened: no other process noticed.",
        ),
        Step(
            "A process that others stand on crashes",
            lambda stage: stage.crash(first, MEMBERS),
            (
                came("child_exited", first, "the membership crashes", path=MEMBERS),
                came("child_started", first, "it is started again", path=MEMBERS, incarnation=2),
                came(
                    "child_started",
                    first,
                    "and so is discovery, which depends on it",
                    path="/eye/cluster/discovery",
                    incarnation=2,
                ),
            ),
            "rest_for_one states who depends on whom: those after it are restarted with it.",
        ),
        Step(
            "Too many crashes",
            lambda stage: stage.crash_often(last, SAMPLER, 4),
            (
                came("gave_up", last, "the supervisor's budget is used up", path="/eye/local"),
                came("child_started", last, "its own supervisor restarts it as a whole", path="/eye/local"),
            ),
            "Escalation: a bigger broom each time. Restarting is for bugs that go away.",
        ),
        Step(
            "kill -9",
            lambda stage: stage.kill_node(last),
            (came("node_down", last, "the others find out by themselves"),),
            "Nobody says goodbye; absence is a guess, made from a closed connection and a refused one.",
        ),
        Step(
            "It is started again",
            lambda stage: stage.restart_node(last),
            (came("node_up", last, "it is up again, everywhere, without anybody's help", within=30.0),),
            "Same name, new life: old news about it cannot override it.",
        ),
        Step(
            "A node freezes",
            lambda stage: stage.freeze_node(last),
            (
                came("node_suspect", last, "first it is only suspect", within=20.0),
                came("node_down", last, "then it counts as down", within=30.0),
            ),
            "Dead and unreachable look the same. Supervisors see deaths; only a deadline sees silence.",
        ),
        Step(
            "It thaws",
            lambda stage: stage.thaw_node(last),
            (came("node_up", last, "it goes on as if nothing had been", within=30.0),),
            "Nothing was restarted for it.",
        ),
    ]
