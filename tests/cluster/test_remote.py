"""Processes of other nodes: the outcomes that OTP has (notes ND-01 to ND-10), over real connections."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from eye.cluster.members import CHANGES
from eye.cluster.node import Status
from eye.cluster.remote import NodeGone, RemoteProcess, crosses
from eye.cluster.remote_desk import NAME
from eye.errors import (
    ActionRefused,
    CallTimeout,
    DecodeRefused,
    EncodeRefused,
    FrameTooLarge,
    MailboxFull,
    NodeDown,
    NoProcess,
    ServerExited,
)
from eye.supervision import Down, Exit, GenServer, Inbox, Mailbox, NoReply, Overflow, Ref
from eye.supervision.reasons import NOCONNECTION, NOPROC, NORMAL, Crash, Reason
from tests.cluster.sides import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON = 10.0  # seconds that nothing here takes unless it is broken


@crosses
class Total(NamedTuple):
    since: float


@crosses
class Crashing(NamedTuple):
    word: str


class Gate:
    """Where a server waits until the test lets it go on."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()


class Orders(GenServer):
    """Answers as it is asked, and keeps what it is told."""

    def init(self, gate: Gate | None = None) -> None:
        self.got: list[Any] = []
        self.gate = gate

    def handle_call(self, message: Any, caller: Any) -> Any:
        if isinstance(message, Total):
            return {"total": message.since * 2}
        if isinstance(message, Crashing):
            raise ValueError(message.word)
        if message == "got":
            return self.got
        if message == "wait" and self.gate is not None:
            self.gate.entered.set()
            self.gate.opened.wait(SOON)
        if message == "never":
            return NoReply()
        return {"object": object(), "huge": "x" * 5_000_000}.get(message, message)

    def handle_cast(self, message: Any) -> None:
        if message == "end":
            self.exit(NORMAL)
        self.got.append(message)

    def handle_info(self, message: Any) -> None:
        self.got.append(["info", message])


class Linked(GenServer):
    """Links itself to somebody elsewhere, and tells what it hears of him."""

    def init(self, other: RemoteProcess, told: Inbox, traps: bool) -> None:
        self.trap_exit = traps
        self.told = told
        self.other = other
        self.tie = other.link()

    def handle_call(self, message: Any, caller: Any) -> Any:
        if message == "unlink":
            self.other.unlink(self.tie)
        return message

    def handle_info(self, message: Any) -> None:
        self.told.send(message)


@pytest.fixture
def make_side() -> Iterator[Callable[..., Side]]:
    sides: list[Side] = []

    def make(name: str, **more: Any) -> Side:
        sides.append(Side(name, **more))
        return sides[-1]

    yield make
    for side in sides:
        side.close()


@pytest.fixture
def here(make_side: Callable[..., Side]) -> Side:
    return make_side("here")


@pytest.fixture
def there(make_side: Callable[..., Side], here: Side) -> Side:
    side = make_side("there")
    here.knows(side.member())
    side.knows(here.member())
    return side


@pytest.fixture
def server(there: Side) -> Ref:
    return there.start(Orders, name="orders")


@pytest.fixture
def orders(here: Side, server: Ref) -> RemoteProcess:
    del server
    return here.remote.process("orders", "there")


# ------------------------------------------------------------------------------------------ calls


def test_a_call_is_answered(orders: RemoteProcess) -> None:
    assert orders.call(Total(2.5), SOON) == {"total": 5.0}


def test_ND_03_no_such_process_is_not_no_such_node(here: Side, there: Side) -> None:
    with pytest.raises(NoProcess, match="nobody@there"):
        here.remote.process("nobody", "there").call(1, SOON)
    with pytest.raises(NodeDown, match="nowhere"):
        here.remote.process("nobody", "nowhere").call(1, SOON)


def test_the_processes_of_the_node_itself_are_nobodys_to_call(here: Side, there: Side) -> None:
    with pytest.raises(NoProcess):
        here.remote.process(NAME, "there").call(1, SOON)

    assert there.desk.is_alive


def test_a_crash_of_the_server_is_told_with_its_traceback(orders: RemoteProcess) -> None:
    with pytest.raises(ServerExited, match="ValueError: no such order") as caught:
        orders.call(Crashing("no such order"), SOON)

    assert caught.value.reason == Crash("ValueError", "no such order")
    assert "raise ValueError(message.word)" in str(caught.value.__cause__)


def test_a_call_that_is_not_answered_ends_in_time(orders: RemoteProcess) -> None:
    with pytest.raises(CallTimeout, match="orders@there"):
        orders.call("never", 0.05)

    assert orders.call("still there", SOON) == "still there"


def test_ND_02_a_call_under_way_and_a_new_one_fail_when_the_node_dies(
    here: Side, there: Side, orders: RemoteProcess
) -> None:
    failed: list[BaseException] = []
    asked = threading.Thread(target=lambda: failed.append(_error_of(lambda: orders.call("never", SOON))))
    asked.start()
    assert orders.call("so the other is on its way, or at least not hurt", SOON)

    there.die()
    asked.join(SOON)

    assert isinstance(failed[0], NodeDown)
    here.loses(there)
    with pytest.raises(NodeDown, match=r"'there' is down: silent for 10 s"):
        orders.call(1, SOON)
    orders.cast("to nobody")  # no error, as in OTP
    orders.send("to nobody")


def test_a_question_and_an_answer_that_cannot_cross_are_refused(orders: RemoteProcess, server: Ref) -> None:
    with pytest.raises(EncodeRefused):
        orders.call(object(), SOON)
    with pytest.raises(ServerExited, match="unserializable"):
        orders.call("object", SOON)

    assert server.is_alive


def test_an_answer_that_is_too_large_is_refused_and_the_next_is_not(orders: RemoteProcess) -> None:
    with pytest.raises(ServerExited, match="bytes"):
        orders.call("huge", SOON)
    with pytest.raises(FrameTooLarge):
        orders.call("x" * 5_000_000, SOON)

    assert orders.call("x" * 1_000_000, SOON) == "x" * 1_000_000


def test_a_full_mailbox_is_told_as_it_is(here: Side, there: Side) -> None:
    gate = Gate()
    there.start(Orders, gate, name="busy", mailbox=Mailbox(1, Overflow.REJECT))
    busy = here.remote.process("busy", "there")
    waiting = threading.Thread(target=lambda: _error_of(lambda: busy.call("wait", SOON)))
    waiting.start()
    assert gate.entered.wait(SOON)
    busy.cast("one that lies there")

    with pytest.raises(MailboxFull):
        busy.call("one too many", SOON)
    gate.opened.set()
    waiting.join(SOON)


def test_a_node_that_does_not_allow_it_says_so(here: Side, make_side: Callable[..., Side]) -> None:
    closed = make_side("closed", allow=frozenset({"read"}))
    server = closed.start(Orders, name="orders")
    here.knows(closed.member())
    orders, inbox = here.remote.process("orders", "closed"), here.system.inbox()

    with pytest.raises(ActionRefused, match="--allow call"):
        orders.call(1, SOON)
    with pytest.raises(ActionRefused):
        orders.found(SOON)
    orders.cast("end")
    monitor = orders.monitor(inbox)

    down = inbox.get(SOON)
    assert (down.monitor, down.reason.word) == (monitor, "refused")
    assert server.is_alive


# ---------------------------------------------------------------------------------------- messages


def test_ND_10_messages_keep_their_order(orders: RemoteProcess) -> None:
    for number in range(500):
        orders.cast(number)
    orders.send("last")

    assert orders.call("got", SOON) == [*range(500), ["info", "last"]]


def test_a_message_of_a_type_that_is_known_here_alone_hurts_nobody(
    here: Side, server: Ref, orders: RemoteProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eye.cluster import parcels

    monkeypatch.delitem(parcels._kinds, f"{__name__}.Total")

    with pytest.raises(DecodeRefused, match="not known here"):
        orders.call(Total(1.0), SOON)
    orders.cast(Total(1.0))

    assert orders.call("got", SOON) == []


def test_broadcasts_reach_every_node_that_allows_it(here: Side, there: Side) -> None:
    inboxes = here.system.inbox(), there.system.inbox()
    for side, inbox in zip((here, there), inboxes, strict=True):
        side.system.topics.subscribe("prices", inbox)

    here.remote.broadcast("prices", Total(3.0))

    assert [inbox.get(SOON) for inbox in inboxes] == [Total(3.0), Total(3.0)]


def test_nobody_broadcasts_on_the_topics_of_the_node(here: Side, there: Side, orders: RemoteProcess) -> None:
    inbox = there.system.inbox()
    there.system.topics.subscribe(CHANGES, inbox)

    here.remote.broadcast(CHANGES, "down with you")
    orders.call("that was before", SOON)

    assert inbox.drain() == []


# ------------------------------------------------------------------------------ monitors and links


def test_ND_10_a_monitor_tells_the_end_once_with_its_reason(
    here: Side, server: Ref, orders: RemoteProcess
) -> None:
    inbox = here.system.inbox()
    monitor = orders.monitor(inbox)
    orders.call("it stands", SOON)
    _error_of(lambda: orders.call(Crashing("no such disk"), SOON))

    down = inbox.get(SOON)

    assert (down.monitor, down.ref, down.reason) == (monitor, orders, server.exit_reason)
    assert "no such disk" in down.reason.traceback


def test_a_monitor_of_nobody_tells_noproc(here: Side, there: Side) -> None:
    inbox = here.system.inbox()
    here.remote.process("nobody", "there").monitor(inbox)

    assert inbox.get(SOON).reason is NOPROC


def test_ND_01_when_a_node_dies_each_monitor_tells_it_once(here: Side, there: Side, orders: RemoteProcess) -> None:
    inbox = here.system.inbox()
    monitors = [orders.monitor(inbox), orders.monitor(inbox)]
    watches = [here.remote.monitor_node("there", inbox), here.remote.monitor_node("there", inbox)]
    traps = here.start(Linked, orders, inbox, True)
    dies = here.start(Linked, orders, inbox, False)
    orders.call("all is in place", SOON)

    there.die()
    here.loses(there)
    told = [inbox.get(SOON) for _ in range(5)]

    assert {one.monitor: one.reason for one in told if isinstance(one, Down)} == dict.fromkeys(
        monitors, NOCONNECTION
    )
    assert [one.monitor for one in told if isinstance(one, NodeGone)] == watches
    (exited,) = [one for one in told if isinstance(one, Exit)]
    assert (exited.reason, str(exited.sender)) == (NOCONNECTION, "orders@there")
    assert dies.join(SOON) == NOCONNECTION
    assert traps.is_alive
    assert inbox.drain() == []


def test_a_monitor_of_a_node_that_is_down_tells_it_at_once(here: Side, there: Side) -> None:
    here.knows(there.member(Status.DOWN, "connection refused"))
    inbox = here.system.inbox()

    monitor = here.remote.monitor_node("there", inbox)

    assert inbox.get(SOON) == NodeGone(monitor, "there", "connection refused")


def test_ND_04_after_a_cut_the_old_monitor_is_spent_and_a_new_one_works(
    here: Side, there: Side, server: Ref, orders: RemoteProcess
) -> None:
    inbox, far = here.system.inbox(), there.system.inbox()
    back_here = here.start(Orders, name="back here")
    there.remote.process("back here", "here").monitor(far)
    orders.monitor(inbox)
    assert orders.call("both stand", SOON) == there.remote.process("back here", "here").call("both stand", SOON)

    here.loses(there)
    there.loses(here)
    assert (inbox.get(SOON).reason, far.get(SOON).reason) == (NOCONNECTION, NOCONNECTION)
    here.knows(there.member())
    second = orders.monitor(inbox)
    orders.call("it stands", SOON)
    server.stop()

    down = inbox.get(SOON)
    assert (down.monitor, down.reason) == (second, NORMAL)
    assert inbox.drain() == []
    assert back_here.is_alive


def test_ND_05_of_a_node_that_came_back_the_name_is_new_and_what_was_found_is_gone(
    here: Side, there: Side, make_side: Callable[..., Side], orders: RemoteProcess
) -> None:
    found = orders.found(SOON)
    assert found is not None
    assert found.call("you", SOON) == "you"

    there.die()
    here.loses(there)
    again = make_side("there")
    again.start(Orders, name="orders")
    here.knows(again.member())

    assert orders.call("who", SOON) == "who"
    with pytest.raises(NoProcess):
        found.call("you", SOON)


def test_what_was_found_is_not_its_replacement(there: Side, server: Ref, orders: RemoteProcess) -> None:
    found = orders.found(SOON)
    assert found is not None
    server.stop()
    there.start(Orders, name="orders")

    with pytest.raises(NoProcess):
        found.call("you", SOON)
    assert orders.call("you", SOON) == "you"


def test_nobody_is_found_where_there_is_none(here: Side, there: Side) -> None:
    assert here.remote.process("nobody", "there").found(SOON) is None


def test_ND_06_of_a_node_that_is_silent_nothing_is_told_until_it_is_down(
    here: Side, there: Side, orders: RemoteProcess
) -> None:
    gate = Gate()
    there.start(Orders, gate, name="frozen")
    inbox = here.system.inbox()
    here.remote.monitor_node("there", inbox)
    here.remote.process("frozen", "there").monitor(inbox)
    here.knows(there.member(Status.SUSPECT, "silent for 3 s"))

    with pytest.raises(CallTimeout):
        here.remote.process("frozen", "there").call("wait", 0.05)
    assert inbox.drain() == []

    here.loses(there)
    assert {type(inbox.get(SOON)), type(inbox.get(SOON))} == {Down, NodeGone}
    gate.opened.set()


def test_a_monitor_that_is_taken_back_tells_nothing(here: Side, server: Ref, orders: RemoteProcess) -> None:
    inbox = here.system.inbox()
    orders.demonitor(orders.monitor(inbox))
    kept = orders.monitor(inbox)
    orders.call("both are done", SOON)
    server.stop()

    assert inbox.get(SOON).monitor is kept
    assert inbox.drain() == []


@pytest.mark.parametrize("end", ["there", "here"])
def test_ND_10_a_link_takes_the_other_along_with_the_reason(
    here: Side, server: Ref, orders: RemoteProcess, end: str
) -> None:
    linked = here.start(Linked, orders, here.system.inbox(), False)
    orders.call("it stands", SOON)
    first, second = (server, linked) if end == "there" else (linked, server)

    first.exit(Reason("boom", "by hand"))

    assert second.join(SOON) == Reason("boom", "by hand")


def test_a_link_to_nobody_ends_with_noproc(here: Side, there: Side) -> None:
    linked = here.start(Linked, here.remote.process("nobody", "there"), here.system.inbox(), False)

    assert linked.join(SOON) == NOPROC


def test_a_link_that_is_taken_back_takes_nobody_along(here: Side, server: Ref, orders: RemoteProcess) -> None:
    linked = here.start(Linked, orders, here.system.inbox(), False)
    linked.call("unlink")
    orders.call("it is done there, too", SOON)

    server.exit("boom")
    server.join(SOON)

    assert linked.call("alive") == "alive"


def test_an_exit_signal_ends_it_and_kill_takes_a_right_of_its_own(
    here: Side, server: Ref, orders: RemoteProcess
) -> None:
    orders.exit("kill")
    assert orders.call("alive", SOON) == "alive"

    orders.exit(Reason("enough"))

    assert server.join(SOON) == Reason("enough")


# ------------------------------------------------------------------------------------- what crashes


def test_when_the_desk_crashes_everybody_is_told_and_the_next_call_works(
    here: Side, orders: RemoteProcess
) -> None:
    inbox = here.system.inbox()
    orders.monitor(inbox)
    orders.call("it stands", SOON)

    here.desk.kill()
    here.start_desk()

    assert inbox.get(SOON).reason is NOCONNECTION
    assert orders.call("again", SOON) == "again"


def test_whoever_waits_in_a_call_can_be_ended(here: Side, orders: RemoteProcess) -> None:
    class Asking(GenServer):
        def handle_cast(self, message: Any) -> None:
            orders.call("never", None)

    asking = here.start(Asking)
    asking.cast("go")
    while asking._waiting is None:
        pass

    asking.exit("enough")

    assert asking.join(SOON) == Reason("enough")


def test_plain_code_has_to_say_who_is_to_be_told(orders: RemoteProcess) -> None:
    with pytest.raises(RuntimeError, match="Inbox"):
        orders.monitor()


def _error_of(act: Callable[[], Any]) -> BaseException:
    try:
        act()
    except Exception as error:
        return error
    return AssertionError("no error")
