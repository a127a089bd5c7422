"""The process that speaks for all processes of this node with those of other nodes.

It keeps a session with each node that something is going on with (`remote_words`), and knows for each ticket who
is to be told what. A session is lost as a whole: when its connection closes, when the membership finds the node
down, or when this process crashes and its replacement finds what it left. Then every call fails with `NodeDown`,
every monitor tells `noconnection`, every link ends with it; once each.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cluster import news
from eye.cluster.interconnect import Answer
from eye.cluster.members import CHANGES
from eye.cluster.node import Status
from eye.cluster.parcels import pack_reason
from eye.cluster.remote_errands import Ask, Ended, Find, NodeGone, Publish, Tell, Tie, Untie, Watch, WatchNode
from eye.cluster.remote_sessions import Question, Session, Tied, Watched, fail, settle
from eye.cluster.remote_words import FIND, LONGEST_SILENCE, NOTICES, OPEN, ORDER, PUBLISH, TELL, Order, Target
from eye.errors import AuthenticationRefused, DeadlineExceeded, NodeDown, NodeUnreachable, RemoteSessionLost
from eye.supervision.answers import NoReply
from eye.supervision.gen_server import GenServer
from eye.supervision.messages import Caller, Monitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.exchange import EngineSlot
    from eye.cluster.interconnect import Method
    from eye.cluster.members import Standing
    from eye.cluster.node import Member
    from eye.cluster.parcels import Parcel
    from eye.cluster.remote_service import RemoteService
    from eye.cluster.remote_sessions import Expected, Sessions
    from eye.supervision.outside import Outsider

logger = logging.getLogger("eye.cluster")

NAME = "eye.remote"

_WAIT = 2.0  # seconds that a question for notices waits for the first
_IDLE = 20.0  # seconds that a session is kept with nothing going on in it
_SWEEP = 2.0  # seconds from one look at the sessions of others to the next
_MOST_TOLD = 10_000  # casts that one node has not taken yet; more are dropped, and counted in the log
_LOST = (NodeUnreachable, DeadlineExceeded, AuthenticationRefused, RemoteSessionLost)


# --------------------------------------------------------------------- what comes of it


class _Opened(NamedTuple):
    session: str
    answer: Answer


class _Ordered(NamedTuple):
    session: str
    ticket: int
    answer: Answer


class _Noticed(NamedTuple):
    session: str
    answer: Answer


class _Found(NamedTuple):
    caller: Caller
    node: str
    answer: Answer


class _Told(NamedTuple):
    node: str
    answer: Answer


class _Sweep(NamedTuple):
    pass


class RemoteDesk(GenServer):
    """Speaks for this node's processes."""

    def init(
        self, engine: EngineSlot, standing: Standing, me: Callable[[], tuple[str, str]], sessions: Sessions,
        service: RemoteService,
    ) -> None:  # fmt: skip
        """Begin; what a predecessor left is lost.

        Args:
            engine: how other nodes are reached.
            standing: knows who they are.
            me: tells this node's name and boot id.
            sessions: outlives this process.
            service: what others have going on here.
        """
        self._engine, self._standing, self._me = engine, standing, me
        self._sessions, self._service = sessions, service
        self._told: dict[str, int] = {}  # casts on their way, by node
        self._dropped: dict[str, int] = {}
        self._seen: tuple[Member, ...] = ()
        self._by_name: dict[str, Member] = {}
        self.subscribe(CHANGES)
        for session in list(sessions.by_node.values()):
            self._lose(session, "the interconnect was restarted")
        self.send_after(_SWEEP, _Sweep())

    # ------------------------------------------------------------------------------ callbacks

    def handle_call(self, message: Any, caller: Caller) -> Any:
        if isinstance(message, Ask):
            question = Question(caller, message.shown)
            self._order(message.node, "call", question, target=message.target, parcel=message.parcel)
        elif isinstance(message, Find):
            self._find(message, caller)
        else:
            return super().handle_call(message, caller)
        return NoReply()

    def handle_cast(self, message: Any) -> Any:
        act = _ACTS.get(type(message))
        if act is None:
            return super().handle_cast(message)
        act(self, message)
        return None

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, _Sweep):
            self._service.sweep()
            self._forget_who_gave_up()
            self._say_what_was_dropped()
            self.send_after(_SWEEP, _Sweep())
        elif isinstance(message, (news.NodeDown, news.NodeLeft)):
            why = message.reason if isinstance(message, news.NodeLeft) else message.member.reason or "down"
            self._on_gone(message.member, why)
        return None

    # ------------------------------------------------------------------------- what is wanted

    def _order(
        self,
        node: str,
        what: str,
        expected: Expected,
        *,
        target: Target,
        parcel: Parcel | None = None,
    ) -> None:
        session = self._session(node)
        if isinstance(session, str):
            expected.lose(node, session)
            return
        session.last_ticket += 1
        ticket = session.last_ticket
        session.tickets[ticket] = expected
        self._submit(session, ticket, Order(what, ticket, target, parcel))

    def _submit(self, session: Session, ticket: int, order: Order) -> None:
        ref, id_ = self.ref, session.id

        def done(answer: Answer) -> None:
            if answer.error is not None:
                ref.cast(_Ordered(id_, ticket, answer))

        self._send(session.address, ORDER, (id_, order), done)

    def _watch(self, message: Watch) -> None:
        self._order(message.node, "monitor", Watched(message.monitor, message.ref), target=message.target)

    def _tie(self, message: Tie) -> None:
        self._order(message.node, "link", Tied(message.outsider), target=message.target)

    def _untie(self, message: Untie) -> None:
        if isinstance(message.what, Monitor):
            self._sessions.node_watches.pop(message.what, None)
        found = self._ticket_of(message.what)
        if found is not None:
            session, ticket = found
            del session.tickets[ticket]
            what = "demonitor" if isinstance(message.what, Monitor) else "unlink"
            self._submit(session, ticket, Order(what, ticket))

    def _ended(self, message: Ended) -> None:
        found = self._ticket_of(message.outsider)
        if found is not None:
            session, ticket = found
            del session.tickets[ticket]
            self._submit(session, ticket, Order("ended", ticket, reason=pack_reason(message.reason)))

    def _ticket_of(self, what: Monitor | Outsider) -> tuple[Session, int] | None:
        for session in self._sessions.by_node.values():
            for ticket, expected in session.tickets.items():
                if not isinstance(expected, Question) and expected.what is what:
                    return session, ticket
        return None

    def _watch_node(self, message: WatchNode) -> None:
        member = self._member(message.node)
        if isinstance(member, str):
            message.monitor.watcher.send(NodeGone(message.monitor, message.node, member))
        else:
            self._sessions.node_watches[message.monitor] = message.node

    def _tell(self, message: Tell) -> None:
        member = self._member(message.node)
        if isinstance(member, str):
            return  # as a message to a process that is gone
        if self._told.get(message.node, 0) >= _MOST_TOLD:
            self._dropped[message.node] = self._dropped.get(message.node, 0) + 1
            return
        self._note_told(message.node, 1)
        ref, node = self.ref, message.node
        self._send(member.address, TELL, (message.order,), lambda answer: ref.cast(_Told(node, answer)))

    def _publish(self, message: Publish) -> None:
        ref, (own, _) = self.ref, self._me()
        for member in self._standing.members:
            if member.name != own and member.status in (Status.UP, Status.SUSPECT):
                if self._told.get(member.name, 0) >= _MOST_TOLD:
                    self._dropped[member.name] = self._dropped.get(member.name, 0) + 1
                    continue
                self._note_told(member.name, 1)
                self._send(
                    member.address,
                    PUBLISH,
                    (message.topic, message.parcel),
                    lambda answer, node=member.name: ref.cast(_Told(node, answer)),  # type: ignore[misc]
                )

    def _find(self, message: Find, caller: Caller) -> None:
        member = self._member(message.node)
        if isinstance(member, str):
            caller.reply(Answer(error=NodeDown(message.node, member)))
            return
        ref, node = self.ref, message.node
        self._send(member.address, FIND, (message.name,), lambda answer: ref.cast(_Found(caller, node, answer)))

    # ------------------------------------------------------------------------ what came of it

    def _on_opened(self, message: _Opened) -> None:
        session = self._of(message.session)
        if session is None:
            return
        if message.answer.error is None:
            self._ask_for_notices(session)
        elif isinstance(message.answer.error, _LOST):
            self._lose(session, _cause(message.answer.error))
        else:
            self._refuse(session, message.answer.error)

    def _on_ordered(self, message: _Ordered) -> None:
        session, error = self._of(message.session), message.answer.error
        if session is None or error is None:
            return
        if isinstance(error, _LOST):
            self._lose(session, _cause(error))
        elif (expected := session.tickets.pop(message.ticket, None)) is not None:
            fail(expected, error)

    def _on_noticed(self, message: _Noticed) -> None:
        session = self._of(message.session)
        if session is None:
            return
        if message.answer.error is not None:
            self._lose(session, _cause(message.answer.error))
            return
        for notice in message.answer.value:
            session.last_notice = notice.number
            if (expected := session.tickets.pop(notice.ticket, None)) is not None:
                settle(expected, notice)
        now = self.system.clock.monotonic()
        if session.tickets:
            session.used_at = now
        if now - session.used_at < _IDLE:
            self._ask_for_notices(session)
        else:
            # Nobody waits for anything: the other side forgets it, and the next order opens another.
            del self._sessions.by_node[session.node]

    def _on_found(self, message: _Found) -> None:
        error = message.answer.error
        if isinstance(error, _LOST):
            message.caller.reply(Answer(error=NodeDown(message.node, _cause(error))))
        else:
            message.caller.reply(message.answer)

    def _on_told(self, message: _Told) -> None:
        self._note_told(message.node, -1)
        if message.answer.error is not None:
            logger.debug("node %s did not take a message: %s", message.node, message.answer.error)

    def _on_gone(self, member: Member, why: str) -> None:
        self._service.lose(member.boot)
        session = self._sessions.by_node.get(member.name)
        if session is not None and session.boot == member.boot:
            self._lose(session, why)
        watches = self._sessions.node_watches
        for monitor in [one for one, node in watches.items() if node == member.name]:
            del watches[monitor]
            monitor.watcher.send(NodeGone(monitor, member.name, why))

    # ----------------------------------------------------------------------------------- parts

    def _session(self, node: str) -> Session | str:
        member = self._member(node)
        if isinstance(member, str):
            return member
        session = self._sessions.by_node.get(node)
        if session is not None and session.boot != member.boot:
            self._lose(session, "it was started anew")
            session = None
        if session is None:
            session = self._sessions.by_node[node] = Session(member, self.system.clock.monotonic())
            ref, id_ = self.ref, session.id
            self._send(session.address, OPEN, (id_, *self._me()), lambda answer: ref.cast(_Opened(id_, answer)))
        return session

    def _member(self, node: str) -> Member | str:
        """The member of that name, or why it cannot be asked."""
        if self._standing.members is not self._seen:
            self._seen = self._standing.members
            self._by_name = {member.name: member for member in self._seen}
        member = self._by_name.get(node)
        if member is None:
            return "no node of that name is known"
        return member.reason or "down" if member.status is Status.DOWN else member

    def _of(self, id_: str) -> Session | None:
        return next((one for one in self._sessions.by_node.values() if one.id == id_), None)

    def _ask_for_notices(self, session: Session) -> None:
        ref, id_ = self.ref, session.id
        self._send(
            session.address,
            NOTICES,
            (id_, session.last_notice, _WAIT),
            lambda answer: ref.cast(_Noticed(id_, answer)),
        )

    def _send(self, address: str, method: Method, args: tuple[Any, ...], done: Callable[[Answer], None]) -> None:
        engine = self._engine.get_or_none()
        if engine is None:
            done(Answer(error=NodeUnreachable(address, "the interconnect of this node is being restarted")))
        else:
            engine.submit(address, method, args, timeout=LONGEST_SILENCE, done=done)

    def _lose(self, session: Session, why: str) -> None:
        self._sessions.by_node.pop(session.node, None)
        session.lose(why)

    def _refuse(self, session: Session, error: BaseException) -> None:
        self._sessions.by_node.pop(session.node, None)
        tickets, session.tickets = session.tickets, {}
        for expected in tickets.values():
            fail(expected, error)

    def _forget_who_gave_up(self) -> None:
        for session in self._sessions.by_node.values():
            for ticket, expected in list(session.tickets.items()):
                if isinstance(expected, Question) and expected.caller.is_answered:
                    del session.tickets[ticket]

    def _note_told(self, node: str, number: int) -> None:
        left = self._told.get(node, 0) + number
        if left > 0:
            self._told[node] = left
        else:
            self._told.pop(node, None)

    def _say_what_was_dropped(self) -> None:
        dropped, self._dropped = self._dropped, {}
        for node, count in dropped.items():
            logger.warning("%d messages to node %s were dropped: it takes them too slowly", count, node)


def _cause(error: BaseException) -> str:
    return error.cause if isinstance(error, NodeUnreachable) else str(error)


_ACTS: dict[type, Callable[[RemoteDesk, Any], None]] = {
    Tell: RemoteDesk._tell,
    Publish: RemoteDesk._publish,
    Watch: RemoteDesk._watch,
    Tie: RemoteDesk._tie,
    WatchNode: RemoteDesk._watch_node,
    Untie: RemoteDesk._untie,
    Ended: RemoteDesk._ended,
    _Opened: RemoteDesk._on_opened,
    _Ordered: RemoteDesk._on_ordered,
    _Noticed: RemoteDesk._on_noticed,
    _Found: RemoteDesk._on_found,
    _Told: RemoteDesk._on_told,
}
