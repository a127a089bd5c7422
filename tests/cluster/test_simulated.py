"""Clusters as they are in the wild: large, asleep, with wrong clocks, with two of one name, with too many."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.cluster.known import Settings
from eye.cluster.membership import Membership
from eye.cluster.news import (
    AddressFound,
    Announced,
    Answered,
    CallFailed,
    ConnectionLost,
    Crowded,
    Dismissed,
    Full,
    Introduced,
    Left,
    Moment,
    NameConflict,
    NodeDown,
    NodeLeft,
    NodeSuspect,
    NodeUp,
    Tick,
)
from eye.cluster.node import Member, NodeInfo, Status
from eye.cluster.registry import Digest
from eye.errors import NotDown
from tests.cluster.simulation import EPOCH, Simulation


def test_200_nodes_that_start_at_once_all_get_to_know_each_other() -> None:
    network = Simulation(200, seed=1, seeds=3)

    network.run(6)

    assert network.all_see_all(network.nodes)
    assert network.changes(NodeDown) == []


def test_in_a_large_cluster_only_the_seeds_are_announced_to() -> None:
    network = Simulation(100, seed=2, seeds=3)
    network.run(20)
    network.calls = 0

    network.run(20)

    # Each to three seeds and each seed to all, every two seconds or so; without seeds it would be 100 times 99.
    assert network.calls < 2 * 100 * 3 * 20 / 2.0 * 1.3
    assert network.all_see_all(network.nodes)


def test_of_a_node_that_dies_in_a_large_cluster_everybody_hears_through_the_seeds() -> None:
    network = Simulation(60, seed=3, seeds=2)
    network.run(20)

    network.kill("n50")
    network.run(8)

    seen = [network.sees(f"n{number}")["n50"] for number in range(50)]
    assert set(seen) == {Status.DOWN}
    network.start("n50", seeds=["n0"])
    network.run(8)
    assert network.all_see_all(network.nodes)


def test_a_node_that_leaves_a_large_cluster_is_gone_everywhere() -> None:
    network = Simulation(60, seed=4, seeds=2)
    network.run(20)

    network.leave("n50")
    network.run(10)

    assert [host for host in network.nodes if host != "n50" and "n50" in network.sees(host)] == []
    assert network.changes(NodeDown) == []


def test_when_all_seeds_die_nobody_else_is_called_down() -> None:
    network = Simulation(50, seed=5, seeds=2)
    network.run(20)

    network.kill("n0")
    network.kill("n1")
    network.run(30)

    living = set(network.nodes) - {"n0", "n1"}
    assert {change.member.name for _, change in network.changes(NodeDown)} == {"n0", "n1"}  # type: ignore[union-attr]
    assert network.all_see_all(living)


def test_an_observer_of_a_large_cluster_without_seeds_asks_three_and_sees_all() -> None:
    network = Simulation(60, seed=6)
    network.run(20)
    observer = network.start("looker", seeds=["n0"], is_hidden=True)
    network.run(15)

    assert set(network.sees("looker")) >= {f"n{number}" for number in range(60)}
    assert len(observer._teachers.names) == 3
    assert all("looker" not in network.sees(f"n{number}") for number in range(60))
    network.kill("n40")
    network.run(8)
    assert network.sees("looker")["n40"] is Status.DOWN


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_long_ways_and_reordering_cost_nobody_his_life(seed: int) -> None:
    network = Simulation(8, seed, slowness=1.2)

    network.run(60)

    assert network.changes(NodeDown) == []
    assert {len(network.sees(host)) for host in network.nodes} == {8}


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), asleep=st.floats(5.0, 300.0))
def test_whoever_wakes_from_a_sleep_takes_nobody_for_dead(seed: int, asleep: float) -> None:
    network = Simulation(6, seed)
    network.run(10)
    network.sleep("n2", asleep)
    network.run(asleep + 0.05)
    network.said["n2"].clear()

    network.run(8)

    assert [c for c in network.said["n2"] if isinstance(c, (NodeDown, NodeSuspect))] == []
    assert network.all_see_all(network.nodes)


@pytest.mark.parametrize("jump", [-86_400.0, -30.0, 30.0, 86_400.0])
def test_a_clock_on_the_wall_that_jumps_is_nothing(jump: float) -> None:
    network = Simulation(40, seed=7, seeds=2)
    network.run(15)

    network.jumps = {"n0": jump, "n5": -jump}
    network.run(30)

    assert network.changes(NodeDown) == []
    assert network.changes(NodeSuspect) == []
    assert network.all_see_all(network.nodes)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([6, 40]), seeds=st.integers(0, 2))
def test_a_partition_is_seen_in_order_and_heals_in_clusters_of_any_size(seed: int, size: int, seeds: int) -> None:
    network = Simulation(size, seed, seeds=seeds)
    network.run(15)
    half = {f"n{number}" for number in range(size // 2)}
    other_half = set(network.nodes) - half
    for said in network.said.values():
        said.clear()

    network.cut = {frozenset((one, other)) for one in half for other in other_half}
    network.run(40)
    network.cut = set()
    network.run(25)

    assert network.all_see_all(network.nodes)
    for said in network.said.values():
        by_node: dict[str, list[type]] = {}
        for change in said:
            if isinstance(change, (NodeUp, NodeSuspect, NodeDown)):
                by_node.setdefault(change.member.name, []).append(type(change))
        for kinds in by_node.values():
            assert kinds[:3] == [NodeSuspect, NodeDown, NodeUp]
            # Of whom a seed tells: heard from once while the seed has not yet, and then not for 3 s.
            assert kinds[3:] in ([], [NodeSuspect, NodeUp] if size > Settings().mesh_limit and seeds else [])


def test_a_frozen_node_is_suspect_then_down_then_up_again() -> None:
    network = Simulation(4, seed=8)
    network.run(10)
    for said in network.said.values():
        said.clear()

    network.sleep("n3", 20.0)
    network.run(40)

    for host in ("n0", "n1", "n2"):
        assert [type(c) for c in network.said[host]] == [NodeSuspect, NodeDown, NodeUp]


def test_of_two_that_meet_under_one_name_the_younger_takes_another() -> None:
    network = Simulation(3, seed=9)
    network.cut = {frozenset((f"n{number}", "double")) for number in range(3)}
    network.run(10)
    younger = network.start("double", seeds=["n0"], name="n2")
    network.run(20)
    assert network.sees("double") == {"n2": Status.UP}

    network.cut = set()
    network.run(15)

    assert younger.me.name == f"n2~{younger.me.boot[:4]}"
    assert network.nodes["n2"].me.name == "n2"
    everybody = {"n0", "n1", "n2", younger.me.name}
    for host in network.nodes:
        up = {name for name, status in network.sees(host).items() if status is Status.UP}
        assert up == everybody
    yielded = [c for c in network.said["double"] if isinstance(c, NameConflict) and c.we_yield]
    assert [c.new_name for c in yielded] == [younger.me.name]


def test_one_that_is_only_starting_is_told_to_give_up_and_keeps_its_name() -> None:
    network = Simulation(3, seed=10, slowness=0.01)
    network.run(10)

    starting = network.start("double", seeds=["n2"], name="n2")
    network.run(0.5)

    (conflict,) = [c for c in network.said["double"] if isinstance(c, NameConflict) and c.we_yield][:1]
    assert (conflict.name, conflict.address, conflict.new_name) == ("n2", "n2:1", None)
    assert starting.me.name == "n2"


def test_beyond_the_cap_a_node_is_refused_and_told_so_and_observers_do_not_count() -> None:
    network = Simulation(5, seed=11, settings=Settings(most=5))
    for number in range(3):
        network.start(f"looker{number}", seeds=["n0"], is_hidden=True)
    network.run(10)
    assert network.all_see_all(f"n{number}" for number in range(5))

    network.start("late", seeds=["n0"])
    network.run(10)

    assert all("late" not in network.sees(f"n{number}") for number in range(5))
    assert Full(5, 5) in network.said["late"]
    assert Full(5, 5, refused="late") in network.said["n0"]


def test_beyond_comfort_it_is_said_once() -> None:
    network = Simulation(12, seed=12, settings=Settings(comfort=8))

    network.run(30)

    assert [sum(isinstance(c, Crowded) for c in said) for said in network.said.values()] == [1] * 12


def test_one_that_is_down_can_be_dismissed_and_one_that_lives_cannot() -> None:
    network = Simulation(3, seed=13)
    network.run(10)
    with pytest.raises(NotDown):
        network.nodes["n0"].dismiss("n2")
    network.kill("n2")
    network.run(5)
    assert network.nodes["n0"].dismiss("n2")

    network.tell("n0", network.nodes["n0"], Dismissed("n2"))
    network.run(20)

    assert "n2" not in network.sees("n0")
    assert network.sees("n1")["n2"] is Status.DOWN  # each has a list of its own
    assert any(isinstance(c, NodeLeft) and c.reason == "it was dismissed" for c in network.said["n0"])
    network.start("n2", seeds=["n1"])
    network.run(5)
    assert network.all_see_all(network.nodes)


def test_one_that_left_is_not_talked_back_into_being() -> None:
    network = Simulation(6, seed=14, loss=0.2, slowness=0.5)
    network.run(30)
    network.cut = {frozenset(("n5", "n4"))}  # which therefore does not hear the goodbye
    network.leave("n5")
    network.run(40)

    for host in ("n0", "n1", "n2", "n3"):
        assert network.sees(host).get("n5") in (None, Status.DOWN)
        ups = [c for c in network.said[host][-20:] if isinstance(c, NodeUp) and c.member.name == "n5"]
        gone = [c for c in network.said[host] if isinstance(c, NodeLeft) and c.member.name == "n5"]
        assert len(gone) == 1
        assert network.said[host].index(gone[0]) > max(map(network.said[host].index, ups), default=-1)


# ------------------------------------------------------------------- whatever comes, it stays sane

NAMES = st.sampled_from(["me", "a", "b", "c"])
BOOTS = st.sampled_from(["boot-me", "x1", "x2", "x3", "x4"])
ADDRESSES = st.sampled_from(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"])
TIMES = st.floats(EPOCH - 1000, EPOCH + 1000)
INFOS = st.builds(NodeInfo, NAMES, ADDRESSES, BOOTS, TIMES, st.booleans())
MEMBERS = st.builds(
    Member, NAMES, ADDRESSES, BOOTS, TIMES, st.sampled_from(Status), TIMES, st.none() | TIMES, st.none(),
    st.booleans(), st.none() | NAMES,
)  # fmt: skip
LISTS = st.lists(MEMBERS, max_size=4).map(tuple)
FULL = st.none() | st.just((5, 5))
DIGESTS = st.builds(Digest, INFOS, TIMES, st.integers(0, 9), st.none() | LISTS, st.none() | ADDRESSES, FULL)
EVENTS = st.one_of(
    st.builds(AddressFound, ADDRESSES),
    st.builds(Announced, INFOS),
    st.builds(Answered, ADDRESSES, DIGESTS),
    st.builds(CallFailed, ADDRESSES, st.just("refused"), st.booleans()),
    st.builds(ConnectionLost, ADDRESSES, st.just("closed")),
    st.builds(Introduced, LISTS),
    st.builds(Left, NAMES, BOOTS),
    st.builds(Dismissed, NAMES),
    st.just(Tick()),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(EVENTS, st.floats(0.0, 20.0)), max_size=40),
    st.booleans(),
    st.sampled_from([Settings(), Settings(mesh_limit=1), Settings(most=2, comfort=1)]),
)
def test_whatever_peers_say_in_whatever_order_the_list_stays_sane(
    story: list[tuple[object, float]], is_hidden: bool, patience: Settings
) -> None:
    me = NodeInfo("me", "" if is_hidden else "127.0.0.1:1", "boot-me", EPOCH)
    membership = Membership(me, lambda: 0.5, patience, is_hidden=is_hidden)
    membership.is_settled = True
    now, version = 0.0, 0
    for event, seconds in story:
        now += seconds
        moment = Moment(EPOCH + now, now)
        membership.handle(event, moment)  # type: ignore[arg-type]

        members = membership.members(moment)
        names = [member.name for member in members]
        assert len(set(names)) == len(names)
        assert [one.boot for one in members].count("boot-me") == 1
        assert membership.version >= version
        version = membership.version
        assert len(members) <= patience.most
        for status in Status:
            assert all(one.since <= moment.at for one in members if one.status is status)
