"""Processes of other nodes: call, cast, send, monitor, link as if they were here, honest where they are not.

    orders = node.remote.process("orders", "mystic-node-2")
    orders.call(Total(since=12.5))      # NoProcess: nobody there has the name; NodeDown: nobody is there
    orders.monitor(watcher)             # one Down, with the exit reason, or `noconnection`

Messages are plain data and types that were made known (`parcels.crosses`); the other node has to allow `call`.
What is sent by one process to another arrives in order, or, once the connection is lost, not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from eye.cluster.cluster_names import NAME as CLUSTER_NAMES
from eye.cluster.cluster_names import Claim, Release, WhoHas
from eye.cluster.parcels import crosses as crosses
from eye.cluster.parcels import pack, pack_reason
from eye.cluster.remote_desk import NAME
from eye.cluster.remote_errands import Ask, Ended, Find, Publish, Tell, Tie, Untie, Watch, WatchNode
from eye.cluster.remote_errands import NodeGone as NodeGone
from eye.cluster.remote_words import Order, Target
from eye.errors import CallTimeout, NodeDown, NoProcess, ServerExited
from eye.supervision.failures import shorten
from eye.supervision.messages import Monitor
from eye.supervision.outside import Outsider
from eye.supervision.reasons import as_reason
from eye.supervision.ref import DEFAULT_TIMEOUT, current

if TYPE_CHECKING:
    from eye.supervision.inbox import Inbox
    from eye.supervision.reasons import Reason
    from eye.supervision.ref import Ref
    from eye.supervision.system import System


@dataclass(frozen=True)
class RemoteProcess:
    """A process of another node: whoever has the name there when a message arrives, or, if `found`, that very one.

    Unlike a name, one that was found is of one life of the process and of the node: later it is `noproc`.
    """

    node: str
    name: str
    boot: str = ""
    serial: int = 0
    _remote: Remote = field(repr=False, compare=False, default=None)  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.name}@{self.node}"

    @property
    def _target(self) -> Target:
        return Target(self.name, self.boot, self.serial)

    def call(self, request: Any, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """Ask, and wait for the answer; see `Ref.call`.

        Raises:
            NoProcess: the node lives, and has no such process.
            NodeDown: the node is down, or went down before it answered.
            CallTimeout: no answer in time.
            ServerExited: the process exited first; its `reason` says why, with the traceback's text if it crashed.
            ActionRefused: the node does not allow `call`.
            EncodeRefused, DecodeRefused: the question, or the answer, cannot cross.
        """
        if (here := self._remote._here(self)) is not None:
            return here.call(request, timeout)
        shown = (str(self), shorten(request))
        ask = Ask(self.node, self._target, pack(request), shown)
        return self._remote._ask(ask, shown, timeout)

    def cast(self, message: Any) -> None:
        """Tell, and do not wait. A message to a process or a node that is gone vanishes.

        Raises:
            EncodeRefused: the message cannot cross.
        """
        self._remote._tell(Tell(self.node, Order("cast", 0, self._target, pack(message))))

    def send(self, message: Any) -> None:
        """Send any other message; `handle_info` gets it. Otherwise as `cast`."""
        self._remote._tell(Tell(self.node, Order("send", 0, self._target, pack(message))))

    def exit(self, reason: Reason | str) -> None:
        """Send an exit signal; see `Ref.exit`. `kill` takes the right to kill, too."""
        order = Order("exit", 0, self._target, reason=pack_reason(as_reason(reason)))
        self._remote._tell(Tell(self.node, order))

    def monitor(self, watcher: Ref | Inbox | None = None) -> Monitor:
        """Have `watcher` (the running process unless given) told by one `Down` when the process ends.

        Its reason is `noproc` where there is no such process, `noconnection` when the node is out of reach.
        """
        monitor = Monitor(None, watcher or _running())
        self._remote._tell(Watch(self.node, self._target, monitor, self))
        return monitor

    def demonitor(self, monitor: Monitor) -> None:
        """Take a monitor back; a notice that is on its way already is dropped, too."""
        self._remote.demonitor(monitor)

    def link(self, process: Ref | None = None) -> Outsider:
        """Share fate with a process of this node (the running one unless given); see `Ref.link`.

        The exit reason of either reaches the other; `noconnection` when the nodes lose each other. Give what this
        answers to `unlink`.
        """
        here = process or _running()
        desk = self._remote
        outsider = Outsider(str(self), lambda reason: desk._tell(Ended(outsider, reason)))
        outsider.link(here)
        desk._tell(Tie(self.node, self._target, outsider))
        return outsider

    def unlink(self, link: Outsider, process: Ref | None = None) -> None:
        """Take a link back."""
        link.unlink(process or _running())
        self._remote._tell(Untie(link))

    def found(self, timeout: float | None = DEFAULT_TIMEOUT) -> RemoteProcess | None:
        """Ask who has the name at this moment; None if nobody has.

        Raises:
            NodeDown, CallTimeout, ActionRefused: as `call`.
        """
        target = self._remote._ask(Find(self.node, self.name), (str(self), "find"), timeout)
        return None if target is None else replace(self, boot=target.boot, serial=target.serial)


class Remote:
    """The other nodes, for the processes of this one. All methods may be called from any thread."""

    def __init__(self, system: System, boot: str = "") -> None:
        self._system, self._boot = system, boot

    def process(self, name: str, node: str) -> RemoteProcess:
        """Speak of the process that has that name on that node. Asks nobody."""
        return RemoteProcess(node, name, _remote=self)

    def monitor_node(self, node: str, watcher: Ref | Inbox | None = None) -> Monitor:
        """Have `watcher` (the running process unless given) told by one `NodeGone` when the node is out of reach.

        At once, if it is. Two of these are two notices.
        """
        monitor = Monitor(None, watcher or _running())
        self._tell(WatchNode(node, monitor))
        return monitor

    def demonitor(self, monitor: Monitor) -> None:
        """Take a monitor of a process or a node back."""
        monitor.is_flushed = True
        self._tell(Untie(monitor))

    def broadcast(self, topic: str, message: Any) -> None:
        """Broadcast a message to whoever subscribed to that topic, on this node and on every other that allows it.

        Nobody is waited for, and a node that is out of reach misses it.

        Raises:
            EncodeRefused: the message cannot cross.
        """
        parcel = pack(message)
        self._system.topics.broadcast(topic, message)
        self._tell(Publish(topic, parcel))

    def claim(self, name: str, process: Ref | None = None, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Give a name in the whole cluster to a process of this node (the running one unless given).

        It has the name until it ends. Where a network parted and each half gave the name away, one of the two
        holders is killed when they meet.

        Raises:
            ClusterNameTaken: another process has it; `.node` says where.
            NodeUnreachable, DeadlineExceeded, CallTimeout: the node that gives names away was not reached.
        """
        self._ask(Claim(name, process or _running()), (f"the name {name!r}", "claim"), timeout, CLUSTER_NAMES)

    def release(self, name: str) -> None:
        """Take a name in the whole cluster back from a process of this node."""
        self._system.cast(CLUSTER_NAMES, Release(name))

    def whereis(self, name: str, timeout: float | None = DEFAULT_TIMEOUT) -> RemoteProcess | None:
        """Find who has a name in the whole cluster; None if nobody has."""
        holder = self._ask(WhoHas(name), (f"the name {name!r}", "whereis"), timeout, CLUSTER_NAMES)
        return None if holder is None else RemoteProcess(holder.node, name, holder.boot, holder.serial, self)

    def _here(self, process: RemoteProcess) -> Ref | None:
        """The process, where it is one of this very node."""
        if not process.boot or process.boot != self._boot:
            return None
        return next((ref for ref in self._system.processes() if ref.serial == process.serial), None)

    def _tell(self, message: Any) -> None:
        self._system.cast(NAME, message)

    def _ask(self, message: Any, shown: tuple[str, str], timeout: float | None, whom: str = NAME) -> Any:
        try:
            answer = self._system.call(whom, message, timeout)
        except CallTimeout:
            raise CallTimeout(*shown, f"timeout: no answer within {timeout:g} s") from None
        except (NoProcess, ServerExited) as error:
            node = getattr(message, "node", "the cluster")
            raise NodeDown(node, "the interconnect of this node is being restarted") from error
        return answer.get()


def _running() -> Ref:
    me = current()
    if me is None:
        raise RuntimeError("plain code is no process that could be told: give a watcher, for instance an Inbox")
    return me
