"""What a condition says of a node: true, false, or that nobody knows."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.alerts.rule import Verdict
from eye.alerts.rules import Rule
from eye.alerts.verdict import Growth, compile_test, leaves, needs
from eye.metrics.filters import condition, parse
from eye.metrics.sample import HostReading, ProcessReading
from tests.alerts.watcher import facts

GB = 1024**3

HERE = facts(
    "web-1", host_cpu=0.95, host_memory=3 * GB, host_memory_total=4 * GB, node_restarts=7, custom_orders=6
)
HERE.figures["node.restarts in 60"] = 6
DOWN = facts("web-2", status="down", silent=True)
MUTE = facts("db-1", silent=True)

SAYS = {
    # condition: of HERE, of DOWN, of MUTE
    "cpu > 90": (True, None, None),
    "cpu > 95": (False, None, None),
    "memory_percent > 70": (True, None, None),
    "mem > 3.5GB": (False, None, None),
    "restarts > 5 in 1m": (True, None, None),
    "restarts > 6 in 1m": (False, None, None),
    "custom.orders > 5": (True, None, None),
    "mailbox > 10": (None, None, None),
    "status:down": (False, True, False),
    "absent": (False, True, True),
    "absent not status:down": (False, False, True),
    "web-*": (True, True, False),
    "host:orth*": (True, True, True),
    "address:127.*": (True, True, True),
    "not cpu > 90": (False, None, None),
    "not mailbox > 10": (None, None, None),
    "cpu > 90 web-*": (True, None, False),
    "cpu > 90 or web-*": (True, True, None),
    "cpu > 90 mailbox > 10": (None, None, None),
    "cpu > 95 mailbox > 10": (False, None, None),
    "cpu > 90 or mailbox > 10": (True, None, None),
    "cpu > 95 or mailbox > 10": (None, None, None),
    "(cpu > 90 or status:down) web-*": (True, True, False),
}


@pytest.mark.parametrize(("text", "said"), SAYS.items(), ids=SAYS)
def test_a_condition_says_so_or_not_or_that_nobody_knows(text: str, said: tuple[bool | None, ...]) -> None:
    test = compile_test(condition(text).data)

    assert tuple(test(one) for one in (HERE, DOWN, MUTE)) == said


@pytest.mark.parametrize(("when", "clear", "cpu", "seen"), [
    ("cpu > 90", None, 0.95, Verdict.RAISE),
    ("cpu > 90", None, 0.9, Verdict.CLEAR),
    ("cpu > 90", None, None, Verdict.UNKNOWN),
    ("cpu > 90", "cpu < 70", 0.95, Verdict.RAISE),
    ("cpu > 90", "cpu < 70", 0.8, Verdict.BETWEEN),
    ("cpu > 90", "cpu < 70", 0.5, Verdict.CLEAR),
    ("cpu > 90", "mailbox < 5", 0.5, Verdict.UNKNOWN),
])  # fmt: skip
def test_two_levels_make_a_space_between_them(
    when: str, clear: str | None, cpu: float | None, seen: Verdict
) -> None:
    rule = Rule("busy", condition(when), None if clear is None else condition(clear))

    assert rule.see(facts(host_cpu=cpu)) is seen


def test_a_rule_knows_which_figures_it_wants() -> None:
    metrics, growths = needs(
        condition("memory_percent > 85 or not (restarts > 5 in 1m or custom.orders > 3)").data
    )

    assert {one.key for one in metrics} == {"host.memory", "host.memory_total", "node.restarts", "custom.orders"}
    assert growths == {Growth("node.restarts", 60.0)}


@pytest.mark.parametrize(("text", "words"), [
    ("cpu > 90", ["CPU Load 95 %"]),
    ("node.cpu > 90", ["Node CPU Load unknown"]),
    ("memory_percent > 70", ["Memory Usage 75 %"]),
    ("mem > 1GB", ["Memory Usage 3 GB"]),
    ("restarts > 5 in 1m", ["Restarts 6 in 1 min"]),
    ("custom.orders > 5", ["Orders 6"]),
    ("absent not status:down", ["says nothing"]),
    ("cpu > 90 web-* not mem > 1GB", ["CPU Load 95 %"]),
])  # fmt: skip
def test_what_is_seen_is_said_in_words(text: str, words: list[str]) -> None:
    assert [leaf.say(HERE) for leaf in leaves(condition(text).data)] == words


@dataclass
class Node:
    """The same as a filter sees it."""

    name: str
    status: str
    address: str
    host: HostReading
    process: ProcessReading
    custom: dict[str, float] = field(default_factory=dict)


@given(
    st.recursive(
        st.sampled_from(
            ["cpu>50", "cpu<=30", "mem>1GB", "mem>50%", "status:up", "web-*", "procs!=7", "address:10.*"]
        ),
        lambda inner: (
            st.builds("({} {} {})".format, inner, st.sampled_from(["", "or"]), inner)
            | st.builds("not {}".format, inner)
        ),
        max_leaves=6,
    ),
    st.sampled_from(["web-1", "db-1"]),
    st.sampled_from(["up", "suspect"]),
    st.floats(0, 1),
    st.integers(0, 4 * GB),
)
def test_where_all_is_known_a_rule_means_what_a_filter_means(
    text: str, name: str, status: str, cpu: float, used: int
) -> None:
    host = HostReading("orthanc", used, 4 * GB, cpu, 4, 0.5, 7, 60.0)
    node = Node(name, status, "127.0.0.1:4711", host, ProcessReading(1, 2, 0.1, 3, 4, 5, 6.0))
    same = facts(name, status=status, host_cpu=cpu, host_memory=used, host_memory_total=4 * GB, host_processes=7)

    assert compile_test(condition(text).data)(same) == parse(text).matches(node)
