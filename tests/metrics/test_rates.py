"""The arithmetic of shares: tables, and what holds for any family that comes and goes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.errors import ProbeNotReady
from eye.metrics.rates import FamilyShare, HostShare, HostTimes, ProcessTimes, Speeds, spent

SECONDS = st.floats(0, 1e6, allow_nan=False)
FAMILY = st.dictionaries(st.integers(1, 6), st.builds(ProcessTimes, own=SECONDS, waited=SECONDS), max_size=6)


def test_the_first_look_at_a_host_has_no_share() -> None:
    with pytest.raises(ProbeNotReady, match="two looks"):
        HostShare().look(100.0, HostTimes(busy=50.0, idle=50.0))


def test_a_host_is_as_busy_as_it_was_since_the_previous_look() -> None:
    share = HostShare()
    with pytest.raises(ProbeNotReady):
        share.look(100.0, HostTimes(busy=1000.0, idle=0.0))

    assert share.look(101.0, HostTimes(busy=1000.5, idle=1.5)) == 0.25
    assert share.look(102.0, HostTimes(busy=1002.5, idle=1.5)) == 1.0


def test_a_look_that_comes_too_soon_says_what_the_previous_one_said_and_does_not_move_the_window() -> None:
    share = HostShare()
    with pytest.raises(ProbeNotReady):
        share.look(0.0, HostTimes(0.0, 0.0))
    with pytest.raises(ProbeNotReady):
        share.look(0.04, HostTimes(0.04, 0.0))

    assert share.look(1.0, HostTimes(0.5, 0.5)) == 0.5
    assert share.look(1.01, HostTimes(99.0, 0.5)) == 0.5
    assert share.look(2.0, HostTimes(0.5, 1.5)) == 0.0


def test_counters_that_did_not_move_leave_the_window_open() -> None:
    share = HostShare()
    with pytest.raises(ProbeNotReady):
        share.look(0.0, HostTimes(7.0, 7.0))
    with pytest.raises(ProbeNotReady):
        share.look(1.0, HostTimes(7.0, 7.0))

    assert share.look(2.0, HostTimes(8.0, 7.0)) == 1.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 10), SECONDS, SECONDS), max_size=12))
def test_a_share_of_a_host_is_never_outside_0_to_1_whatever_its_counters_do(looks) -> None:
    share, at = HostShare(), 0.0
    for elapsed, busy, idle in looks:
        at += elapsed
        try:
            assert 0.0 <= share.look(at, HostTimes(busy, idle)) <= 1.0
        except ProbeNotReady:
            continue


@pytest.mark.parametrize(
    ("case", "before", "now", "expected"),
    [
        ("alone", {1: (5, 0)}, {1: (6, 0)}, 1.0),
        ("with a child", {1: (5, 0), 2: (1, 0)}, {1: (5, 0), 2: (3, 0)}, 2.0),
        ("a new child counts from its start", {1: (5, 0)}, {1: (5, 0), 2: (0.5, 0)}, 0.5),
        ("an old child seen late does not count", {1: (5, 0)}, {1: (5, 0), 2: (1000, 0)}, 0.0),
        ("a child waited for counts what was not known of it", {1: (5, 0), 2: (7, 0)}, {1: (5, 7.5)}, 0.5),
        ("a child that came and went in between", {1: (5, 0)}, {1: (5, 0.3)}, 0.3),
        ("a child nobody waited for is not negative", {1: (5, 0), 2: (7, 0)}, {1: (5, 0)}, 0.0),
        (
            "a grandchild waited for by its parent",
            {1: (0, 0), 2: (1, 0), 3: (4, 0)},
            {1: (0, 0), 2: (1, 4.5)},
            0.5,
        ),
        ("an overlooked old child that is waited for", {1: (5, 0)}, {1: (5, 500)}, 0.0),
        ("another process under an old id", {1: (5, 0), 2: (90, 0)}, {1: (5, 0), 2: (0.1, 0)}, 0.0),
    ],
)
def test_what_a_family_spent(case, before, now, expected) -> None:
    looks = [{pid: ProcessTimes(*times) for pid, times in look.items()} for look in (before, now)]

    assert spent(*looks, most=2.0) == pytest.approx(expected), case


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 10), FAMILY), max_size=10), st.integers(1, 512))
def test_a_share_of_a_family_is_never_outside_0_to_1_whoever_comes_and_goes(looks, cores) -> None:
    share, at = FamilyShare(), 0.0
    for elapsed, members in looks:
        at += elapsed
        try:
            assert 0.0 <= share.look(at, cores, members) <= 1.0
        except ProbeNotReady:
            continue


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("burn"), st.integers(0, 5), st.integers(1, 100)),
        st.tuples(st.just("start"), st.just(0), st.just(0)),
        st.tuples(st.just("reap"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("look"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(STEPS)
def test_nothing_is_lost_or_counted_twice_when_children_start_work_and_are_waited_for(steps) -> None:
    own, waited = {1: 0}, 0
    burned, next_pid = 0, 2
    known, counted = {1: ProcessTimes(0, 0)}, 0.0

    for what, who, amount in [*steps, ("look", 0, 0)]:
        pid = sorted(own)[who % len(own)]
        if what == "burn":
            own[pid] += amount
            burned += amount
        elif what == "start":
            own[next_pid] = 0
            next_pid += 1
        elif what == "reap" and pid != 1:
            waited += own.pop(pid)
        elif what == "look":
            members = {each: ProcessTimes(used, waited if each == 1 else 0) for each, used in own.items()}
            counted += spent(known, members, most=1e9)
            known = members

    assert counted == burned


def test_a_family_share_is_of_all_cores() -> None:
    share = FamilyShare()
    with pytest.raises(ProbeNotReady):
        share.look(10.0, 4, {1: ProcessTimes(100.0, 0.0)})

    assert share.look(12.0, 4, {1: ProcessTimes(102.0, 0.0)}) == 0.25
    assert share.look(12.01, 4, {1: ProcessTimes(102.5, 0.0)}) == 0.25


def test_a_speed_needs_two_looks_and_a_counter_that_did_not_go_back() -> None:
    speeds = Speeds()

    assert speeds.look(10.0, {"read": 100, "gone": 7}) == {}
    assert speeds.look(12.0, {"read": 300, "new": 5}) == {"read": 100.0}
    assert speeds.look(12.0, {"read": 400, "new": 5}) == {}
    assert speeds.look(13.0, {"read": 1, "new": 5}) == {"new": 0.0}
