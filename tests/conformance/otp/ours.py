"""Runs scenarios on eye.supervision and tells what happened: the twin of `scenario_runner.erl`.

With servers in threads, or in OS processes of their own: then they reach the world that they happen in from
`Afar`, and nothing else changes.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any, cast

from eye.errors import (
    AlreadyPresent,
    AlreadyStarted,
    BadChildSpec,
    CallFailed,
    CallingSelf,
    ChildNotFound,
    ChildRestarting,
    ChildRunning,
    EyeError,
    MaxChildrenReached,
    NoProcess,
    ServerExited,
    StartFailed,
)
from eye.supervision import (
    ChildSpec,
    Continue,
    Crash,
    Down,
    DynamicSupervisor,
    Exit,
    GenServer,
    IdleTimeout,
    Ignore,
    Inbox,
    NoReply,
    ProcessExit,
    Reason,
    Ref,
    Reply,
    Restart,
    Shutdown,
    Stop,
    Strategy,
    Supervisor,
    System,
)
from eye.supervision.child_spec import AutoShutdown
from eye.supervision.reasons import as_reason, shutdown
from eye.testing import drain
from tests.conformance.otp.language import Log, Scenario


def run(scenario: Scenario, isolation: Any = "thread") -> Log:
    """Run one scenario in a system of its own."""
    tree, steps = scenario
    with System() as system:
        system.is_quiet = True
        world = World(system, isolation)
        try:
            return [world.step(("hold", tree)), *(world.step(step) for step in steps)]
        finally:
            world.is_over.set()


class Steps:
    """The steps, for whoever takes them: plain code, or a server that was told to."""

    isolation: Any

    def find(self, id_: str) -> Ref | None:
        raise NotImplementedError

    def who(self, ref: Ref | None) -> str:
        raise NotImplementedError

    def do(self, step: Any) -> str:
        """Take a step from outside, or in a server that was told to; answer what came of it."""
        verb, *rest = step
        ref = self.find(rest[0])
        if ref is None:
            return "nobody"
        try:
            return self._to(ref, verb, *rest)
        except CallFailed as error:
            return f"exit {norm_failure(error)}"
        except EyeError as error:
            return f"error {norm_refusal(error)}"

    def _to(self, ref: Ref, verb: str, id_: str, what: Any = None) -> str:
        if verb in ("which", "count", "dyn_which", "dyn_count"):
            return self._listing(ref, verb)
        if verb in ("start", "terminate", "restart", "delete", "dyn_start", "dyn_stop"):
            return self._manage(ref, verb, what)
        if verb == "call":
            return f"reply {ref.call(('act', what), None)}"
        if verb == "stray":
            return self._stray(ref, what)
        if verb == "cast":
            ref.cast(("act", what))
        elif verb == "info":
            ref.send(("act", what))
        elif verb == "exit":
            ref.exit(reason_of(what))
        elif verb == "stop":
            ref.stop(reason_of(what))
        else:
            raise ValueError(f"no such step: {verb}")
        return "ok"

    def _stray(self, ref: Ref, how: str) -> str:
        if how == "call":
            return f"reply {ref.call('stray', None)}"
        ref.cast("stray") if how == "cast" else ref.send("stray")
        return "ok"

    def _manage(self, ref: Ref, verb: str, what: Any) -> str:
        if verb == "start":
            return self._started(Supervisor.start_child(ref, child(self.access, what)))
        if verb == "dyn_start":
            return self._started(DynamicSupervisor.start_child(ref, child(self.access, what)))
        if verb == "restart":
            return self._started(Supervisor.restart_child(ref, what))
        if verb == "terminate":
            Supervisor.stop_child(ref, what)
        elif verb == "delete":
            Supervisor.delete_child(ref, what)
        elif (one := self.find(what)) is None:
            return "nobody"
        else:
            DynamicSupervisor.stop_child(ref, one)
        return "ok"

    def _started(self, ref: Ref | None) -> str:
        return "ok none" if ref is None else f"ok {self.who(ref)}"

    def _listing(self, ref: Ref, verb: str) -> str:
        if verb.endswith("count"):
            return " ".join(map(str, Supervisor.count_children(ref)[:4]))
        shown = []
        for one in Supervisor.which_children(ref):
            state = (
                "restarting" if one.status == "restarting" else "none" if one.ref is None else self.who(one.ref)
            )
            if verb == "dyn_which":
                shown.append(f"?={state}")
            else:
                shown.append(f"{one.id}={state}:{'supervisor' if one.spec.is_supervisor else 'worker'}")
        return " ".join(sorted(shown) if verb == "dyn_which" else shown)


class World(Steps):
    """Where a scenario happens: its log, who is who, and the plain code that takes the steps."""

    def __init__(self, system: System, isolation: Any) -> None:
        self.system, self.isolation = system, isolation
        self.log = system.inbox()
        self.counts: Counter[str] = Counter()
        self.refs: dict[str, Ref] = {}
        self.names: dict[Ref, tuple[str, int]] = {}
        self.is_over = threading.Event()
        self._later: dict[int, Any] = {}
        """The questions of the askers, once a server has looked at them."""
        self._askers: dict[int, threading.Thread] = {}
        self._holder = system.start(Holder, self)
        self.access: World | Afar = self
        """What a server gets to reach this world by."""
        if isolation == "process":
            self.access = Afar(self.log, system.start(Books, self))

    def begin(self, ref: Ref, id_: str) -> int:
        self.counts[id_] += 1
        n = self.counts[id_]
        self.refs[id_], self.names[ref] = ref, (id_, n)
        ref.monitor(self.log)
        self.say("init", id_, n)
        return n

    def say(self, kind: str, id_: str, n: int, text: str = "") -> None:
        self.log.send(f"{kind} {id_} {n} {text}".rstrip())

    def find(self, id_: str) -> Ref | None:
        return self.refs.get(id_)

    def note_question(self, n: int, caller: Any) -> None:
        self._later[n] = caller

    def wait_for_the_end(self) -> None:
        self.is_over.wait()

    def who(self, ref: Ref | None) -> str:
        if ref is self._holder:
            return "holder"
        return "driver" if ref is None else self.names[ref][0]

    def step(self, step: Any) -> tuple[str, list[str]]:
        answer = self._take(step)
        drain(self.system, 20)
        for n, asker in list(self._askers.items()):
            if n not in self._later or self._later[n].is_answered:
                asker.join(10)
                del self._askers[n]
        return answer, [line if isinstance(line, str) else self._line_of(line) for line in self.log.drain()]

    def _take(self, step: Any) -> str:
        verb, *rest = step
        if verb == "hold":
            return str(self._holder.call(("start", rest[0]), None))
        if verb == "holder":
            self._holder.cast(("leave", rest[0]))
            return "ok"
        if verb != "acall":
            return self.do(step)
        ref = self.find(rest[0])
        if ref is None:
            return "nobody"
        self.counts["asker"] += 1
        n = self.counts["asker"]
        self._askers[n] = threading.Thread(target=self._ask, args=(ref, rest[0], n, rest[1]), daemon=True)
        self._askers[n].start()
        return "ok"

    def _ask(self, ref: Ref, id_: str, n: int, action: Any) -> None:
        try:
            text = f"reply {ref.call(('act', action, n), None)}"
        except CallFailed as error:
            text = f"exit {norm_failure(error)}"
        self.say("answer", id_, n, text)

    def _line_of(self, notice: Down) -> str:
        id_, n = self.names[notice.ref]
        return f"down {id_} {n} {norm(notice.reason)}"


class Afar(Steps):
    """The same world, for a server in an OS process of its own."""

    isolation = "process"

    @property
    def access(self) -> Afar:
        return self

    def __init__(self, log: Inbox, books: Ref) -> None:
        self._log, self._books = log, books

    def begin(self, _ref: Ref, id_: str) -> int:
        return int(self._books.call(("begin", id_)))

    def say(self, kind: str, id_: str, n: int, text: str = "") -> None:
        self._log.send(f"{kind} {id_} {n} {text}".rstrip())

    def find(self, id_: str) -> Ref | None:
        return cast("Ref | None", self._books.call(("find", id_)))

    def who(self, ref: Ref | None) -> str:
        return str(self._books.call(("who", ref)))

    def note_question(self, n: int, caller: Any) -> None:
        self._books.call(("note_question", n, caller))

    def wait_for_the_end(self) -> None:
        time.sleep(3600)


class Books(GenServer):
    """Keeps the world's books for servers that are not in it."""

    def init(self, world: World) -> None:
        self._world = world

    def handle_call(self, message: Any, caller: Any) -> Any:
        method, *arguments = message
        if method == "begin":
            arguments = [caller.sender, *arguments]
        return getattr(self._world, method)(*arguments)


class Holder(GenServer):
    """Starts the tree, linked, and hears of its end."""

    def init(self, world: World) -> None:
        self._world, self.trap_exit = world, True

    def handle_call(self, message: Any, caller: Any) -> str:
        tree = child(self._world.access, message[1])
        try:
            ref = self.system.start(tree.start, *tree.args, linked=True, name=tree.name, **tree.kwargs)
        except StartFailed as error:
            return f"error {norm(error.reason)}"
        return "ignore" if ref is None else "ok"

    def handle_cast(self, message: Any) -> Any:
        return Stop(reason_of(message[1]))

    def handle_info(self, message: Exit) -> None:
        self._world.say("info", "holder", 1, f"EXIT {self._world.who(message.sender)} {norm(message.reason)}")


class Tree(Supervisor):
    def init(self, world: World | Afar, spec: Any) -> Any:  # type: ignore[override]
        _, id_, strategy, intensity, auto, *_, children = spec
        world.begin(self.ref, id_)
        return super().init(
            [child(world, one) for one in children],
            strategy=Strategy(strategy),
            max_restarts=intensity,
            max_seconds=3600,
            auto_shutdown=AutoShutdown(auto),
        )


class Pool(DynamicSupervisor):
    def init(self, world: World | Afar, spec: Any) -> Any:  # type: ignore[override]
        _, id_, intensity, limit, *_ = spec
        world.begin(self.ref, id_)
        return super().init(max_restarts=intensity, max_seconds=3600, max_children=None if limit == -1 else limit)


def child(world: World | Afar, spec: Any) -> ChildSpec:
    """Make the child spec of a tree."""
    name = None
    if spec[0] == "named":
        _, name, spec = spec
    if spec[0] == "srv":
        kind, (_, id_, restart, limit, significant, *_) = Server, spec
    elif spec[0] == "sup":
        kind, (_, id_, _, _, _, restart, limit, significant, _) = Tree, spec
    else:
        kind, (_, id_, _, _, restart, limit, significant) = Pool, spec
    return ChildSpec(
        kind,
        args=(world, spec),
        isolation=world.isolation if kind is Server else "thread",
        id=id_,
        name=name,
        restart=Restart(restart),
        shutdown=limit / 1000 if isinstance(limit, int) else Shutdown(limit),
        significant=significant,
    )


class Boom(Exception):
    """What a crash raises."""


class Server(GenServer):
    """Does what it is told, and tells what it comes to hear."""

    def init(self, world: World | Afar, spec: Any) -> Any:
        _, self._id, _, _, _, traps, plan, self._term = spec
        self._world, self.trap_exit = world, traps
        self._later: list[Any] = []
        self._monitors: dict[str, Any] = {}
        self._names: dict[Any, str] = {}
        self._n = world.begin(self.ref, self._id)
        what = dict(plan).get(self._n, "ok")
        if what == "ok":
            return None
        if what == "ignore":
            return Ignore()
        if what[0] == "exit":
            raise ProcessExit(reason_of(what[1]))
        return self._act(what)

    def handle_continue(self, message: Any) -> Any:
        return self._act(message)

    def handle_cast(self, message: Any) -> Any:
        return self._act(message[1])

    def handle_call(self, message: Any, caller: Any) -> Any:
        if len(message) == 3:
            self._world.note_question(message[2], caller)
        answer = self._act(message[1], caller)
        if answer is None:
            return "ok"
        if isinstance(answer, Continue):
            return Reply("ok", then=answer)
        if answer == NoReply(timeout=0):
            return Reply("ok", timeout=0)
        return Ignore() if answer == "nonsense" else answer

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, Exit):
            self._told(f"EXIT {self._world.who(message.sender)} {norm(message.reason)}")
        elif isinstance(message, Down):
            who = self._names.get(message.monitor) or self._world.who(message.ref)
            self._told(f"DOWN {who} {norm(message.reason)}")
        elif isinstance(message, IdleTimeout):
            self._told("timeout")
        else:
            return self._act(message[1])
        return None

    def terminate(self, reason: Reason) -> None:
        self._world.say("terminate", self._id, self._n, norm(reason))
        if self._term == "crash":
            raise Boom("boom")
        if self._term == "stuck" and reason.word == "shutdown" and reason.detail is None:
            self._world.wait_for_the_end()
        if self._term[0] == "exit":
            raise ProcessExit(reason_of(self._term[1]))

    def _told(self, text: str) -> None:
        self._world.say("info", self._id, self._n, text)

    def _act(self, action: Any, caller: Any = None) -> Any:
        verb, *rest = (action,) if isinstance(action, str) else action
        if verb == "crash":
            raise Boom("boom")
        if verb == "bad":
            return "nonsense"
        if verb == "idle":
            return NoReply(timeout=0)
        if verb == "later":
            if caller is not None:
                self._later.append(caller)
            return NoReply()
        if verb == "answer":
            for one in self._later:
                one.reply("late")
            self._later = []
        elif verb == "exit":
            self.exit(reason_of(rest[0]))
        elif verb == "stop":
            return Stop(reason_of(rest[0]))
        elif verb == "reply_stop":
            return Stop(reason_of(rest[0]), reply="ok") if caller is not None else Stop(reason_of(rest[0]))
        elif verb == "cont":
            return Continue(rest[0])
        elif verb == "both":
            self._act(rest[0])
            return self._act(rest[1], caller)
        elif verb == "trap":
            self.trap_exit = rest[0]
        elif verb == "note":
            self._told(rest[0])
        elif verb == "self_signal":
            self.ref.exit(reason_of(rest[0]))
        elif verb == "monitor_name":
            self._names[self.monitor(rest[0])] = rest[0]
        elif verb == "call_name":
            self.system.call(rest[0], ("act", "noop"), None)
        elif verb == "cast_name":
            self.system.cast(rest[0], ("act", ("note", "cast")))
        elif verb == "spawn":
            self._told(f"spawn {self._spawn(rest[0])}")
        elif verb == "manage":
            self._told(self._world.do(rest[0]))
        elif verb != "noop" and (other := self._world.find(rest[0])) is not None:
            self._act_on(other, verb, *rest)
        return None

    def _spawn(self, spec: Any) -> str:
        try:
            self.system.start(Server, self._world, spec, linked=True)
        except StartFailed as error:
            return f"error {norm(error.reason)}"
        return "ok"

    def _act_on(self, other: Ref, verb: str, id_: str, what: Any = None) -> None:
        if verb == "link":
            self.link(other)
        elif verb == "unlink":
            self.unlink(other)
        elif verb == "stop_other":
            other.stop("shutdown")
        elif verb == "monitor":
            self._monitors[id_] = self.monitor(other)
        elif verb == "demonitor":
            if (monitor := self._monitors.pop(id_, None)) is not None:
                self.demonitor(monitor, flush=True)
        elif verb == "signal":
            other.exit(reason_of(what))
        elif verb == "call":
            other.call(("act", what), None)
        elif verb == "cast":
            other.cast(("act", what))
        elif verb == "send":
            other.send(("act", what))
        else:
            raise ValueError(f"no such action: {verb}")


# ------------------------------------------------------------------------------------ words


def reason_of(word: Any) -> Reason:
    return shutdown(word[1]) if isinstance(word, tuple) else as_reason(word)


def norm(reason: Reason) -> str:
    """Say a reason in the words that both sides use. Of a crash elsewhere there is only its text."""
    if isinstance(reason, Crash):
        return _norm_crash(reason.word, str(reason.detail))
    if isinstance(reason.detail, StartFailed):
        inner = reason.detail
        return f"shutdown({inner.who.split(chr(39))[1]} {norm(inner.reason)})"
    if isinstance(reason.detail, str) and reason.detail.startswith("call of "):
        return f"callfailed({reason.word})"
    return reason.word if reason.detail is None else f"{reason.word}:{reason.detail}"


_CRASHES = {
    "Boom": "boom",
    "AlreadyStarted": "already_started",
    "BadChildSpec": "bad_spec",
    "BadReturn": "bad_return",
    "UnhandledMessage": "unhandled",
    "NoProcess": "callfailed(noproc)",
    "CallingSelf": "callfailed(calling_self)",
}


def _norm_crash(word: str, text: str) -> str:
    if word != "ServerExited":
        return _CRASHES.get(word, f"{word}: {text}")
    word, _, more = text.partition(" failed: ")[2].partition(": ")
    if word in _CRASHES or word == "ServerExited":
        return f"callfailed({_norm_crash(word, more)})"
    return f"callfailed({word}{':' * bool(more)}{more})"


def norm_failure(error: CallFailed) -> str:
    if isinstance(error, NoProcess):
        return "noproc"
    if isinstance(error, CallingSelf):
        return "calling_self"
    return norm(error.reason) if isinstance(error, ServerExited) else repr(error)


def norm_refusal(error: EyeError) -> str:
    words = {
        AlreadyStarted: "already_started",
        AlreadyPresent: "already_present",
        BadChildSpec: "bad_spec",
        ChildNotFound: "not_found",
        ChildRunning: "running",
        ChildRestarting: "restarting",
        MaxChildrenReached: "max_children",
    }
    if isinstance(error, StartFailed):
        return norm(error.reason)
    return next((word for kind, word in words.items() if isinstance(error, kind)), repr(error))
