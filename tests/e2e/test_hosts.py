"""A node in programs that are not ours: Flask, Pykka, a plain script, and those that fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

FETCH = [sys.executable, "-m", "eye.cli.main"]
SOON = 20.0


class Host:
    """A program of somebody's, in an OS process. It tells what it does, a line each, and goes on when told to."""

    def __init__(self, folder: Path, program: str, *arguments: str) -> None:
        self.folder = folder
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EYE_")},
            "EYE_FOLDER": str(folder / "run"),
            "EYE_COOKIE_FILE": str(folder / "cookie"),
            "PYTHONUNBUFFERED": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), *arguments],
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def told(self) -> Any:
        """Wait for the next line it tells, and read it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        return json.loads(line)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Let it end by itself; give its exit code and what it said on stderr."""
        _, said = self.process.communicate(timeout=SOON)
        return self.process.returncode, said

    def ask(self, *arguments: str) -> Any:
        done = subprocess.run(
            [*FETCH, *arguments], env=self.environ, capture_output=True, text=True, timeout=SOON, check=False
        )
        return json.loads(done.stdout) if done.stdout else done.stderr

    def statuses(self) -> dict[str, str]:
        told = self.ask("nodes", "--format", "json")
        return {} if isinstance(told, str) else {node["node"]: node["status"] for node in told["nodes"]}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    hosts: list[Host] = []

    def start(program: str, *arguments: str) -> Host:
        hosts.append(Host(tmp_path, program, *arguments))
        return hosts[-1]

    yield start
    for one in hosts:
        one.process.kill()
        one.process.communicate()


# ------------------------------------------------------------------------- nothing of the host is disturbed

NEUTRAL = """
    import atexit, decimal, faulthandler, gc, json, locale, logging, logging.handlers, multiprocessing
    import multiprocessing.util, os, random, signal, socket, sys, threading, time, warnings

    # A host with habits of its own.
    logging.basicConfig(level=logging.ERROR, format="host: %(message)s")
    logging.getLogger("host").addHandler(logging.NullHandler())
    warnings.simplefilter("error", ResourceWarning)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    signal.signal(signal.SIGUSR1, lambda *_: None)
    sys.excepthook = lambda *_: None
    threading.excepthook = lambda *_: None
    decimal.getcontext().prec = 9
    socket.setdefaulttimeout(7.5)
    gc.set_threshold(900, 11, 12)
    random.seed(4)
    exits, register, unregister = [], atexit.register, atexit.unregister
    atexit.register = lambda do, *args, **more: (exits.append(do.__name__), register(do, *args, **more))[1]
    atexit.unregister = lambda do: (exits.remove(do.__name__) if do.__name__ in exits else None, unregister(do))[1]
    before_all = random.getstate()

    def state():
        return {
            "signal handlers": {int(one): repr(signal.getsignal(one)) for one in signal.valid_signals()},
            "wake-up descriptor": signal.set_wakeup_fd(signal.set_wakeup_fd(-1)),
            "blocked signals": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
            "timers": [signal.getitimer(one) for one in (signal.ITIMER_REAL, signal.ITIMER_PROF)],
            "root logger": [*map(repr, logging.root.handlers), logging.root.level, logging.root.disabled],
            "loggers of the host": [repr(logging.getLogger("host").handlers), logging.getLogger("host").level],
            "handlers and levels of our loggers": {
                name: [repr(one.handlers), one.level, one.propagate]
                for name, one in logging.root.manager.loggerDict.items()
                if name.split(".")[0] == "eye" and isinstance(one, logging.Logger)
                and (one.handlers or one.level or not one.propagate)
            },
            "logging": [logging.raiseExceptions, logging.root.manager.disable, repr(logging.getLoggerClass()),
                        repr(logging.getLogRecordFactory())],
            "sys.excepthook": repr(sys.excepthook),
            "threading.excepthook": repr(threading.excepthook),
            "sys.unraisablehook": repr(sys.unraisablehook),
            "tracing": [repr(sys.gettrace()), repr(sys.getprofile()), repr(threading.gettrace())],
            "warnings": [repr(one) for one in warnings.filters] + [repr(warnings.showwarning)],
            "exit handlers": exits[:],
            "sys.path": sys.path[:],
            "import hooks": [repr(sys.meta_path), repr(sys.path_hooks)],
            "environment": dict(os.environ),
            "locale": locale.setlocale(locale.LC_ALL),
            "decimal context": repr(decimal.getcontext()),
            "default timeout of sockets": socket.getdefaulttimeout(),
            "garbage collector": [gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks[:] == []],
            "start method": multiprocessing.get_start_method(allow_none=True),
            "authentication key": multiprocessing.current_process().authkey.hex(),
            "children": [repr(one) for one in multiprocessing.active_children()],
            "streams": [repr(sys.stdin), repr(sys.stdout), repr(sys.stderr)],
            "switch interval": sys.getswitchinterval(),
            "recursion limit": sys.getrecursionlimit(),
            "stack size of threads": threading.stack_size(),
            "fault handler": faulthandler.is_enabled(),
            "chance": random.getstate() == before_all,
            "umask": [os.umask(0o22), os.umask(0o22)][1:],
            "working folder": os.getcwd(),
            "CPUs": sorted(os.sched_getaffinity(0)),
            "priority": os.nice(0),
        }

    before = state()
    import eye
    node = eye.start_node("guest")
    list(node.view.nodes())
    time.sleep(2.5)  # two samples, and whatever else it does by itself
    during = state()
    eye.stop_node()
    after = state()
    threads = sorted(one.name for one in threading.enumerate())
    print(json.dumps({"before": before, "during": during, "after": after, "threads": threads}))
"""

EXPECTED = (
    "signal handlers", "wake-up descriptor", "blocked signals", "timers", "root logger", "loggers of the host",
    "handlers and levels of our loggers", "logging", "sys.excepthook", "threading.excepthook",
    "sys.unraisablehook", "tracing", "warnings", "exit handlers", "sys.path", "import hooks", "environment",
    "locale", "decimal context", "default timeout of sockets", "garbage collector", "start method",
    "authentication key", "children", "streams", "switch interval", "recursion limit", "stack size of threads",
    "fault handler", "chance", "umask", "working folder", "CPUs", "priority",
)  # fmt: skip

WHILE_IT_RUNS = {"exit handlers": ["stop_node"]}
"""What is there besides while a node runs: one handler, which stops it when the program ends."""


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    host = Host(tmp_path_factory.mktemp("neutral"), NEUTRAL)
    told = host.told()
    assert host.end() == (0, "")
    return dict(told)


@pytest.mark.parametrize("what", EXPECTED)
def test_a_node_leaves_the_program_as_it_was(states: dict[str, Any], what: str) -> None:
    before, during, after = (states[when][what] for when in ("before", "during", "after"))

    assert during == (before + WHILE_IT_RUNS[what] if what in WHILE_IT_RUNS else before)
    assert after == before


def test_everything_that_was_looked_at_is_in_the_table(states: dict[str, Any]) -> None:
    assert set(states["before"]) == set(EXPECTED)


def test_no_thread_is_left_behind(states: dict[str, Any]) -> None:
    assert states["threads"] == ["MainThread"]


# --------------------------------------------------------------------------------- three kinds of hosts

FLASK = """
    import json, sys, threading
    import eye
    from flask import Flask
    from werkzeug.serving import make_server

    app = Flask(__name__)

    @app.get("/")
    def orders():
        return "orders"

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps(server.server_port))
    sys.stdin.readline()
    eye.start_node("shop")
    print(json.dumps("up"))
    sys.stdin.readline()
    eye.stop_node()
    print(json.dumps("stopped"))
    sys.stdin.readline()
    server.shutdown()
"""

PYKKA = """
    import json, sys
    import pykka, eye

    class Till(pykka.ThreadingActor):
        def on_receive(self, message):
            message.wait(30)  # busy with the first, the others lie

    import threading
    is_over = threading.Event()
    tills = [Till.start() for _ in range(3)]
    for till in tills:
        for _ in range(4):
            till.tell(is_over)
    eye.start_node("market")
    print(json.dumps("up"))
    sys.stdin.readline()
    is_over.set()
    pykka.ActorRegistry.stop_all()
    print(json.dumps([len(pykka.ActorRegistry.get_all()), eye.start_node().is_alive]))
    sys.stdin.readline()
"""

SCRIPT = """
    import json, sys
    import eye

    node = eye.start_node("script")
    print(json.dumps("up"))
    sys.stdin.readline()
"""


def get(port: int) -> str:
    from urllib.request import urlopen

    with urlopen(f"http://127.0.0.1:{port}/", timeout=SOON) as answer:
        return str(answer.read().decode())


def test_a_flask_app_that_runs_becomes_a_node_and_is_none_again(host: Callable[..., Host]) -> None:
    shop = host(FLASK)
    port = shop.told()
    assert get(port) == "orders"

    shop.go_on()
    assert shop.told() == "up"
    assert (get(port), shop.statuses()) == ("orders", {"shop": "up"})
    shop.go_on()
    assert shop.told() == "stopped"

    assert get(port) == "orders"
    assert not list((shop.folder / "run").iterdir())
    shop.go_on()
    assert shop.end()[0] == 0


def test_actors_that_know_nothing_of_supervision_are_listed_and_their_end_is_not_ours(
    host: Callable[..., Host],
) -> None:
    market = host(PYKKA)
    assert market.told() == "up"

    listed = market.ask("processes", "market", "--format", "json")
    tills = [one for one in listed["processes"] if one["path"].startswith("pykka/Till-")]
    assert [(one["mailbox"], one["module"]) for one in tills] == [(3, "__main__.Till")] * 3

    market.go_on()
    assert market.told() == [0, True]  # `stop_all` has stopped the host's actors, and none of ours
    assert market.statuses() == {"market": "up"}
    market.go_on()
    assert market.end() == (0, "")


def test_a_script_that_ends_without_a_word_takes_its_node_with_it(host: Callable[..., Host]) -> None:
    script = host(SCRIPT)
    assert script.told() == "up"
    assert script.statuses() == {"script": "up"}

    script.go_on()

    assert script.end() == (0, "")
    assert not list((script.folder / "run").iterdir())


# ---------------------------------------------------------------------------------------- those that fork

FORK = """
    import json, multiprocessing, os, sys, warnings
    import eye
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 says of every fork that there are threads

    def open_now():
        links = [f"/proc/self/fd/{one}" for one in os.listdir("/proc/self/fd")]
        return {os.readlink(one) for one in links if os.path.lexists(one)}

    def in_the_child():
        still_open = sorted(listening & open_now())
        node.stop()
        eye.stop_node()
        own = eye.start_node("child")
        print(json.dumps([node.is_alive, still_open, own.is_alive, own.name]), flush=True)
        os.read(ears, 1)
        if sys.argv[1] == "os.fork":
            sys.exit(0)  # as if nothing was: its own node goes with it
        eye.stop_node()  # `multiprocessing` ends its processes without exit handlers

    node = eye.start_node("parent")
    port = int(node.address.rpartition(":")[2])
    lines = [line.split() for line in open("/proc/net/tcp")]
    ours = [line for line in lines if line[1].endswith(f":{port:04X}") and line[3] == "0A"]
    listening = {f"socket:[{line[9]}]" for line in ours}
    assert listening & open_now()
    ears, mouth = os.pipe()

    if sys.argv[1] == "os.fork":
        if (pid := os.fork()) == 0:
            in_the_child()
        sys.stdin.readline()
        os.write(mouth, b"!")
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    else:
        child = multiprocessing.get_context("fork").Process(target=in_the_child)
        child.start()
        sys.stdin.readline()
        os.write(mouth, b"!")
        child.join()
        code = child.exitcode
    print(json.dumps([code, node.is_alive]))
    sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["os.fork", "multiprocessing"])
def test_a_forked_process_begins_without_the_node_and_may_have_one_of_its_own(
    host: Callable[..., Host], how: str
) -> None:
    parent = host(FORK, how)

    assert parent.told() == [False, [], True, "child"]  # not alive there, and its port is not held open
    assert parent.statuses() == {"parent": "up", "child": "up"}
    parent.go_on()
    assert parent.told() == [0, True]
    assert parent.statuses() == {"parent": "up"}  # what the child has taken away was its own
    parent.go_on()
    assert parent.end() == (0, "")
    assert not list((parent.folder / "run").iterdir())


PREFORK = """
    import json, os, sys, time
    import eye

    node = eye.start_node("master")
    pid = os.fork()
    if pid == 0:
        time.sleep(60)  # a worker that knows nothing of it
        os._exit(0)
    print(json.dumps(pid))
    sys.stdin.readline()
"""


def test_a_worker_that_was_forked_does_not_keep_a_dead_master_looking_alive(host: Callable[..., Host]) -> None:
    master = host(PREFORK)
    worker = master.told()
    try:
        assert master.statuses() == {"master": "up"}

        master.process.kill()
        master.process.wait()

        os.kill(worker, 0)  # it lives, with a copy of everything that the master had open
        assert "up" not in master.statuses().values()
    finally:
        os.kill(worker, 9)


def test_a_start_method_may_still_be_chosen(host: Callable[..., Host]) -> None:
    one = host(
        """
        import json, multiprocessing
        import eye
        eye.start_node("early")
        multiprocessing.set_start_method("spawn")
        print(json.dumps(multiprocessing.get_start_method()))
        """
    )

    assert one.told() == "spawn"
    assert one.end() == (0, "")


ENDS = """
    import sys
    import eye
    node = eye.start_node("ender", history="off")
    for use in sys.argv[1:]:
        if use == "look":
            node.view.fresh()
        elif use == "serve":
            import eye.web
            eye.web.serve(node)
"""


@pytest.mark.parametrize("uses", [[], ["look"], ["look", "serve"]], ids=" ".join)
def test_a_program_of_different_pythons_that_just_ends_says_nothing(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch, uses: list[str]
) -> None:
    for python in [sys.executable, *os.environ.get("EYE_OTHER_PYTHONS", "").split()]:
        monkeypatch.setattr(sys, "executable", python)

        assert host(ENDS, *uses).end() == (0, ""), python
