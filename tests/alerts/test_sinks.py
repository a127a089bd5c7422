"""The kinds of sinks, against real servers, programs and terminals."""

from __future__ import annotations

import json
import logging
import os
import pty
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from eye.alerts import rule_file
from eye.alerts.sinks import sender
from eye.errors import BadRules, SinkFailed
from eye.testing import until

FIRING: dict[str, Any] = {
    "rule": "cpu", "node": "web-1", "severity": "warning", "state": "firing", "since": 1.0, "fired_at": 2.0,
    "resolved_at": None, "value": 96.0, "text": "CPU Load 96 % for 30 s", "silenced": False,
}  # fmt: skip
OVER = {**FIRING, "state": "resolved", "resolved_at": 3.0, "text": "CPU Load 20 %; it lasted 1 s"}


def make(text: str, name: str = "x") -> Any:
    found = {sink.name: sink for sink in rule_file.read(text, "rules.toml").sinks}
    return sender(found[name], "watcher", {"PATH": os.environ["PATH"], "KEPT": "yes"})


class Server:
    """A real HTTP server that answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.status, self.body, self.location = 204, b"", ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


# --------------------------------------------------------------------------------- webhook


def _hook(url: str, more: str = "") -> Any:
    return make(f'[sinks.x]\ntype = "webhook"\nurl = "{url}"\ntimeout = "1s"\n{more}')


def test_a_webhook_gets_the_records_as_json(server: Server) -> None:
    _hook(f"{server.url}/hook?a=b", 'headers = { Authorization = "Bearer x" }')([FIRING, OVER])

    ((path, headers, body),) = server.got
    assert path == "/hook?a=b"
    assert (headers["Content-Type"], headers["Authorization"]) == ("application/json", "Bearer x")
    assert body == {"version": 1, "from": "watcher", "alerts": [FIRING, OVER]}


@pytest.mark.parametrize(("status", "is_final"), [
    (500, False), (503, False), (429, False), (408, False), (400, True), (404, True), (401, True),
])  # fmt: skip
def test_what_a_server_refuses_is_tried_again_if_that_may_help(
    server: Server, status: int, is_final: bool
) -> None:
    server.status, server.body = status, b"go\n  away"

    with pytest.raises(SinkFailed, match=f"{status} .* go away") as failed:
        _hook(server.url)([FIRING])

    assert failed.value.is_final is is_final


def test_a_redirection_is_not_followed(server: Server) -> None:
    server.status, server.location = 302, f"{server.url}/elsewhere"

    with pytest.raises(SinkFailed, match="302") as failed:
        _hook(server.url)([FIRING])

    assert failed.value.is_final
    assert [path for path, _, _ in server.got] == ["/"]


def test_where_nobody_listens_it_may_help_to_try_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(SinkFailed, match="refused") as failed:
        _hook(f"http://127.0.0.1:{port}")([FIRING])

    assert not failed.value.is_final


def test_what_is_secret_in_an_address_is_not_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(SinkFailed) as failed:
        _hook(f"http://me:password@127.0.0.1:{port}/services/T0KEN?key=T0KEN")([FIRING])

    assert f"http://127.0.0.1:{port}: " in str(failed.value)
    assert "T0KEN" not in str(failed.value)
    assert "password" not in str(failed.value)


@pytest.mark.parametrize("url", ["https://example.org/a T0KEN", "https://example.org/\\u0007T0KEN"])
def test_an_address_that_could_not_be_called_is_a_mistake_of_the_file(url: str) -> None:
    with pytest.raises(BadRules, match="an address is expected"):
        _hook(url)


def test_what_a_server_says_is_harmless(server: Server) -> None:
    server.status, server.body = 500, b"\x1b]0;owned\x07 no"

    with pytest.raises(SinkFailed) as failed:
        _hook(server.url)([FIRING])

    assert str(failed.value).isprintable()


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises((SinkFailed, TimeoutError), match="timed out"):
            _hook(f"http://127.0.0.1:{silent.getsockname()[1]}")([FIRING])

    assert time.monotonic() - began < 10  # one second is allowed; a busy machine gets the rest


# --------------------------------------------------------------------------------- command


def _program(folder: Path, body: str, interpreter: str = sys.executable) -> str:
    path = folder / "program"
    path.write_text(f"#!{interpreter}\n{body}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f'[sinks.x]\ntype = "command"\ncommand = ["{path}", "a b; $HOME"]\ntimeout = "{{}}"\n'


def test_a_program_gets_the_record_on_its_standard_input_and_in_its_environment(tmp_path: Path) -> None:
    body = (
        "import json, os, sys\n"
        "told = {k: v for k, v in os.environ.items() if k.startswith(('EYE_ALERT_', 'KEPT'))}\n"
        f"open({str(tmp_path / 'got')!r}, 'w').write(json.dumps([sys.argv[1:], json.load(sys.stdin), told]))\n"
    )

    make(_program(tmp_path, body).format("10s"))([FIRING])

    arguments, told, environment = json.loads((tmp_path / "got").read_text())
    assert arguments == ["a b; $HOME"]  # no shell has seen it
    assert told == {"version": 1, "from": "watcher", "alerts": [FIRING]}
    assert environment == {
        "KEPT": "yes",
        "EYE_ALERT_RULE": "cpu",
        "EYE_ALERT_NODE": "web-1",
        "EYE_ALERT_STATE": "firing",
        "EYE_ALERT_SEVERITY": "warning",
        "EYE_ALERT_TEXT": "CPU Load 96 % for 30 s",
        "EYE_ALERT_VALUE": "96",
    }


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(SinkFailed, match="ended with 3: no paper") as failed:
        make(_program(tmp_path, "import sys; sys.stderr.write('no paper'); sys.exit(3)").format("10s"))([FIRING])

    assert not failed.value.is_final


def test_a_program_that_is_not_there_is_not_tried_again() -> None:
    with pytest.raises(SinkFailed, match="no such file") as failed:
        make('[sinks.x]\ntype = "command"\ncommand = ["/no/such/program"]')([FIRING])

    assert failed.value.is_final


def test_a_file_that_is_no_program_is_not_tried_again(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program")
    text.chmod(0o700)

    with pytest.raises(SinkFailed, match="exec format error") as failed:
        make(f'[sinks.x]\ntype = "command"\ncommand = ["{text}"]')([FIRING])

    assert failed.value.is_final


def test_a_program_that_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    # A shell, not Python: on a busy machine two interpreters take their time to begin.
    text = _program(tmp_path, f"sleep 60 &\necho $! > {tmp_path / 'pid'}\nwait\n", "/bin/sh").format("5s")

    with pytest.raises(SinkFailed, match="did not end within 5 s"):
        make(text)([FIRING])

    pid = int((tmp_path / "pid").read_text())
    until(lambda: _is_gone(pid))


def test_where_there_are_no_groups_a_program_that_hangs_is_ended_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "killpg")

    with pytest.raises(SinkFailed, match="did not end within 1 s"):
        make(_program(tmp_path, "exec sleep 60\n", "/bin/sh").format("1s"))([FIRING])


_TELLS = """
import json, os, sys
from eye.alerts import rule_file
from eye.alerts.sinks import sender
(sink,) = [one for one in rule_file.read(open(sys.argv[1]).read(), "rules.toml").sinks if one.name == "x"]
sender(sink, "watcher", dict(os.environ))([json.loads(sys.argv[2])])
"""


def test_a_program_does_not_outlive_a_killed_node_nor_does_what_it_has_started(tmp_path: Path) -> None:
    body = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'new')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(tmp_path / 'new')!r}, {str(tmp_path / 'pids')!r})\n"
        "time.sleep(60)\n"
    )
    text = _program(tmp_path, body).format("50s")
    (tmp_path / "rules.toml").write_text(text)
    node = subprocess.Popen([sys.executable, "-c", _TELLS, str(tmp_path / "rules.toml"), json.dumps(FIRING)])
    until((tmp_path / "pids").exists, 20)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]

    node.kill()
    node.wait()

    until(lambda: all(_is_gone(pid) for pid in pids), 10)


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    except OSError:
        return True


def test_a_program_that_does_not_read_is_no_trouble(tmp_path: Path) -> None:
    make(_program(tmp_path, "").format("10s"))([{**FIRING, "text": "x" * 1_000_000}])


# ----------------------------------------------------------------------- log, bell, Apprise

# It imports what the next Python will not have.
apprise = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_log_says_a_line_of_each_and_nothing_that_does_harm(caplog: pytest.LogCaptureFixture) -> None:
    bad = {**FIRING, "severity": "critical", "text": "down\n\x1b[31m for 10 s"}

    make("", "log")([FIRING, OVER, bad])

    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.WARNING, "alert cpu at web-1 (warning): CPU Load 96 % for 30 s"),
        (logging.WARNING, "alert cpu at web-1 is over: CPU Load 20 %; it lasted 1 s"),
        (logging.ERROR, "alert cpu at web-1 (critical): down??[31m for 10 s"),
    ]


def test_the_bell_rings_at_the_terminal_when_something_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        ring = make("[sinks.bell]", "bell")

        ring([OVER])
        ring([OVER, FIRING])

        heard = os.read(ours, 10)
    os.close(ours)
    assert heard == b"\a"


@apprise
def test_apprise_tells_a_real_server(server: Server) -> None:
    where = server.url.removeprefix("http://")

    make(f'[sinks.x]\ntype = "apprise"\nurls = ["json://{where}/"]')([FIRING, OVER])

    ((_, _, body),) = server.got
    assert body["title"] == "cpu at web-1 and 1 more (from watcher)"
    assert body["message"].splitlines() == [
        "alert cpu at web-1 (warning): CPU Load 96 % for 30 s",
        "alert cpu at web-1 is over: CPU Load 20 %; it lasted 1 s",
    ]
    assert body["type"] == "warning"


@apprise
def test_apprise_says_what_it_can_make_nothing_of_without_its_secrets() -> None:
    with pytest.raises(SinkFailed, match="cannot make anything of owl:…") as failed:
        make('[sinks.x]\ntype = "apprise"\nurls = ["owl://secret@night"]')([FIRING])

    assert failed.value.is_final
    assert "secret" not in str(failed.value)


@apprise
def test_apprise_that_is_not_told_may_be_tried_again(server: Server) -> None:
    server.status = 500

    with pytest.raises(SinkFailed) as failed:
        make(f'[sinks.x]\ntype = "apprise"\nurls = ["json://{server.url.removeprefix("http://")}/"]')([FIRING])

    assert not failed.value.is_final


def test_without_apprise_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(SinkFailed, match=r"sorcerers-eye\[notify\]") as failed:
        make('[sinks.x]\ntype = "apprise"\nurls = ["json://x"]')([FIRING])

    assert failed.value.is_final
