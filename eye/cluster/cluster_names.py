"""Names that one process in the whole cluster has, and what becomes of them when the network parts.

The node that is up and has the smallest boot id is the *keeper*: it alone gives names away, so that of two who
want one at once, one is refused. Every node remembers what it claimed, and claims it again when the keeper is
another from now on. So nothing has to be copied, and a keeper that dies takes no name along.

Two halves of a parted network have a keeper each, and may give one name away twice. When they meet, the half
whose keeper remains keeps its holder; the other is killed, as in OTP (`global`), and its log says so.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from eye.cluster import news
from eye.cluster.interconnect import Answer, Method
from eye.cluster.members import CHANGES
from eye.cluster.node import Status
from eye.errors import ClusterNameTaken, NodeUnreachable
from eye.supervision.answers import NoReply
from eye.supervision.gen_server import GenServer
from eye.supervision.messages import Caller, Down, Monitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.exchange import EngineSlot
    from eye.cluster.members import Standing
    from eye.supervision.ref import Ref
    from eye.supervision.system import System

logger = logging.getLogger("eye.cluster")

NAME = "eye.names"

_DEADLINE = 5.0  # seconds
_MOST = 10_000  # names that a keeper keeps
_AGAIN = 2.0  # seconds after which a claim that did not reach the keeper is repeated


class Holder(msgspec.Struct, frozen=True):
    """Who has a name: the process of that number in that life of that node."""

    node: str
    boot: str
    serial: int


CLAIM = Method("names", "claim", (str, Holder), Holder, lane="remote")
"""I want that name for that process; answers who has it now."""

RELEASE = Method("names", "release", (str, Holder), None, lane="remote")
"""That process has that name no more."""

WHO_HAS = Method("names", "who_has", (str,), Holder | None, lane="remote")
"""Who has that name?"""


class Claim(NamedTuple):
    """A process of this node wants a name; answers an `Answer`."""

    name: str
    ref: Ref


class Release(NamedTuple):
    """It wants it no more."""

    name: str


class WhoHas(NamedTuple):
    """Somebody looks for whoever has a name; answers an `Answer` with a `Holder`, or None."""

    name: str


class _Claimed(NamedTuple):
    name: str
    ref: Ref
    caller: Caller | None  # None where it was claimed again
    answer: Answer


class _Again(NamedTuple):
    pass


class Held:
    """The names that this node gave away, as the keeper, and those that its own processes have."""

    def __init__(self) -> None:
        self.given: dict[str, Holder] = {}
        self.own: dict[str, Ref] = {}


class NamesService:
    """The keeper as other nodes see it. Called on threads of the interconnect."""

    exposed: ClassVar[tuple[Method, ...]] = (CLAIM, RELEASE, WHO_HAS)

    def __init__(self, system: System) -> None:
        self._system = system

    def claim(self, name: str, holder: Holder) -> Holder:
        return self._system.call(NAME, ("claim", name, holder), _DEADLINE)  # type: ignore[no-any-return]

    def release(self, name: str, holder: Holder) -> None:
        self._system.call(NAME, ("release", name, holder), _DEADLINE)

    def who_has(self, name: str) -> Holder | None:
        return self._system.call(NAME, ("who_has", name, None), _DEADLINE)  # type: ignore[no-any-return]


class ClusterNames(GenServer):
    """Claims names for the processes of this node, and gives names away where this node is the keeper."""

    def init(self, engine: EngineSlot, standing: Standing, me: Callable[[], tuple[str, str]], held: Held) -> None:
        """Go on with what was held.

        Args:
            engine: how the keeper is reached.
            standing: knows who is up.
            me: tells this node's name and boot id.
            held: outlives this process.
        """
        self._engine, self._standing, self._me, self._held = engine, standing, me, held
        self._watched: dict[Monitor, str] = {}
        self._keeper_boot = ""
        self.subscribe(CHANGES)
        for name, ref in list(held.own.items()):
            self._watched[self.monitor(ref)] = name
        self._claim_all_again()

    # ------------------------------------------------------------------------------ callbacks

    def handle_call(self, message: Any, caller: Caller) -> Any:
        if isinstance(message, Claim):
            holder = Holder(*self._me(), message.ref.serial)
            self._ask(CLAIM, (message.name, holder), lambda a: _Claimed(message.name, message.ref, caller, a))
            return NoReply()
        if isinstance(message, WhoHas):
            self._ask(WHO_HAS, (message.name,), lambda answer: (caller, answer))
            return NoReply()
        if isinstance(message, tuple) and len(message) == 3:  # from the service
            return self._keep(*message)
        return super().handle_call(message, caller)

    def handle_cast(self, message: Any) -> Any:
        if isinstance(message, _Claimed):
            self._on_claimed(message)
        elif isinstance(message, Release):
            self._let_go(message.name)
        elif isinstance(message, tuple) and isinstance(message[0], Caller):
            message[0].reply(message[1])
        else:
            return super().handle_cast(message)
        return None

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, Down):
            if (name := self._watched.pop(message.monitor, None)) is not None:
                self._let_go(name)
        elif isinstance(message, _Again):
            self._claim_all_again()
        elif isinstance(message, (news.NodeUp, news.NodeDown, news.NodeLeft)):
            if not isinstance(message, news.NodeUp):
                given = self._held.given
                for name in [name for name, holder in given.items() if holder.boot == message.member.boot]:
                    del given[name]
            if self._keeper()[1] != self._keeper_boot:
                self._claim_all_again()
        return None

    # ----------------------------------------------------------------------------- the keeper

    def _keep(self, what: str, name: str, holder: Holder | None) -> Any:
        given = self._held.given
        if what == "who_has" or holder is None:
            return given.get(name)
        if what == "release":
            if given.get(name) == holder:
                del given[name]
            return None
        if len(given) >= _MOST and name not in given:
            return Holder(f"nobody ({_MOST} names are taken, which is the limit)", "", 0)
        return given.setdefault(name, holder)

    def _keeper(self) -> tuple[str, str]:
        """The address and the boot id of the node that gives names away; no address where it is this one."""
        _, own = self._me()
        up = [one for one in self._standing.members if one.status is Status.UP and one.boot != own]
        first = min(up, key=lambda one: one.boot, default=None)
        return ("", own) if first is None or own < first.boot else (first.address, first.boot)

    # -------------------------------------------------------------------------------- claiming

    def _claim_all_again(self) -> None:
        self._keeper_boot = self._keeper()[1]
        for name, ref in list(self._held.own.items()):
            holder = Holder(*self._me(), ref.serial)
            self._ask(CLAIM, (name, holder), lambda a, name=name, ref=ref: _Claimed(name, ref, None, a))  # type: ignore[misc]

    def _on_claimed(self, message: _Claimed) -> None:
        name, ref, caller, answer = message
        mine = Holder(*self._me(), ref.serial)
        if answer.error is not None:
            if caller is not None:
                caller.reply(answer)
            else:
                self.send_after(_AGAIN, _Again())
        elif answer.value != mine:
            taken = ClusterNameTaken(name, answer.value.node)
            if caller is not None:
                caller.reply(Answer(error=taken))
            elif self._held.own.get(name) is ref:
                logger.error("two processes had the name %r in the cluster: %s is killed. %s", name, ref, taken)
                del self._held.own[name]
                ref.kill()
        elif caller is not None:
            if caller.reply(Answer(True)):
                self._held.own[name] = ref
                self._watched[self.monitor(ref)] = name
            else:  # gave up waiting: it does not know that it has the name
                self._ask(RELEASE, (name, mine), lambda _answer: None)

    def _let_go(self, name: str) -> None:
        ref = self._held.own.pop(name, None)
        if ref is not None:
            self._ask(RELEASE, (name, Holder(*self._me(), ref.serial)), lambda _answer: None)

    def _ask(self, method: Method, args: tuple[Any, ...], then: Callable[[Answer], Any]) -> None:
        """Ask the keeper; what `then` makes of its answer comes back as a cast."""
        address, _ = self._keeper()
        ref = self.ref

        def done(answer: Answer) -> None:
            if (message := then(answer)) is not None:
                ref.cast(message)

        if not address:
            done(Answer(self._keep(method.name, args[0], args[1] if len(args) > 1 else None)))
        elif (engine := self._engine.get_or_none()) is None:
            done(Answer(error=NodeUnreachable(address, "the interconnect of this node is being restarted")))
        else:
            engine.submit(address, method, args, timeout=_DEADLINE, done=done)
