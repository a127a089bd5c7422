"""A server in an OS process of its own: every way to die, and nothing left behind."""

from __future__ import annotations

import ctypes
import gc
import importlib
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from traceback import format_exception
from types import ModuleType
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from eye.errors import BadChildSpec, CannotCross, ServerExited, StartFailed
from eye.supervision import (
    KILLED,
    NORMAL,
    ChildSpec,
    Down,
    Exit,
    GenServer,
    NoReply,
    Reason,
    Restart,
    Shutdown,
    Supervisor,
    System,
    current,
    fork_server,
)
from eye.testing import PATIENCE, Boom, Do, Note, Obedient, crash, do, drain, until
from tests.supervision.servers import (
    Ask,
    Attempt,
    Broadcast,
    ExitWith,
    Gate,
    Log,
    Signal,
    ignore_sigterm,
    named,
    os_process_of,
    own_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.supervision import Caller, Ref

pytestmark = pytest.mark.usefixtures("fork_server")

HOME = Path(__file__).parents[2]


@pytest.fixture
def system() -> Iterator[System]:
    with System() as system:
        yield system


def start(system: System, **options: Any) -> Ref:
    ref = system.start(Obedient, isolation="process", **options)
    assert ref is not None
    return ref


def pid_of(ref: Ref) -> int:
    pid = ref.call(os_process_of)
    assert isinstance(pid, int)
    return pid


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


# ------------------------------------------------------------------------------ what it is


def test_its_callbacks_run_in_another_os_process_and_callers_do_not_notice(system: System) -> None:
    ref = start(system)

    assert pid_of(ref) != os.getpid()
    assert ref.call(own_id) == "Obedient"
    drain(system)
    assert ref.handled == 2


def test_a_message_is_as_it_was_when_it_was_sent(system: System) -> None:
    log, gate = Log(system), Gate()
    ref = start(system, log=log)
    ref.cast(gate)
    gate.await_somebody()
    message = Note([1, 2])
    ref.cast(message)

    message.entry.append(100)
    gate.open()
    drain(system)

    assert log.entries[-1] == [1, 2]


def test_what_cannot_cross_is_its_senders_mistake_at_once(system: System) -> None:
    ref = start(system)

    for send in (ref.call, ref.cast, ref.send):
        with pytest.raises(CannotCross, match="send plain data"):
            send(lambda me: me)
    with pytest.raises(CannotCross, match=r"^<function .*<lambda> at \w+> cannot cross"):
        ref.call(lambda me: me)
    with pytest.raises(CannotCross):
        ref.cast(threading.Lock())
    assert ref.call(own_id) == "Obedient"


def answer_with_a_lock(_me: Any) -> Any:
    return threading.Lock()


def test_an_answer_that_cannot_cross_is_a_crash_that_says_so(system: System) -> None:
    ref = start(system)

    with pytest.raises(ServerExited, match="cannot cross into another OS process"):
        ref.call(answer_with_a_lock)
    assert ref.join(PATIENCE).word == "CannotCross"


class NeedsTwo(Exception):
    """Cannot be unpickled: its `__init__` takes more than it passes on."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def raise_needs_two(_me: Any) -> None:
    raise NeedsTwo(1, 2)


@pytest.mark.parametrize(
    ("step", "word", "has_object"), [(crash, "Boom", True), (raise_needs_two, "NeedsTwo", False)]
)
def test_a_crash_brings_its_traceback_and_if_it_can_the_exception_itself(
    system: System, step: Callable[[Any], Any], word: str, has_object: bool
) -> None:
    ref = start(system)

    with pytest.raises(ServerExited) as failed:
        ref.call(step)

    reason = failed.value.reason
    assert reason.word == word
    assert f"in {step.__name__}" in reason.traceback
    assert isinstance(reason.exception, Boom) is has_object
    assert f"in {step.__name__}" in "".join(format_exception(failed.value))


def test_a_supervisor_cannot_be_isolated(system: System) -> None:
    with pytest.raises((BadChildSpec, StartFailed), match="isolate the children"):
        system.start(Supervisor, [ChildSpec(Supervisor, isolation="process")])


# ------------------------------------------------------------------------- ways to end


def segfault(_me: Any) -> None:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    ctypes.string_at(0)


def leave_hard(_me: Any) -> None:
    os._exit(7)


def leave_hard_and_well(_me: Any) -> None:
    os._exit(0)


def kill_own_os_process(_me: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def abort(_me: Any) -> None:
    os.kill(os.getpid(), signal.SIGABRT)


def use_up_all_memory(_me: Any) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
    bytearray(1 << 40)


HARD_DEATHS = [
    (segfault, Reason("signal", "SIGSEGV")),
    (abort, Reason("signal", "SIGABRT")),
    (leave_hard, Reason("exit_code", 7)),
    (leave_hard_and_well, Reason("exit_code", 0)),
    (kill_own_os_process, KILLED),
]


@pytest.mark.parametrize(("step", "reason"), HARD_DEATHS, ids=[step.__name__ for step, _ in HARD_DEATHS])
def test_whatever_ends_the_os_process_everybody_is_told_why_and_once(
    system: System, step: Callable[[Any], Any], reason: Reason
) -> None:
    ref, inbox = start(system), system.inbox()
    linked = start(system, traps=True)
    linked.call(do("link", ref))
    ref.monitor(inbox)

    with pytest.raises(ServerExited) as failed:
        ref.call(step)
    drain(system)

    assert failed.value.reason == reason
    notice = inbox.get(PATIENCE)
    assert isinstance(notice, Down)
    assert notice.reason == reason
    assert inbox.drain() == []
    exits = [one for one in linked.ask_process(seen_of) if isinstance(one, Exit)]
    assert [one.reason for one in exits] == [reason]


def seen_of(me: Any) -> list[Any]:
    return list(me.seen)


@pytest.mark.parametrize(("step", "reason"), HARD_DEATHS, ids=[step.__name__ for step, _ in HARD_DEATHS])
def test_and_its_supervisor_starts_it_again(system: System, step: Callable[[Any], Any], reason: Reason) -> None:
    system.start(Supervisor, [ChildSpec(Obedient, id="a", name="a", isolation="process")])
    first = named(system, "a")

    first.cast(step)

    assert first.join(PATIENCE) == reason
    until(lambda: system.whereis("a") not in (None, first))
    assert named(system, "a").call(own_id) == "a"


def test_out_of_memory_is_a_crash_like_any_other(system: System) -> None:
    ref = start(system)

    with pytest.raises(ServerExited) as failed:
        ref.call(use_up_all_memory)

    assert failed.value.reason.word == "MemoryError"


def test_the_death_of_an_idle_one_is_noticed_at_once(system: System) -> None:
    ref = start(system)

    os.kill(pid_of(ref), signal.SIGKILL)

    assert ref.join(PATIENCE) == KILLED


@pytest.mark.parametrize("step", [leave_hard, kill_own_os_process, segfault])
def test_an_init_that_dies_hard_is_a_start_that_failed(system: System, step: Callable[[Any], Any]) -> None:
    with pytest.raises(StartFailed) as failed:
        start(system, on_init=step)

    assert failed.value.reason.word in ("exit_code", "killed", "signal")


def test_a_kill_is_real_and_leaves_nobody_behind(system: System) -> None:
    gate = Gate()
    ref = start(system)
    pid = pid_of(ref)
    ref.cast(gate)
    gate.await_somebody()

    ref.kill()

    assert ref.join(PATIENCE) == KILLED
    assert is_gone(pid)
    assert system.abandoned() == ()


def test_an_exit_signal_ends_it_in_the_middle_of_anything(system: System) -> None:
    gate = Gate()
    ref = start(system)
    ref.cast(gate)
    gate.await_somebody()

    ref.exit("odd")

    assert ref.join(PATIENCE) == Reason("odd")


def test_one_that_ignores_sigterm_is_killed_at_its_limit(system: System) -> None:
    gate = Gate()
    spec = ChildSpec(Obedient, id="deaf", name="deaf", isolation="process", shutdown=0.2)
    top = system.start(Supervisor, [spec])
    assert top is not None
    ref = named(system, "deaf")
    pid = pid_of(ref)
    ref.cast(Do(ignore_sigterm, gate))
    gate.await_somebody()

    Supervisor.stop_child(top, "deaf")

    assert ref.exit_reason == KILLED
    assert is_gone(pid)


def test_a_brutal_kill_is_one(system: System) -> None:
    log = Log(system)
    spec = ChildSpec(
        Obedient, id="a", name="a", isolation="process", shutdown=Shutdown.BRUTAL_KILL,
        kwargs={"traps": True, "log": log},
    )  # fmt: skip
    top = system.start(Supervisor, [spec])
    assert top is not None
    pid = pid_of(named(system, "a"))

    Supervisor.stop_child(top, "a")

    assert is_gone(pid)
    assert log.entries == [("init", "a")]


def test_an_orderly_stop_cleans_up_over_there(system: System) -> None:
    log = Log(system)
    ref = start(system, log=log, traps=True)
    pid = pid_of(ref)

    ref.stop()

    assert log.entries == [("init", "Obedient"), ("terminate", "Obedient", "normal")]
    assert ref.exit_reason == NORMAL
    assert is_gone(pid)


def test_a_killed_one_makes_no_report_of_its_own(system: System, caplog: pytest.LogCaptureFixture) -> None:
    ref = start(system)

    os.kill(pid_of(ref), signal.SIGKILL)
    ref.join(PATIENCE)

    assert caplog.records == []


# ----------------------------------------------------------------------- what it can do there


def test_it_calls_others_and_is_told_of_their_ends(system: System) -> None:
    one, other = start(system), start(system)
    one.call(do("monitor", other))

    assert one.call(Ask(other, own_id)) == "Obedient"
    other.stop()
    drain(system)

    (notice,) = one.ask_process(seen_of)
    assert isinstance(notice, Down)
    assert notice.ref is other
    assert notice.reason == NORMAL


def test_a_call_from_there_fails_there_with_the_servers_reason(system: System) -> None:
    one, other = start(system), start(system)

    reason = one.call(Attempt(Ask(other, crash)))

    assert reason.word == "Boom"


def who_am_i(_me: Any) -> Any:
    return current()


def test_it_knows_who_it_is(system: System) -> None:
    ref = start(system)

    assert ref.call(who_am_i) is ref


def test_it_subscribes_broadcasts_and_sets_timers(system: System) -> None:
    ref, log = start(system), Log(system)
    ref.call(do("subscribe", "news"))
    system.topics.broadcast("news", "from here")
    ref.call(Broadcast("news", "from there"))

    ref.call(do("send_after", 0.001, Note("late")))
    drain(system)

    assert ref.ask_process(seen_of) == ["from here", "from there"]
    ref.stop()
    assert log.entries == []


class Quiet(GenServer):
    """Says when nothing has come for a while."""

    def init(self, inbox: Any) -> NoReply:
        self.inbox = inbox
        return NoReply(timeout=0.01)

    def handle_info(self, message: Any) -> None:
        self.inbox.send(message)


def test_its_idle_time_limit_works(system: System) -> None:
    inbox = system.inbox()
    system.start(Quiet, inbox, isolation="process")

    assert inbox.get(PATIENCE).seconds == 0.01


class Threaded(GenServer):
    """Answers from a thread of its own."""

    def handle_call(self, message: Any, caller: Caller) -> NoReply:
        threading.Thread(target=lambda: caller.reply(("late", message)), daemon=True).start()
        return NoReply()


def test_an_answer_may_come_from_any_thread_over_there(system: System) -> None:
    ref = system.start(Threaded, isolation="process")
    assert ref is not None

    assert [ref.call(number) for number in range(20)] == [("late", number) for number in range(20)]


def say_something(_me: Any) -> None:
    logging.getLogger("app.there").warning("said %s", "there", extra={"odd": threading.Lock(), "plain": 3})


def test_what_it_logs_is_logged_here(system: System, caplog: pytest.LogCaptureFixture) -> None:
    ref = start(system)

    ref.call(say_something)

    (record,) = [one for one in caplog.records if one.name == "app.there"]
    assert record.getMessage() == "said there"
    assert record.process == pid_of(ref)
    assert vars(record)["plain"] == 3


def test_links_work_in_both_directions(system: System) -> None:
    one, other, thread = start(system), start(system), system.start(Obedient)
    assert thread is not None
    one.call(do("link", other))
    thread.link(one)

    other.cast(ExitWith("odd"))

    assert [each.join(PATIENCE) for each in (one, other, thread)] == [Reason("odd")] * 3


def test_signals_from_there_reach_others(system: System) -> None:
    one, other = start(system), start(system)

    one.call(Signal(other, "odd"))

    assert other.join(PATIENCE) == Reason("odd")


# ----------------------------------------------------------------------- nothing is left


def test_what_it_started_itself_ends_with_it(system: System) -> None:
    ref = start(system)
    pid = ref.call(start_a_sleeper)
    assert psutil.pid_exists(pid)

    ref.kill()
    ref.join(PATIENCE)

    until(lambda: is_gone(pid))


def start_a_sleeper(_me: Any) -> int:
    return subprocess.Popen(["sleep", "600"]).pid


def test_no_descriptor_thread_or_process_is_left_after_many_restarts() -> None:
    with System() as system:
        spec = ChildSpec(Obedient, id="a", name="a", isolation="process", restart=Restart.PERMANENT)
        system.start(Supervisor, [spec], max_restarts=10_000)
        me = psutil.Process()
        logging.getLogger("eye.supervision").disabled = True
        try:
            _restart(system, 20)
            before = me.num_fds(), threading.active_count()
            _restart(system, int(os.environ.get("EYE_RESTARTS", "150")))
            gc.collect()
            assert me.num_fds() <= before[0]
            assert threading.active_count() <= before[1] + 1
            until(lambda: not any(is_zombie(one) for one in me.children(recursive=True)))
        finally:
            logging.getLogger("eye.supervision").disabled = False


def is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _restart(system: System, times: int) -> None:
    for _ in range(times):
        ref = named(system, "a")
        inbox = system.inbox()
        ref.monitor(inbox)
        ref.cast(kill_own_os_process)
        assert inbox.get(PATIENCE).reason == KILLED
        until(lambda ref=ref: system.whereis("a") not in (None, ref))
    named(system, "a").call(own_id)  # it has a name before it has sockets


def test_a_border_forgets_what_nobody_over_there_holds(system: System) -> None:
    ref = start(system)
    ref.call(own_id)
    isolated = ref._os_process
    assert isolated is not None

    for _ in range(50):
        ref.call(own_id)

    assert isolated._border.lent < 20  # type: ignore[attr-defined]


@pytest.mark.e2e
def test_when_the_fork_server_is_killed_its_children_end_and_the_next_start_makes_another() -> None:
    with System() as system:
        system.start(Supervisor, [ChildSpec(Obedient, id="a", name="a", isolation="process")])
        first = named(system, "a")
        pid = pid_of(first)

        os.kill(fork_server._servers[-1]._pid, signal.SIGKILL)

        assert first.join(PATIENCE) == KILLED
        until(lambda: is_gone(pid))
        until(lambda: system.whereis("a") not in (None, first))
        assert named(system, "a").call(own_id) == "a"


def test_a_fork_server_that_cannot_begin_is_a_start_that_failed(system: System) -> None:
    program = textwrap.dedent(
        """
        import sys
        from eye.errors import StartFailed
        from eye.supervision import GenServer, System, fork_server
        sys.path.insert(0, "/nowhere")
        fork_server.spawn.set_executable("/bin/false")
        with System() as system:
            try:
                system.start(GenServer, isolation="process")
            except StartFailed as failure:
                print(failure.reason.word)
        """
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        timeout=PATIENCE * 3, env={**os.environ, "PYTHONPATH": str(HOME)},
    )  # fmt: skip

    assert ran.stdout == "IsolationUnavailable\n"


SCRIPT = textwrap.dedent(
    """
    import os, signal, subprocess, sys
    from eye.supervision import ChildSpec, GenServer, Supervisor, System

    print("once", flush=True)

    class Worker(GenServer):
        def handle_call(self, message, caller):
            return os.getpid(), subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL).pid

        def handle_cast(self, message):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                pass

    if __name__ == "__main__":
        system = System()
        system.start(Supervisor, [ChildSpec(Worker, id=word, name=word, isolation="process") for word in "ab"])
        print(*system.call("a", "who"), *system.call("b", "who"), flush=True)
        system.cast("b", "be busy")
        if "--stop" in sys.argv:
            system.whereis("b").kill()
            system.stop()
            print("stopped", flush=True)
        sys.stdin.read()
    """
)


def _run(tmp_path: Path, *arguments: str) -> tuple[subprocess.Popen[str], list[int]]:
    script = tmp_path / "program.py"
    script.write_text(SCRIPT)
    program = subprocess.Popen(
        [sys.executable, str(script), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(HOME)},
    )  # fmt: skip
    assert program.stdout is not None
    lines = [program.stdout.readline(), program.stdout.readline()]
    lines += [program.stdout.readline()] if lines[1] == "once\n" else []
    pids = [int(word) for word in lines[-1].split()]
    return program, pids


@pytest.mark.e2e
def test_no_os_process_outlives_a_program_that_is_killed(tmp_path: Path) -> None:
    program, pids = _run(tmp_path)
    family = psutil.Process(program.pid).children(recursive=True)
    assert set(pids) <= {one.pid for one in family}

    program.kill()
    program.communicate(timeout=PATIENCE)

    until(lambda: all(is_gone(one.pid) for one in family))


@pytest.mark.e2e
def test_nor_one_that_stops_its_system(tmp_path: Path) -> None:
    program, pids = _run(tmp_path, "--stop")
    assert program.stdout is not None

    assert program.stdout.readline() == "stopped\n"

    until(lambda: all(is_gone(pid) for pid in pids))
    assert psutil.Process(program.pid).children() == []
    program.communicate(timeout=PATIENCE)
    assert program.returncode == 0


THREADED_MODULE = """
import threading, time
from eye.supervision import GenServer

threading.Thread(target=time.sleep, args=(600,), daemon=True).start()

class Threaded(GenServer):
    def handle_call(self, message, caller):
        return message
"""


def test_a_module_that_starts_threads_is_left_to_the_children(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module_with_a_thread.py").write_text(THREADED_MODULE)
    program = textwrap.dedent(
        """
        from eye.supervision import System
        import module_with_a_thread as module
        with System() as system:
            for number in range(3):
                ref = system.start(module.Threaded, isolation="process")
                print(ref.call(number))
        """
    )

    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False,
        timeout=PATIENCE * 3, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HOME), str(tmp_path)])},
    )  # fmt: skip

    assert (ran.stdout, ran.stderr) == ("0\n1\n2\n", "")


def test_a_module_that_is_found_only_since_a_moment_ago_is_found_there_too(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(system)
    (tmp_path / "module_of_today.py").write_text(
        "from eye.supervision import GenServer\n\n"
        "class Today(GenServer):\n    def handle_call(self, message, caller):\n        return message\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("module_of_today")

    ref = system.start(module.Today, isolation="process")

    assert ref is not None
    assert ref.call("today") == "today"


def test_a_module_that_is_not_found_there_is_a_start_that_failed_and_says_so(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up = type("MadeUp", (GenServer,), {"__module__": "module_made_up"})
    module = ModuleType("module_made_up")
    module.MadeUp = made_up  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "module_made_up", module)

    with pytest.raises(StartFailed) as failed:
        system.start(made_up, isolation="process")

    assert failed.value.reason.word == "ModuleNotFoundError"


def test_time_passes_there_as_it_does_here(system: System) -> None:
    ref = start(system)

    there = ref.call(monotonic_there)

    assert abs(there - time.monotonic()) < PATIENCE


def monotonic_there(me: Any) -> float:
    return float(me.system.clock.monotonic())
