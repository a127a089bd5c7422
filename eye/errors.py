"""Everything that can go wrong, in one tree, each with a sentence that says what to do.

    EyeError
    |-- SupervisionError                 the framework
    |   |-- BadChildSpec                 a child spec that cannot be carried out
    |   |-- BadReturn                    a callback answered something it may not
    |   |-- StartFailed                  a process did not start; `.reason` says why
    |   |-- AlreadyStarted               the name or the id is taken; `.ref` is the holder
    |   |-- AlreadyPresent               the id is there, but not running
    |   |-- ChildNotFound                no child of that id or reference
    |   |-- ChildRunning                 it runs, so it can be neither restarted nor deleted
    |   |-- ChildRestarting              it waits for its next try
    |   |-- MaxChildrenReached           a dynamic supervisor is full
    |   |-- BadPartitionKey              a key that would lead elsewhere in another OS process
    |   |-- AlreadyRegistered            a registry's unique key is taken; `.ref` is the holder
    |   |-- NotRegistered                the process has no entry of that key in the registry
    |   |-- NotUnique                    many may have that key in the registry, so it names nobody
    |   |-- NotTaskOwner                 only who started a task may wait for it
    |   |-- UnhandledMessage             nobody wrote a handler for this call or cast
    |   |-- CannotCross                  a message that cannot be copied into another OS process
    |   |-- IsolationUnavailable         no OS process for a child: none here, or none to be had
    |   |-- AffinityUnavailable          the threads cannot be kept on that CPU, or on any
    |   |-- Settling                     `drain` gave up: somebody is still busy
    |   '-- CallFailed                   a call got no answer
    |       |-- NoProcess                (noproc) nobody there
    |       |-- CallTimeout              (timeout) not in time
    |       |   '-- TaskTimeout          a task was not done in time, and has been told to end
    |       |-- CallingSelf              (calling_self) a process waited for itself
    |       |-- CallDeadlock             (deadlock) several processes would wait for each other
    |       |-- MailboxFull              (mailbox_full) no room for it, or it had to make room
    |       '-- ServerExited             the server went down first; `.reason` says why
    |           '-- TaskFailed           a task ended without a result
    |-- ClusterError                     nodes and the wire between them
    |   |-- BadAddress, BadNodeName      text that is neither
    |   |-- CookieUnusable               the cookie file cannot be read, or others could read it
    |   |-- TlsUnusable                  a certificate or key file cannot be used
    |   |-- BadDiscovery                 text that names no way of finding nodes
    |   |-- FolderUnusable               where local nodes meet is not this user's alone
    |   |-- AddressInUse                 somebody listens there already
    |   |-- NameTaken                    another live node has this name
    |   |-- ClusterNameTaken             another process has that name, somewhere in the cluster
    |   |-- ClusterFull                  a registry takes no more nodes
    |   |-- NotDown                      a node that lives is not forgotten
    |   |-- NodeUnreachable              refused, reset, no route
    |   |-- NodeDown                     known, and known to be down
    |   |-- UnknownNode                  never heard of
    |   |-- AuthenticationRefused        the two cookies differ
    |   |-- DeadlineExceeded             no answer in time
    |   |-- RemoteError                  the other node's method raised
    |   |-- RemoteSessionLost            the other node has let go of what was going on between the two
    |   '-- WireError                    what came, or was to go, over the wire
    |       |-- EncodeRefused            not plain data nor a registered type
    |       |-- DecodeRefused            bytes that are not what they should be
    |       '-- FrameTooLarge            more bytes than a frame may have
    |-- MetricsError
    |   |-- ProbeNotReady                a rate needs two looks; this was the first
    |   |-- UnknownMetric                not in the catalogue
    |   |-- BadMetric                    a figure of the program's own that cannot be
    |   '-- BadFilter                    text that is no filter; `.at` is the character that is wrong
    |-- AlertsError                      rules, and telling of what they say
    |   |-- BadRules                     a rule file with mistakes; `.problems` says where each is
    |   '-- SinkFailed                   somebody who was to be told of an alert could not be
    |-- MonitorError
    |   |-- UnknownProcess               the node has no process of that path, name or number
    |   |-- ActionRefused                the node does not let others do that to it
    |   |-- ActionTooSoon                it was done just now; `.seconds` says how long to wait
    |   |-- NothingKept                  nobody remembers that far back
    |   '-- CannotHandle                 that cannot be done to this process
    |-- HistoryError
    |   |-- HistoryOff                   nothing is kept, or what keeps it is not installed
    |   |-- HistoryUnusable              the database cannot be read or written; `.problem` says why
    |   '-- SchemaTooNew                 a newer version of this program made the database
    |-- ConfigError                      an option, variable or line of the file makes no sense
    '-- WebError
        |-- TooManyViewers               the view serves no more than it was told to
        |-- SecretUnusable               a file of tokens or passwords that cannot be used
        '-- LinkRefused                  a signed link that is not ours, or whose time is over

Errors cross the borders of processes, so each passes to `super().__init__` exactly what its own
`__init__` takes (Python unpickles an exception by calling it with its `args`); the sentence is made
in `__str__`.
"""

from __future__ import annotations

from typing import Any


class EyeError(Exception):
    """Whatever `eye` raises on purpose."""


# ---------------------------------------------------------------------------- supervision


class SupervisionError(EyeError):
    """Something about processes and their supervisors."""


class BadChildSpec(SupervisionError, ValueError):
    """A child spec says something that cannot be carried out."""


class BadReturn(SupervisionError, TypeError):
    """A callback answered with something that it may not answer with."""

    def __init__(self, callback: str, value: str, allowed: str) -> None:
        super().__init__(callback, value, allowed)
        self.callback, self.value, self.allowed = callback, value, allowed

    def __str__(self) -> str:
        return f"{self.callback} may return {self.allowed}, not {self.value}"


class StartFailed(SupervisionError):
    """A process did not start. Its own reason is in `reason`."""

    def __init__(self, who: str, reason: Any) -> None:
        super().__init__(who, reason)
        self.who, self.reason = who, reason

    def __str__(self) -> str:
        return f"{self.who} did not start: {self.reason}"


class AlreadyStarted(SupervisionError):
    """The name, or the child's id, belongs to a live process: `ref`."""

    def __init__(self, who: str, ref: Any) -> None:
        super().__init__(who, ref)
        self.who, self.ref = who, ref

    def __str__(self) -> str:
        return f"{self.who!r} is already started: {self.ref}"


class _AboutAChild(SupervisionError):
    _says = ""

    def __init__(self, child: Any, supervisor: str) -> None:
        super().__init__(child, supervisor)
        self.child, self.supervisor = child, supervisor

    def __str__(self) -> str:
        return f"child {self.child!r} of {self.supervisor}: {self._says}"


class AlreadyPresent(_AboutAChild):
    """The id belongs to a child that is stopped or about to be restarted."""

    _says = "an earlier child has this id; restart it or delete it first"


class ChildNotFound(_AboutAChild, LookupError):
    """The supervisor has no such child."""

    _says = "there is no such child"


class ChildRunning(_AboutAChild):
    """The child runs, so it can be neither restarted by hand nor deleted."""

    _says = "it is running; stop it first"


class ChildRestarting(_AboutAChild):
    """The child failed to restart and waits for its next try."""

    _says = "it is being restarted; stop it first to end the tries"


class MaxChildrenReached(SupervisionError):
    """A dynamic supervisor holds as many children as it may."""

    def __init__(self, supervisor: str, limit: int) -> None:
        super().__init__(supervisor, limit)
        self.supervisor, self.limit = supervisor, limit

    def __str__(self) -> str:
        return f"{self.supervisor} already has {self.limit} children, its max_children"


class AlreadyRegistered(SupervisionError):
    """The unique key belongs to a live process: `ref`."""

    def __init__(self, registry: str, key: Any, ref: Any) -> None:
        super().__init__(registry, key, ref)
        self.registry, self.key, self.ref = registry, key, ref

    def __str__(self) -> str:
        return f"key {self.key!r} of registry {self.registry} is already registered: {self.ref}"


class NotRegistered(SupervisionError, LookupError):
    """The process has no entry of that key."""

    def __init__(self, registry: str, key: Any, process: str) -> None:
        super().__init__(registry, key, process)
        self.registry, self.key, self.process = registry, key, process

    def __str__(self) -> str:
        return f"{self.process} has not registered {self.key!r} in registry {self.registry}"


class NotUnique(SupervisionError, ValueError):
    """In this registry many processes may have one key, so a key names none of them."""

    def __init__(self, registry: str, key: Any) -> None:
        super().__init__(registry, key)
        self.registry, self.key = registry, key

    def __str__(self) -> str:
        return (
            f"registry {self.registry} has duplicate keys, so {self.key!r} is nobody's alone; "
            "start it with keys='unique' to use its keys as names"
        )


class NotTaskOwner(SupervisionError):
    """Only the process that started a task may wait for it, or plain code where plain code started it."""

    def __init__(self, task: str, owner: str, asker: str) -> None:
        super().__init__(task, owner, asker)
        self.task, self.owner, self.asker = task, owner, asker

    def __str__(self) -> str:
        return f"task {self.task} belongs to {self.owner}; {self.asker} cannot wait for it"


class BadPartitionKey(SupervisionError, TypeError):
    """A key by which a partition cannot be chosen: another OS process would choose another one."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return (
            f"a partition cannot be chosen by {self.key}: how it is written differs from one OS process to the "
            "next; use a number, a string, a tuple of these, or a class with a __repr__ of its own"
        )


class UnhandledMessage(SupervisionError):
    """A call or a cast came for which the server has no handler."""

    def __init__(self, server: str, callback: str, message: str) -> None:
        super().__init__(server, callback, message)
        self.server, self.callback, self.message = server, callback, message

    def __str__(self) -> str:
        return f"{self.server} has no {self.callback} for {self.message}"


class AffinityUnavailable(SupervisionError, OSError):
    """`keep_on_one_cpu` was asked for what this system, or this process, does not have."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"the threads cannot be kept on one CPU: {self.why}"


class CannotCross(SupervisionError, TypeError):
    """What is sent to or from a process with an OS process of its own has to be copied, and this cannot be."""

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(what, cause)
        self.what, self.cause = what, cause

    def __str__(self) -> str:
        return (
            f"{self.what} cannot cross into another OS process ({self.cause}); "
            "send plain data, references of processes, or classes and functions that a module names"
        )


class IsolationUnavailable(SupervisionError, OSError):
    """There is no OS process to be had for a child."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause

    def __str__(self) -> str:
        return f"no OS process for an isolated child: {self.cause}"


class Settling(SupervisionError, TimeoutError):
    """`eye.testing.drain` gave up waiting: these processes were still busy."""

    def __init__(self, seconds: float, busy: str) -> None:
        super().__init__(seconds, busy)
        self.seconds, self.busy = seconds, busy

    def __str__(self) -> str:
        return f"not settled after {self.seconds:g} s; still busy: {self.busy}"


class CallFailed(SupervisionError):
    """A call got no answer. `reason` is the exit reason a caller in Erlang would see."""

    def __init__(self, target: str, request: str, reason: Any) -> None:
        super().__init__(target, request, reason)
        self.target, self.request, self.reason = target, request, reason

    def __str__(self) -> str:
        return f"call of {self.request} to {self.target} failed: {self.reason}"


class NoProcess(CallFailed, LookupError):
    """Nobody has that name, or the process behind the reference is gone."""

    def __str__(self) -> str:
        return f"call of {self.request} to {self.target} failed: no such process"


class CallTimeout(CallFailed, TimeoutError):
    """The answer did not come in time. The server may still carry the request out."""


class TaskTimeout(CallTimeout):
    """A task was not done in time. It has been told to end."""


class CallingSelf(CallFailed):
    """A process called itself and would have waited for ever."""

    def __str__(self) -> str:
        return f"{self.target} called itself with {self.request}; it would wait for its own answer for ever"


class CallDeadlock(CallFailed):
    """The call would have closed a circle of processes that wait for each other; `reason` spells it out."""

    def __str__(self) -> str:
        who = getattr(self.reason, "detail", self.reason)
        return f"call of {self.request} to {self.target} would wait for ever: {who}"


class MailboxFull(CallFailed):
    """The mailbox of the process holds no more than it was told to."""

    def __str__(self) -> str:
        return f"{self.request} was not taken by {self.target}: its mailbox is full"


class ServerExited(CallFailed):
    """The server exited before it answered. `reason` is its exit reason, with its traceback if it crashed."""


class TaskFailed(ServerExited):
    """A task ended without a result. What it raised, where it was in this OS process, is the cause."""


# -------------------------------------------------------------------------------- cluster


class ClusterError(EyeError):
    """Something about nodes, or about the wire between them."""


class BadAddress(ClusterError, ValueError):
    """Not an address."""


class BadNodeName(ClusterError, ValueError):
    """Not a name that a node may have."""


class CookieUnusable(ClusterError):
    """The cookie file is missing, unreadable, too open, or too short."""


class TlsUnusable(ClusterError):
    """A certificate, its key or its authority cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"TLS file {self.path}: {self.problem}"


class BadDiscovery(ClusterError, ValueError):
    """A text that names no way of finding nodes."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(text, problem)
        self.text, self.problem = text, problem

    def __str__(self) -> str:
        return (
            f"{self.text!r}: {self.problem}. There are: local, static, multicast, multicast:GROUP:PORT, "
            "dns:NAME:PORT, dns:srv:NAME"
        )


class FolderUnusable(ClusterError):
    """The folder in which the nodes of this machine find each other is missing, or not this user's alone."""

    def __init__(self, folder: str, cause: str) -> None:
        super().__init__(folder, cause)
        self.folder, self.cause = folder, cause

    def __str__(self) -> str:
        return f"the folder in which local nodes find each other, {self.folder}, {self.cause}"


class AddressInUse(ClusterError):
    """Somebody listens on that address already, or this machine does not have it."""


class NameTaken(ClusterError):
    """Another live node of the cluster has this name."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name, address)
        self.name, self.address = name, address

    def __str__(self) -> str:
        return (
            f"a node named {self.name!r} is already running at {self.address}; "
            "choose another --name, or stop that one first"
        )


class ClusterNameTaken(ClusterError):
    """Another process has that name, on the node `node`."""

    def __init__(self, name: str, node: str) -> None:
        super().__init__(name, node)
        self.name, self.node = name, node

    def __str__(self) -> str:
        return f"the name {self.name!r} is taken in the cluster, by a process of {self.node}"


class ClusterFull(ClusterError):
    """A registry takes no more nodes than it was told to."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__(count, most)
        self.count, self.most = count, most

    def __str__(self) -> str:
        return (
            f"the cluster is full: {self.count} nodes, of {self.most} that its registries take in. Raise "
            "--max-nodes there, or use the engine for fleets"
        )


class NotDown(ClusterError):
    """A node that lives cannot be forgotten."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"node {self.name!r} is up: only one that is down can be forgotten. Stop it instead"


class NodeUnreachable(ClusterError, ConnectionError):
    """No connection to that address."""

    def __init__(self, address: str, cause: str) -> None:
        super().__init__(address, cause)
        self.address, self.cause = address, cause

    def __str__(self) -> str:
        return f"cannot reach {self.address}: {self.cause}"


class NodeDown(ClusterError):
    """The node is known, and known to be down."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"node {self.name!r} is down: {self.reason}"


class UnknownNode(ClusterError, LookupError):
    """Nobody here has heard of that node."""

    def __init__(self, name: str, known: str) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return f"no node named {self.name!r}; known are: {self.known or 'none'}"


class AuthenticationRefused(ClusterError):
    """The other side does not have the same cookie."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address

    def __str__(self) -> str:
        return f"{self.address} refused this node: the cookies differ. Give both the same --cookie-file"


class DeadlineExceeded(ClusterError, TimeoutError):
    """The answer did not come in time."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(what, seconds)
        self.what, self.seconds = what, seconds

    def __str__(self) -> str:
        return f"{self.what} did not answer within {self.seconds:g} s"


class RemoteError(ClusterError):
    """The other node raised, and this is what it said."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind, self.message = kind, message

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


class RemoteSessionLost(ClusterError):
    """The other node has let go of the session: it was restarted, or had not heard from us for too long."""

    def __str__(self) -> str:
        return "the other node has let go of this session; what was going on in it is lost"


class WireError(ClusterError):
    """Something about the bytes between two nodes."""


class EncodeRefused(WireError, TypeError):
    """Only plain data and registered types cross the wire."""


class DecodeRefused(WireError, ValueError):
    """The bytes are not what they should be."""


class FrameTooLarge(WireError):
    """A frame announces more bytes than it may have."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size, self.limit = size, limit

    def __str__(self) -> str:
        return f"a frame of {self.size} bytes; the limit is {self.limit}"


# ----------------------------------------------------------------- metrics, monitor, views


class MetricsError(EyeError):
    """Something about measuring."""


class ProbeNotReady(MetricsError):
    """A rate needs two looks, and this was the first."""


class UnknownMetric(MetricsError, LookupError):
    """The catalogue has no such metric."""

    def __init__(self, name: str, known: str) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return f"unknown metric {self.name!r}; there are: {self.known}"


class BadMetric(MetricsError, ValueError):
    """A figure of the program's own cannot be measured under this name, or described this way."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name, self.problem = name, problem

    def __str__(self) -> str:
        return f"own metric {self.name!r}: {self.problem}"


class BadFilter(MetricsError, ValueError):
    """A filter cannot be understood. `at` is the index of the first character that is wrong."""

    def __init__(self, text: str, at: int, problem: str) -> None:
        super().__init__(text, at, problem)
        self.text, self.at, self.problem = text, at, problem

    def __str__(self) -> str:
        return f"bad filter {self.text!r}: at character {self.at + 1}: {self.problem}"

    @property
    def pointed(self) -> str:
        """The filter, with a mark under the character: two lines, for a terminal."""
        return f"{self.text}\n{' ' * self.at}^"


class AlertsError(EyeError):
    """Something about alerts."""


_SHOWN, _WIDE = 50, 160  # mistakes, and characters of a line, that a person is shown


def _around(text: str, column: int) -> tuple[str, int]:
    """Cut what is about a column out of a line that is too long; answer where the column is in that."""
    if len(text) <= _WIDE:
        return text, column
    begin = max(column - _WIDE // 2, 0)
    return text[begin : begin + _WIDE], column - begin


class BadRules(AlertsError, ValueError):
    """A rule file has mistakes. Each of `problems`: its line and column, from 1 on, that line, what is wrong."""

    def __init__(self, path: str, problems: tuple[tuple[int, int, str, str], ...]) -> None:
        super().__init__(path, problems)
        self.path, self.problems = path, problems

    def __str__(self) -> str:
        line, column, _, problem = self.problems[0]
        more = len(self.problems) - 1
        others = f" (and {more} more mistake{'s' * (more > 1)})" if more else ""
        return f"{self.path}: line {line}, column {column}: {problem}{others}"

    @property
    def pointed(self) -> str:
        """Every line that is wrong, with a mark under the character and what is wrong there, for a terminal."""
        shown = [(line, *_around(text, column), problem) for line, column, text, problem in self.problems[:_SHOWN]]
        return "\n".join(
            f"{line}: {text}\n{' ' * (len(str(line)) + 1 + column)}^ {problem}"
            for line, text, column, problem in shown
        )


class SinkFailed(AlertsError):
    """A sink could not be told; `is_final` says that it is of no use to try again."""

    def __init__(self, sink: str, problem: str, is_final: bool = False) -> None:
        super().__init__(sink, problem, is_final)
        self.sink, self.problem, self.is_final = sink, problem, is_final

    def __str__(self) -> str:
        return f"sink {self.sink!r} was not told: {self.problem}"


class MonitorError(EyeError):
    """Something about what is shown of a node, or done to it."""


class UnknownProcess(MonitorError, LookupError):
    """The node has no such process."""

    def __init__(self, process: str, hint: str) -> None:
        super().__init__(process, hint)
        self.process, self.hint = process, hint

    def __str__(self) -> str:
        return f"no process {self.process!r}: {self.hint}"


class CannotHandle(MonitorError):
    """What was asked for cannot be done to this process, or was not done in time."""

    def __init__(self, process: str, problem: str) -> None:
        super().__init__(process, problem)
        self.process, self.problem = process, problem

    def __str__(self) -> str:
        return f"{self.process}: {self.problem}"


class ActionRefused(MonitorError):
    """The node does not let others do that to it."""

    def __init__(self, node: str, action: str) -> None:
        super().__init__(node, action)
        self.node, self.action = node, action

    def __str__(self) -> str:
        is_usual = self.action in ("read", "gc", "silence")
        remedy = f"without --deny {self.action}" if is_usual else f"with --allow {self.action}"
        return f"node {self.node!r} does not allow {self.action!r}; start it {remedy}"


class ActionTooSoon(MonitorError):
    """It was done a moment ago, and is not done again so soon. `seconds` is how long to wait."""

    def __init__(self, node: str, action: str, seconds: float) -> None:
        super().__init__(node, action, seconds)
        self.node, self.action, self.seconds = node, action, seconds

    def __str__(self) -> str:
        return f"node {self.node!r} did {self.action!r} just now; ask again in {self.seconds:.1f} s"


class NothingKept(MonitorError, LookupError):
    """What was so long ago is not remembered. `kept` is how many seconds are; 0 if nothing is yet."""

    def __init__(self, what: str, ago: float, kept: float) -> None:
        super().__init__(what, ago, kept)
        self.what, self.ago, self.kept = what, ago, kept

    def __str__(self) -> str:
        return f"no {self.what} of {self.ago:.0f} s ago: what is remembered are the last {self.kept:.0f} s"


class HistoryError(EyeError):
    """Something about what was."""


class HistoryOff(HistoryError):
    """Nobody keeps what was. `why` says how that can be changed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"no history is kept: {self.why}"


class HistoryUnusable(HistoryError):
    """The database of the history cannot be read or written, for now or at all."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place, self.problem = place, problem

    def __str__(self) -> str:
        return f"the history at {self.place} cannot be used: {self.problem}"


class SchemaTooNew(HistoryError):
    """The database was made, or changed, by a newer version of this program."""

    def __init__(self, place: str, version: int, known: int) -> None:
        super().__init__(place, version, known)
        self.place, self.version, self.known = place, version, known

    def __str__(self) -> str:
        return (
            f"the history at {self.place} has schema version {self.version}, and this program knows up to "
            f"{self.known}: update it, or name another database with --history"
        )


class ConfigError(EyeError, ValueError):
    """An option, a variable or a line of the configuration file makes no sense."""


class WebError(EyeError):
    """Something about the web view."""


class TooManyViewers(WebError):
    """The view serves no more clients than it was told to."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"this view already serves {self.limit} viewers, its max_clients"


class LinkRefused(WebError):
    """A signed link opens nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"this link is not valid: {self.why}; ask whoever sent it for another"


class SecretUnusable(WebError):
    """A file with a token or with passwords cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"file {self.path}: {self.problem}"
