"""What is going on with other nodes, seen from the asking side: who is to be told what comes of which order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cluster.interconnect import Answer
from eye.cluster.parcels import unpack, unpack_reason
from eye.errors import DecodeRefused, MailboxFull, NodeDown, NoProcess
from eye.supervision.failures import exited
from eye.supervision.mailbox import MAILBOX_FULL
from eye.supervision.messages import Down
from eye.supervision.reasons import NOCONNECTION, NOPROC, Reason

if TYPE_CHECKING:
    from eye.cluster.node import Member
    from eye.cluster.parcels import Parcel
    from eye.cluster.remote_words import Notice
    from eye.supervision.messages import Caller, Monitor
    from eye.supervision.outside import Outsider


class Question(NamedTuple):
    """Somebody waits for an answer."""

    caller: Caller
    shown: tuple[str, str]

    def lose(self, node: str, why: str) -> None:
        self.caller.reply(Answer(error=NodeDown(node, why)))


class Watched(NamedTuple):
    """Somebody wants to hear of an end."""

    what: Monitor
    ref: Any

    def lose(self, node: str, why: str) -> None:
        del node, why
        self.tell(NOCONNECTION)

    def tell(self, reason: Reason) -> None:
        self.what.watcher.deliver(Down(self.what, self.ref, reason))


class Tied(NamedTuple):
    """Somebody shares the fate of a process there."""

    what: Outsider

    def lose(self, node: str, why: str) -> None:
        del node, why
        self.what.end(NOCONNECTION)


Expected = Question | Watched | Tied


class Session:
    """What is going on with one other node."""

    def __init__(self, member: Member, now: float) -> None:
        self.used_at = now
        self.id = os.urandom(8).hex()
        self.node, self.boot, self.address = member.name, member.boot, member.address
        self.tickets: dict[int, Expected] = {}
        self.last_ticket = 0
        self.last_notice = 0

    def lose(self, why: str) -> None:
        """Tell everybody concerned."""
        tickets, self.tickets = self.tickets, {}
        for expected in tickets.values():
            expected.lose(self.node, why)


class Sessions:
    """The sessions of a node by the other node's name, and who watches which node. Outlives the desk."""

    def __init__(self) -> None:
        self.by_node: dict[str, Session] = {}
        self.node_watches: dict[Monitor, str] = {}


def settle(expected: Expected, notice: Notice) -> None:
    """Tell somebody what came of his order."""
    reason = NOPROC if notice.reason is None else unpack_reason(notice.reason)
    if isinstance(expected, Watched):
        expected.tell(reason)
    elif isinstance(expected, Tied):
        expected.what.end(reason)
    elif notice.what == "reply" and notice.parcel is not None:
        expected.caller.reply(_unpacked(notice.parcel))
    else:
        expected.caller.reply(Answer(error=_failure(expected.shown, reason)))


def _unpacked(parcel: Parcel) -> Answer:
    try:
        return Answer(unpack(parcel))
    except DecodeRefused as refused:
        return Answer(error=refused)


def _failure(shown: tuple[str, str], reason: Reason) -> Exception:
    if reason is NOPROC:
        return NoProcess(*shown, NOPROC)
    if reason == MAILBOX_FULL:
        return MailboxFull(*shown, MAILBOX_FULL)
    return exited(*shown, reason)


def fail(expected: Expected, error: BaseException) -> None:
    """Tell somebody that his order was refused."""
    if isinstance(expected, Question):
        expected.caller.reply(Answer(error=error))
    elif isinstance(expected, Watched):
        expected.tell(Reason("refused", str(error)))
    else:
        expected.what.end(Reason("refused", str(error)))
