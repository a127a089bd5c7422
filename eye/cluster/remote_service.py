"""The answering side of `remote`: does for processes of other nodes what they want done with those of this one.

Only processes that have a name can be found, and none of the node's own (`eye.…`): those are not made to be talked
to by strangers. It takes the right `call`, and `kill` to kill.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from eye.cluster.dispatch import asked_by
from eye.cluster.parcels import pack, unpack, unpack_reason
from eye.cluster.remote_words import (
    FIND,
    LONGEST_SILENCE,
    NOTICES,
    OPEN,
    ORDER,
    PUBLISH,
    TELL,
    Order,
    Target,
)
from eye.cluster.served_session import ServedSession
from eye.errors import ActionRefused, DecodeRefused, MailboxFull, RemoteSessionLost, WireError
from eye.supervision.outside import Outsider, Watcher, ask
from eye.supervision.reasons import KILL, NOCONNECTION, NOPROC, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.interconnect import Method
    from eye.cluster.parcels import Parcel
    from eye.cluster.remote_words import Notice
    from eye.supervision.messages import Monitor
    from eye.supervision.ref import Ref
    from eye.supervision.system import System

logger = logging.getLogger("eye.cluster")

OWN = "eye."
"""What the names and topics of the node itself begin with."""

_MOST_SESSIONS = 2_000
_LONGEST_WAIT = 10.0  # seconds


class RemoteService:
    """Does what other nodes order. Called on threads of the interconnect."""

    exposed: ClassVar[tuple[Method, ...]] = (OPEN, ORDER, TELL, PUBLISH, FIND, NOTICES)

    def __init__(self, system: System, name: str, boot: str, allow: frozenset[str]) -> None:
        self._system, self._name, self._boot, self._allow = system, name, boot, allow
        self._sessions: dict[str, ServedSession] = {}
        self._lock = threading.Lock()

    # --------------------------------------------------------------------- asked by other nodes

    def open(self, session: str, name: str, boot: str) -> None:
        """Begin a session."""
        self._check("call")
        with self._lock:
            if len(self._sessions) >= _MOST_SESSIONS:
                raise DecodeRefused(f"{_MOST_SESSIONS} sessions are open here, which is the limit")
            self._sessions[session] = ServedSession(name, boot, self._system.clock.monotonic())

    def order(self, session: str, order: Order) -> None:
        """Do something of which notices come."""
        self._check("call")
        found = self._session(session)
        act = _ACTS.get(order.what)
        if act is None:
            self.tell(order)
        else:
            act(self, found, order)

    def tell(self, order: Order) -> None:
        """Do something of which nothing comes back."""
        self._check("call")
        ref = self._find(order.target)
        if order.what in ("cast", "send") and order.parcel is not None:
            message = unpack(order.parcel)
            if ref is not None:
                try:
                    (ref.cast if order.what == "cast" else ref.send)(message)
                except MailboxFull:
                    pass  # counted there; whoever casts does not wait to hear of it
        elif order.what == "exit" and order.reason is not None:
            reason = unpack_reason(order.reason)
            if reason.word == KILL.word:
                self._check("kill")
            logger.info("%s sends %s the exit signal %s", asked_by(), order.target, reason)
            if ref is not None:
                ref.signal(None, reason)
        else:
            raise DecodeRefused(f"an order of the kind {order.what!r} is not known here")

    def publish(self, topic: str, parcel: Parcel) -> None:
        """Broadcast a message to those of this node who want it."""
        self._check("call")
        if topic.startswith(OWN):
            raise ActionRefused(self._name, f"publish on {topic}")
        if self._system.topics.has_subscribers(topic):
            self._system.topics.broadcast(topic, unpack(parcel))

    def find(self, name: str) -> Target | None:
        """Say who has a name."""
        self._check("call")
        ref = self._find(Target(name))
        return None if ref is None else Target(name, self._boot, ref.serial)

    def notices(self, session: str, after: int, seconds: float) -> list[Notice]:
        """Wait for notices."""
        found = self._session(session)
        try:
            return found.after(after, min(seconds, _LONGEST_WAIT))
        finally:
            found.asked_at = self._system.clock.monotonic()

    def interrupt(self) -> None:
        """Let nobody wait any longer: the interconnect closes, and takes every session with it."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.interrupt()

    # ------------------------------------------------------------------------- asked by the desk

    def sweep(self) -> None:
        """End the sessions that nobody uses any more."""
        now = self._system.clock.monotonic()
        self._end(lambda session: session.is_over or now - session.asked_at > LONGEST_SILENCE)

    def lose(self, boot: str) -> None:
        """End the sessions of a node that is gone."""
        self._end(lambda session: session.boot == boot)

    def _end(self, is_meant: Callable[[ServedSession], bool]) -> None:
        with self._lock:
            over = {id_: session for id_, session in self._sessions.items() if is_meant(session)}
            for id_ in over:
                del self._sessions[id_]
        for session in over.values():
            session.end()

    # ----------------------------------------------------------------------------------- parts

    def _call(self, session: ServedSession, order: Order) -> None:
        if order.parcel is None:
            raise DecodeRefused("a call without a question")
        request, ref = unpack(order.parcel), self._find(order.target)
        if ref is None:
            session.note("failed", order.ticket, reason=NOPROC)
        else:
            ask(ref, request, partial(self._answered, session, order.ticket))

    def _answered(self, session: ServedSession, ticket: int, value: Any, error: Reason | None) -> None:
        if error is not None:
            session.note("failed", ticket, reason=error)
            return
        try:
            parcel = pack(value)
            if len(parcel.body) > _LARGEST:
                raise DecodeRefused(f"the answer has {len(parcel.body)} bytes, and {_LARGEST} may cross")
        except WireError as refused:
            session.note("failed", ticket, reason=Reason("unserializable", str(refused)))
        else:
            session.note("reply", ticket, parcel)

    def _monitor(self, session: ServedSession, order: Order) -> None:
        ref, ticket = self._find(order.target), order.ticket
        if ref is None:
            session.note("down", ticket, reason=NOPROC)
            return
        watched: list[Monitor] = []  # the end may come before `watch` has returned
        session.tie(ticket, lambda _reason: _demonitor(ref, watched))
        watched.append(Watcher(lambda reason: session.note("down", ticket, reason=reason)).watch(ref))

    def _link(self, session: ServedSession, order: Order) -> None:
        ref, ticket = self._find(order.target), order.ticket
        if ref is None:
            session.note("exit", ticket, reason=NOPROC)
            return
        other = Outsider(
            f"a process of {session.name}", lambda reason: session.note("exit", ticket, reason=reason)
        )
        session.tie(ticket, lambda reason: other.unlink(ref) if reason is None else other.end(reason))
        other.link(ref)

    def _untie(self, session: ServedSession, order: Order) -> None:
        session.untie(order.ticket)

    def _ended(self, session: ServedSession, order: Order) -> None:
        session.untie(order.ticket, NOCONNECTION if order.reason is None else unpack_reason(order.reason))

    def _find(self, target: Target | None) -> Ref | None:
        if target is None or target.name == "eye" or target.name.startswith(OWN):
            return None
        if target.boot and target.boot != self._boot:
            return None  # of a former life of this node
        if target.serial:
            return next((ref for ref in self._system.processes() if ref.serial == target.serial), None)
        return self._system.whereis(target.name)

    def _session(self, session: str) -> ServedSession:
        found = self._sessions.get(session)
        if found is None or found.is_over:
            raise RemoteSessionLost
        return found

    def _check(self, right: str) -> None:
        if right not in self._allow:
            raise ActionRefused(self._name, right)


def _demonitor(ref: Ref, monitors: list[Monitor]) -> None:
    for monitor in monitors:
        ref.demonitor(monitor)


_LARGEST = 4 * 1024 * 1024 - 1024  # bytes: a frame, less what is around it

_ACTS: dict[str, Callable[[RemoteService, ServedSession, Order], None]] = {
    "call": RemoteService._call,
    "monitor": RemoteService._monitor,
    "demonitor": RemoteService._untie,
    "link": RemoteService._link,
    "unlink": RemoteService._untie,
    "ended": RemoteService._ended,
}
