"""The rules of membership, one by one, and then many nodes on a network that loses, cuts and delays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.cluster import news
from eye.cluster.membership import Membership, Settings
from eye.cluster.news import (
    AddressFound,
    Announce,
    Announced,
    Answered,
    CallFailed,
    ConnectionLost,
    Forget,
    Introduced,
    Left,
    Moment,
    NameConflict,
    NodeDown,
    NodeFound,
    NodeLeft,
    NodeSuspect,
    NodeUp,
    Publish,
    Tick,
)
from eye.cluster.node import Member, NodeInfo, Status
from eye.cluster.registry import Digest
from tests.cluster.simulation import EPOCH, Simulation

if TYPE_CHECKING:
    from collections.abc import Iterable

ME = NodeInfo("me", "127.0.0.1:1", "boot-me", EPOCH - 100)
A = NodeInfo("a", "127.0.0.1:2", "boot-a", EPOCH - 50)
A_AGAIN = NodeInfo("a", "127.0.0.1:3", "boot-a2", EPOCH + 50)
B = NodeInfo("b", "127.0.0.1:4", "boot-b", EPOCH - 40)


class One:
    """One membership, a clock beside it, and a short way to talk to it."""

    def __init__(self, me: NodeInfo = ME, now: float = 0.0) -> None:
        self.now = now
        self.membership = Membership(me, lambda: 0.5)

    def tell(self, *events: news.Event) -> list[news.Step]:
        moment = Moment(EPOCH + self.now, self.now)
        return [step for event in events for step in self.membership.handle(event, moment)]

    def after(self, seconds: float) -> list[news.Step]:
        """Let time pass, tick by tick."""
        steps = []
        for _ in range(round(seconds / 0.5)):
            self.now += 0.5
            steps += self.tell(Tick())
        return steps

    def status(self, name: str) -> Status | None:
        return {member.name: member.status for member in self.members()}.get(name)

    def members(self) -> tuple[Member, ...]:
        return self.membership.members(Moment(EPOCH + self.now, self.now))


def answer(info: NodeInfo, *members: Member, taken_by: str | None = None, version: int = 1) -> Answered:
    return Answered(info.address, Digest(info, EPOCH, version, members, taken_by))


def member(info: NodeInfo, status: Status = Status.UP) -> Member:
    return Member(info.name, info.address, info.boot, info.started_at, status, EPOCH)


def changes(steps: Iterable[news.Step]) -> list[type]:
    return [type(step.change) for step in steps if isinstance(step, Publish)]


def up_with(*infos: NodeInfo) -> One:
    one = One()
    for info in infos:
        one.tell(AddressFound(info.address), answer(info))
    assert all(one.status(info.name) is Status.UP for info in infos)
    return one


# ------------------------------------------------------------------------------------- finding


def test_an_address_that_is_found_is_dialled_at_once_and_once() -> None:
    one = One()

    assert one.tell(AddressFound(A.address)) == [Announce(A.address, 0)]
    assert one.tell(AddressFound(A.address)) == []


def test_our_own_address_is_not_dialled() -> None:
    assert One().tell(AddressFound(ME.address)) == []


def test_an_address_at_which_we_answer_ourselves_is_never_dialled_again() -> None:
    one = One()
    one.tell(AddressFound("localhost:1"))

    steps = one.tell(Answered("localhost:1", Digest(ME, EPOCH, 1)))

    assert steps == [Forget("localhost:1")]
    assert one.tell(AddressFound("localhost:1")) == []
    assert one.after(60) == []


def test_an_answer_makes_a_node_up() -> None:
    one = One()
    one.tell(AddressFound(A.address))

    assert changes(one.tell(answer(A))) == [NodeUp]
    assert one.status("a") is Status.UP


def test_an_announcement_makes_a_node_up_and_is_returned() -> None:
    one = One()

    steps = one.tell(Announced(A))

    assert changes(steps) == [NodeUp]
    assert Announce(A.address, 0) in steps


def test_hearsay_makes_a_node_connecting_and_dials_it() -> None:
    one = One()

    steps = one.tell(Introduced((member(A),)))

    assert changes(steps) == [NodeFound]
    assert Announce(A.address, 0) in steps
    assert one.status("a") is Status.CONNECTING


@pytest.mark.parametrize("status", [Status.CONNECTING, Status.DOWN])
def test_hearsay_of_a_node_that_is_not_up_there_is_not_passed_on(status: Status) -> None:
    one = One()

    assert one.tell(Introduced((member(A, status),))) == []
    assert one.status("a") is None


def test_hearsay_that_proves_wrong_ends_as_down() -> None:
    one = One()
    one.tell(Introduced((member(A),)), CallFailed(A.address, "connection refused", was_silent=False))

    one.after(11)

    assert one.status("a") is Status.DOWN
    assert next(m for m in one.members() if m.name == "a").reason == "connection refused"


def test_an_answer_introduces_the_others() -> None:
    one = One()
    one.tell(AddressFound(A.address))

    steps = one.tell(answer(A, member(A), member(B), member(ME)))

    assert Announce(B.address, 0) in steps
    assert one.status("b") is Status.CONNECTING


def test_two_addresses_of_one_node_end_as_one() -> None:
    one = One()
    one.tell(AddressFound(A.address), answer(A), AddressFound("localhost:2"))

    steps = one.tell(Answered("localhost:2", Digest(A, EPOCH, 1)))

    assert steps == [Forget("localhost:2")]
    assert [m.address for m in one.members() if m.name == "a"] == [A.address]


def test_a_node_is_reached_where_it_was_reached_whatever_it_calls_itself() -> None:
    one = One()
    one.tell(AddressFound("orthanc:2"))

    one.tell(Answered("orthanc:2", Digest(A, EPOCH, 1)))

    assert [m.address for m in one.members() if m.name == "a"] == ["orthanc:2"]
    told = one.membership.digest(Moment(EPOCH, 0.0)).members or ()
    assert [m.address for m in told if m.name == "a"] == [A.address]


# ------------------------------------------------------------------------------------- failing


def test_announcements_come_every_period_while_all_is_well() -> None:
    one = up_with(A)

    calls = [step for step in one.after(10.0) if isinstance(step, Announce)]

    assert calls == [Announce(A.address, 1)]  # and no second one before the first is answered
    one.tell(answer(A))
    assert one.after(2.0) == [Announce(A.address, 1)]


def test_silence_makes_a_node_suspect_and_then_down() -> None:
    one = up_with(A)

    assert changes(one.after(3.0)) == []
    assert changes(one.after(0.5)) == [NodeSuspect]
    assert changes(one.after(6.5)) == []
    assert changes(one.after(0.5)) == [NodeDown]


def test_a_suspect_that_speaks_is_up_again() -> None:
    one = up_with(A)
    one.after(5)

    assert changes(one.tell(answer(A))) == [NodeUp]


def test_a_closed_connection_and_a_refused_redial_are_down_at_once() -> None:
    one = up_with(A)

    assert one.tell(ConnectionLost(A.address, "closed")) == [Announce(A.address, 1)]
    steps = one.tell(CallFailed(A.address, "connection refused", was_silent=False))

    assert changes(steps) == [NodeDown]
    assert next(m for m in one.members() if m.name == "a").reason == "connection refused"


def test_a_closed_connection_and_an_answered_redial_are_nothing() -> None:
    one = up_with(A)

    one.tell(ConnectionLost(A.address, "closed"))

    assert changes(one.tell(answer(A))) == []
    assert one.status("a") is Status.UP


def test_a_closed_connection_and_a_silent_redial_are_left_to_the_clock() -> None:
    one = up_with(A)

    one.tell(ConnectionLost(A.address, "closed"))

    assert changes(one.tell(CallFailed(A.address, "silent", was_silent=True))) == []
    assert changes(one.after(3.5)) == [NodeSuspect]


@pytest.mark.parametrize("loss_comes_first", [True, False])
def test_the_call_that_fails_with_the_connection_is_not_the_redial(loss_comes_first: bool) -> None:
    one = up_with(A)
    assert Announce(A.address, 1) in one.after(2.0)
    of_one_cause: list[news.Event] = [
        ConnectionLost(A.address, "closed"),
        CallFailed(A.address, "closed", was_silent=False),
    ]

    steps = one.tell(*(of_one_cause if loss_comes_first else reversed(of_one_cause)))

    assert changes(steps) == []
    assert len([step for step in steps if isinstance(step, Announce)]) == 1
    assert changes(one.tell(CallFailed(A.address, "refused", was_silent=False))) == [NodeDown]


def test_a_node_that_is_down_is_dialled_again_and_again_but_not_more_often_than_the_cap() -> None:
    one = up_with(A)
    one.tell(ConnectionLost(A.address, "closed"), CallFailed(A.address, "refused", was_silent=False))

    tries = 0
    for _ in range(240):
        for step in one.after(0.5):
            assert step == Announce(A.address, 0)
            tries += 1
            one.tell(CallFailed(A.address, "refused", was_silent=False))

    assert 120 / 5.5 <= tries <= 120 / 2.5 + 10


def test_a_node_that_is_down_keeps_its_last_sign_of_life_and_is_forgotten_in_the_end() -> None:
    one = up_with(A)
    one.after(20)

    found = next(m for m in one.members() if m.name == "a")
    assert (found.status, found.seen_at) == (Status.DOWN, EPOCH)
    steps = one.after(3600)

    assert changes(steps) == [NodeLeft]
    assert Forget(A.address) in steps
    assert one.status("a") is None


def test_an_address_where_nobody_was_ever_met_is_given_up() -> None:
    one = One()
    one.tell(AddressFound(A.address))

    for _ in range(400):
        one.tell(CallFailed(A.address, "refused", was_silent=False))
        one.after(0.5)

    assert one.after(10) == []
    assert one.tell(AddressFound(A.address)) == [Announce(A.address, 0)]


def test_a_tick_that_comes_late_means_that_we_slept() -> None:
    one = up_with(A)
    one.after(1)

    one.now += 3600
    steps = one.tell(Tick())

    assert changes(steps) == []
    assert changes(one.after(3.5)) == [NodeSuspect]


# ------------------------------------------------------------------------------- lives and names


def test_a_new_life_of_a_node_is_up_at_once_in_place_of_the_old() -> None:
    one = up_with(A)
    one.tell(ConnectionLost(A.address, "closed"), CallFailed(A.address, "refused", was_silent=False))

    steps = one.tell(Announced(A_AGAIN))

    assert changes(steps) == [NodeUp]
    assert Forget(A.address) in steps
    assert [m.boot for m in one.members() if m.name == "a"] == [A_AGAIN.boot]


def test_a_restart_that_nobody_noticed_is_told_as_down_and_up() -> None:
    one = up_with(A)
    one.tell(ConnectionLost(A.address, "closed"))

    assert changes(one.tell(Announced(A_AGAIN))) == [NodeDown, NodeUp]


def test_news_of_an_older_life_never_overrides_a_newer_one() -> None:
    one = up_with(A_AGAIN)

    one.tell(Announced(A), Introduced((member(A),)))
    one.tell(ConnectionLost(A_AGAIN.address, "closed"), Announced(A))

    assert [m.boot for m in one.members() if m.name == "a"] == [A_AGAIN.boot]


def test_a_node_that_says_goodbye_is_gone_at_once_and_not_talked_back_into_being() -> None:
    one = up_with(A)

    steps = one.tell(Left("a", A.boot))

    assert changes(steps) == [NodeLeft]
    assert Forget(A.address) in steps
    assert one.tell(Introduced((member(A),)), Announced(A)) == []
    assert one.status("a") is None


def test_the_goodbye_of_an_older_life_does_not_touch_the_newer() -> None:
    one = up_with(A_AGAIN)

    assert one.tell(Left("a", A.boot)) == []
    assert one.status("a") is Status.UP


def test_a_name_whose_holder_is_connected_is_refused() -> None:
    one = up_with(A)

    assert one.membership.judge(A_AGAIN) is not None
    assert changes(one.tell(Announced(A_AGAIN))) == [NameConflict]
    assert [m.boot for m in one.members() if m.name == "a"] == [A.boot]
    assert one.membership.digest(Moment(EPOCH, 0.0), 0, A_AGAIN).taken_by == A.address


@pytest.mark.parametrize("event", ["lost", "suspect", "down"])
def test_a_name_whose_holder_may_be_gone_is_given_to_who_asks(event: str) -> None:
    one = up_with(A)
    if event == "lost":
        one.tell(ConnectionLost(A.address, "closed"))
    else:
        one.after(4 if event == "suspect" else 12)

    assert one.membership.judge(A_AGAIN) is None


def test_of_two_nodes_that_meet_under_one_name_the_younger_yields() -> None:
    older, younger = (
        NodeInfo("me", "127.0.0.1:9", "x", ME.started_at - 1),
        NodeInfo("me", "127.0.0.1:9", "x", ME.started_at + 1),
    )
    for other, we_yield in ((older, True), (younger, False)):
        one = One()
        one.tell(AddressFound(other.address))

        steps = one.tell(answer(other))

        assert steps == [Publish(NameConflict("me", other.address, we_yield))]


def test_somebody_who_is_told_that_the_name_is_taken_asks_the_holder() -> None:
    one = One()
    one.tell(AddressFound(A.address))

    steps = one.tell(answer(A, taken_by="127.0.0.1:77"))

    assert Announce("127.0.0.1:77", 0) in steps


def test_what_has_not_changed_is_not_told_again() -> None:
    one = up_with(A)
    now = Moment(EPOCH, one.now)
    version = one.membership.digest(now).version

    assert one.membership.digest(now, version).members is None
    one.tell(Announced(B))
    assert one.membership.digest(now, version).members is not None


def test_a_membership_that_is_restarted_goes_on_where_it_was() -> None:
    one, again = up_with(A, B), One(now=10.0)

    again.membership.resume(one.members(), Moment(EPOCH + 10, 10.0))

    assert {m.name: m.status for m in again.members()} == {m.name: m.status for m in one.members()}
    assert set(again.tell(Tick())) == {Announce(A.address, 0), Announce(B.address, 0)}


# ------------------------------------------------------------------------- many nodes, one network


@pytest.mark.parametrize("size", [3, 20, 60])
def test_nodes_that_know_one_seed_all_get_to_know_each_other(size: int) -> None:
    network = Simulation(size, seed=size)

    network.run(6)

    assert network.all_see_all(network.nodes)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), loss=st.floats(0.0, 0.15))
def test_whatever_is_lost_the_cluster_is_whole_in_the_end_and_nobody_heard_from_is_called_down(
    seed: int, loss: float
) -> None:
    network = Simulation(8, seed, loss)

    network.run(60)

    network.loss = 0.0
    network.run(15)
    assert network.all_see_all(network.nodes)
    # Where 15 % is lost, every thirtieth run has a pair of nodes that reached each other in no way for 10 s.
    assert all(silence > Settings().down_after for silence in network.silences)


def test_where_every_twentieth_call_is_lost_nobody_is_called_down() -> None:
    network = Simulation(8, seed=1, loss=0.05)

    network.run(300)

    assert network.changes(NodeSuspect), "it was lossy enough to notice"
    assert network.silences == []


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), victim=st.integers(0, 7))
def test_a_killed_node_is_down_everywhere_at_once_and_up_again_after_its_return(seed: int, victim: int) -> None:
    network = Simulation(8, seed)
    network.run(10)
    name = f"n{victim}"

    network.kill(name)
    network.run(1)

    others = set(network.nodes) - {name}
    assert all(network.sees(one)[name] is Status.DOWN for one in others)
    network.run(30)
    network.start(name, seeds=[next(iter(others))])
    network.run(5)
    assert network.all_see_all(network.nodes)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), side=st.integers(1, 7))
def test_a_partition_is_seen_as_suspect_down_up_and_heals(seed: int, side: int) -> None:
    network = Simulation(8, seed)
    network.run(10)
    left = {f"n{number}" for number in range(side)}
    right = set(network.nodes) - left
    for said in network.said.values():
        said.clear()

    network.cut = {frozenset((one, other)) for one in left for other in right}
    network.run(30)
    assert network.all_see_all(left)
    assert network.all_see_all(right)
    network.cut = set()
    network.run(10)

    assert network.all_see_all(network.nodes)
    for name, said in network.said.items():
        for other in right if name in left else left:
            kinds = [type(c) for c in said if not isinstance(c, NameConflict) and c.member.name == other]
            assert kinds == [NodeSuspect, NodeDown, NodeUp]


def test_the_announcements_of_a_cluster_spread_over_the_period() -> None:
    network = Simulation(20, seed=1)
    network.run(60)
    network.run(0)
    due = [contact.due for node in network.nodes.values() for contact in node._contacts._all.values()]

    assert max(due) - min(due) > Settings().period / 2
