"""Random trees, and random things done to them: the framework against `reference.py`.

EYE_EXAMPLES says how many examples there shall be: 50 unless it is set, some thousands in a nightly run.
Each example runs in a system of its own, and when that is stopped nothing may be left: no thread, no open
file, no OS process that was not there before.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from eye.errors import EyeError, NoProcess, StartFailed
from eye.supervision import (
    KILL,
    ChildSpec,
    GenServer,
    ProcessExit,
    Restart,
    Shutdown,
    Strategy,
    Supervisor,
    System,
)
from eye.supervision.child_spec import AutoShutdown
from eye.testing import ManualClock, drain, until
from tests.supervision.kinds import KINDS
from tests.supervision.reference import Node, Reference, Refused

EXAMPLES = int(os.environ.get("EYE_EXAMPLES", "50"))
SOME = st.integers(0, 1000)
"""Which one of those that there are by then."""


class Faults(GenServer):
    """Knows how often the next starts of whom shall fail. Not part of the tree."""

    def init(self) -> None:
        self._left: dict[str, int] = {}

    def handle_call(self, message: Any, caller: Any) -> bool:
        if isinstance(message, tuple):
            self._left[message[0]] = message[1]
            return True
        left = self._left.get(message, 0)
        self._left[message] = left - 1
        return left > 0


class Worker(GenServer):
    """Tells an inbox of its beginning and its cleanup; ends as it is told."""

    def init(self, log: Any, id_: str, traps: bool) -> None:
        self._log, self._id = log, id_
        self.trap_exit = traps
        log.send(("init", id_))
        if self.system.call("faults", id_):
            raise ValueError("not this time")

    def handle_cast(self, message: str) -> None:
        if message == "error":
            raise ValueError("an error")
        raise ProcessExit(message)

    def terminate(self, reason: Any) -> None:
        self._log.send(("terminate", self._id, reason.word))


def spec_of(node: Node, log: Any, isolation: Any) -> ChildSpec:
    """Make the child spec of a node."""
    if node.children is None:
        return ChildSpec(
            Worker, args=(log, node.id, node.traps), id=node.id, name=node.id, isolation=isolation,
            restart=Restart(node.restart), significant=node.significant,
            shutdown=Shutdown.BRUTAL_KILL if node.brutal else 30.0,
        )  # fmt: skip
    words = {
        "strategy": Strategy(node.strategy), "auto_shutdown": AutoShutdown(node.auto),
        "max_restarts": node.intensity, "max_seconds": 3600.0,
    }  # fmt: skip
    children = [spec_of(child, log, isolation) for child in node.children]
    return ChildSpec(
        Supervisor, args=(children,), kwargs=words, id=node.id, name=node.id,
        restart=Restart(node.restart), significant=node.significant,
    )  # fmt: skip


@st.composite
def servers(draw: Any, auto: str = "never") -> Node:
    restart = draw(st.sampled_from(["permanent", "transient", "temporary"]))
    significant = auto != "never" and restart != "permanent" and draw(st.booleans())
    return Node("", restart, significant, traps=draw(st.booleans()), brutal=draw(st.integers(0, 4)) == 0)


@st.composite
def supervisors(draw: Any, depth: int = 0, auto: str = "never") -> Node:
    server = draw(servers(auto))
    own = draw(st.sampled_from(["never", "never", "any_significant", "all_significant"]))
    child = servers(own) if depth == 2 else st.one_of(servers(own), servers(own), supervisors(depth + 1, own))
    children = draw(st.lists(child, min_size=1, max_size=3))
    strategy = draw(st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]))
    intensity = draw(st.integers(0, 3))
    return Node("", server.restart, server.significant, children=tuple(children), strategy=strategy,
                intensity=intensity, auto=own)  # fmt: skip


def named(node: Node, name: str) -> Node:
    """Give a node and all below it ids of their own."""
    node.id = name
    for number, child in enumerate(node.children or ()):
        named(child, f"{name}.{number}")
    return node


def ids(node: Node) -> list[str]:
    return [node.id, *(id_ for child in node.children or () for id_ in ids(child))]


class Tree(RuleBasedStateMachine):
    """One tree, twice: as it is, and as it should be."""

    isolation: Any = "thread"

    def __init__(self) -> None:
        super().__init__()
        self._files, self._os_processes = open_files(), os_processes()
        self._threads = set(threading.enumerate())
        self.system = System(clock=ManualClock())
        self.system.is_quiet = True
        self.log = self.system.inbox()
        self._faults = self.system.start(Faults, name="faults")
        self._added = 0

    @initialize(tree=supervisors(), faulty=st.integers(0, 9), which=SOME)
    def start_the_tree(self, tree: Node, faulty: int, which: int) -> None:
        self.reference = Reference(named(tree, "top"))
        self.servers = [id_ for id_ in ids(tree) if not self._is_supervisor(tree, id_)]
        self.supervisors = [id_ for id_ in ids(tree) if id_ not in self.servers]
        if faulty == 0:
            self._let_fail(self._one_of(self.servers, which), 1)
        top = spec_of(tree, self.log, self.isolation)
        try:
            self.system.start(Supervisor, *top.args, name="top", **top.kwargs)
            has_started = True
        except StartFailed:
            has_started = False

        assert has_started == self.reference.begin()

    def _is_supervisor(self, tree: Node, id_: str) -> bool:
        return tree.children is not None and (
            tree.id == id_ or any(self._is_supervisor(child, id_) for child in tree.children)
        )

    def _one_of(self, those: list[str], which: int) -> str:
        return those[which % len(those)]

    def _let_fail(self, id_: str, times: int) -> None:
        self._faults.call((id_, times))
        self.reference.failing[id_] = times

    def _same(self, real: Any, expected: Any) -> None:
        """Do the same to both, and compare what they say to it."""
        expected_answer, answer = "ok", "ok"
        try:
            expected()
        except Refused as refused:
            expected_answer = str(refused)
        try:
            real()
        except EyeError as error:
            answer = type(error).__name__

        assert answer == expected_answer

    # ------------------------------------------------------------------------------- rules

    @rule(which=SOME, times=st.integers(1, 5))
    def let_starts_fail(self, which: int, times: int) -> None:
        self._let_fail(self._one_of(self.servers, which), times)

    @rule(which=SOME, how=st.sampled_from(["error", "error", "normal", "shutdown", "odd"]))
    def end_a_server(self, which: int, how: str) -> None:
        id_ = self._one_of(self.servers, which)
        self.system.cast(id_, how)
        self.reference.exits(id_, "ValueError" if how == "error" else how)

    @rule(which=SOME)
    def kill_a_server(self, which: int) -> None:
        id_ = self._one_of(self.servers, which)
        if (ref := self.system.whereis(id_)) is not None:
            ref.exit(KILL)
        self.reference.exits(id_, "killed", cleans_up=False)

    @rule(which=SOME, reason=st.sampled_from(["normal", "shutdown", "odd"]))
    def stop_somebody_past_its_supervisor(self, which: int, reason: str) -> None:
        id_ = self._one_of([*self.servers, *self.supervisors], which)
        if (ref := self.system.whereis(id_)) is not None:
            ref.stop(reason)
        self.reference.exits(id_, reason)

    @rule(above=SOME, node=servers())
    def add_a_server(self, above: int, node: Node) -> None:
        supervisor = self._one_of(self.supervisors, above)
        self._added += 1
        node.id = f"{supervisor}+{self._added}"
        self.servers.append(node.id)
        self._add(supervisor, node)

    @rule(above=SOME, which=SOME)
    def add_one_of_an_id_that_is_there(self, above: int, which: int) -> None:
        supervisor = self._one_of(self.supervisors, above)
        node, _ = self.reference.find(supervisor)
        if node is not None and node.present:
            self._add(supervisor, Node(node.present[which % len(node.present)].id))

    def _add(self, supervisor: str, node: Node) -> None:
        ref = self.system.whereis(supervisor)
        spec = spec_of(node, self.log, self.isolation)
        self._same(
            lambda: Supervisor.start_child(alive(ref), spec), lambda: self.reference.start_child(supervisor, node)
        )

    @rule(above=SOME, which=SOME, verb=st.sampled_from(["stop_child", "restart_child", "delete_child"]))
    def manage_a_child(self, above: int, which: int, verb: str) -> None:
        supervisor = self._one_of(self.supervisors, above)
        ref = self.system.whereis(supervisor)
        children = [id_ for id_ in (*self.servers, *self.supervisors) if id_.rpartition(".")[0] == supervisor]
        children += [id_ for id_ in self.servers if id_.rpartition("+")[0] == supervisor]
        id_ = self._one_of([*children, "nobody"], which)
        self._same(
            lambda: getattr(Supervisor, verb)(alive(ref), id_),
            lambda: getattr(self.reference, verb)(supervisor, id_),
        )

    # -------------------------------------------------------------------- what always holds

    @invariant()
    def the_two_are_alike(self) -> None:
        if not hasattr(self, "reference"):
            return
        drain(self.system)
        expected = self.reference.listing()

        assert self.log.drain() == self.reference.log
        self.reference.log = []
        listing = {}
        for id_ in self.supervisors:
            if (ref := self.system.whereis(id_)) is not None:
                children = Supervisor.which_children(ref)
                listing[id_] = [(child.id, child.ref is not None) for child in children]
                counts = Supervisor.count_children(ref)
                assert counts.specs == len(children)
                assert counts.active == sum(child.ref is not None for child in children)
        assert listing == expected
        up = {node.id for node in self.reference.top.family() if node.up}
        assert {ref.name for ref in self.system.processes()} - {"faults"} == up

    def teardown(self) -> None:
        self.system.stop()
        if hasattr(self, "reference"):
            self.reference.exits("top", "shutdown")
            assert self.log.drain() == self.reference.log
        assert self.system.present() == ()
        until(lambda: self.system.abandoned() == ())  # until its thread has noticed, a killed one is listed
        until(lambda: set(threading.enumerate()) <= self._threads)
        until(lambda: len(open_files()) <= len(self._files))
        until(lambda: os_processes() <= self._os_processes)


def alive(ref: Any) -> Any:
    if ref is None:
        raise NoProcess("nobody", "a request", "noproc")
    return ref


def open_files() -> set[str]:
    """Name this program's open files, where the system tells."""
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


def os_processes() -> set[str]:
    """Name the OS processes that this program has started and that are still there."""
    found: set[str] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has gone meanwhile
            found.update(path.read_text().split())
    return found


_usual = settings(
    deadline=None,
    stateful_step_count=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TestThreads = pytest.mark.timeout(120 + EXAMPLES)(Tree.TestCase)
TestThreads.settings = settings(_usual, max_examples=EXAMPLES)


class IsolatedTree(Tree):
    """The same with every server in an OS process of its own."""

    isolation = "process"


if "process" in KINDS:
    TestOsProcesses = pytest.mark.timeout(120 + EXAMPLES)(IsolatedTree.TestCase)
    TestOsProcesses.settings = settings(_usual, max_examples=max(EXAMPLES // 10, 1))
