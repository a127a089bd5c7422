"""How each kind of sink tells: log, terminal bell, webhook, command, Apprise.

`sender` makes the function that tells some records. It runs in a task of its own, may take its time (`sink` has
the deadline), and raises `SinkFailed` where it could not. What a webhook and a command read is the same JSON:

    {"version": 1, "from": "the evaluating node", "alerts": [{"rule": "cpu", "node": "web-1", …}]}
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from eye.alerts.leash import leash
from eye.errors import SinkFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eye.alerts.alert import Record
    from eye.alerts.rules import SinkSettings

logger = logging.getLogger("eye.alerts")

_LONGEST_VARIABLE = 1000  # characters: the system takes no environment of any size
_NO_PROGRAM = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOEXEC)  # nor will there be one in a minute
_MOST_SAID = 300  # characters of what a failed sink says
_PASSING = (408, 425, 429)  # of the answers 4xx, those after which it is worth trying again


class _Make(Protocol):
    def __call__(self, settings: SinkSettings, node: str, environ: Mapping[str, str]) -> Callable[..., None]: ...


def sender(settings: SinkSettings, node: str, environ: Mapping[str, str]) -> Callable[[list[Record]], None]:
    """Make what tells the sink of these settings.

    Args:
        settings: its settings, checked.
        node: who tells.
        environ: what a command finds in its environment, besides what it is told.
    """
    return _MAKERS[settings.kind](settings, node, environ)


def sentence(record: Record) -> str:
    """Say a record in one line, harmless to a terminal and to a log."""
    how = "is over" if record["state"] == "resolved" else f"({record['severity']})"
    return _harmless(f"alert {record['rule']} at {record['node']} {how}: {record['text']}")


# ------------------------------------------------------------------------------------ kinds


def _log(settings: SinkSettings, node: str, environ: Mapping[str, str]) -> Callable[[list[Record]], None]:
    del settings, node, environ

    def send(records: list[Record]) -> None:
        for record in records:
            level = logging.ERROR if record["severity"] == "critical" else logging.WARNING
            logger.log(level, "%s", sentence(record))

    return send


def _bell(settings: SinkSettings, node: str, environ: Mapping[str, str]) -> Callable[[list[Record]], None]:
    del node, environ

    def send(records: list[Record]) -> None:
        if all(record["state"] == "resolved" for record in records):
            return  # nobody has to get up for that
        if sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write("\a")
            sys.stderr.flush()
            return
        try:
            with open("/dev/tty", "w") as terminal:
                terminal.write("\a")
        except OSError:
            raise SinkFailed(settings.name, "this node has no terminal to ring at", is_final=True) from None

    return send


def _webhook(settings: SinkSettings, node: str, environ: Mapping[str, str]) -> Callable[[list[Record]], None]:
    del environ
    url, timeout = settings.options["url"], settings.options["timeout"]
    where = f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}"  # the rest may be secret
    headers = {"Content-Type": "application/json", "User-Agent": "sorcerers-eye", **settings.options["headers"]}

    def send(records: list[Record]) -> None:
        from urllib.error import HTTPError, URLError
        from urllib.request import HTTPRedirectHandler, Request, build_opener

        class _NoRedirects(HTTPRedirectHandler):
            def redirect_request(self, *_args: Any) -> None:
                """A POST that is sent elsewhere becomes a GET there: nobody would be told."""

        request = Request(url, data=_as_json(node, records), headers=headers, method="POST")
        try:
            with build_opener(_NoRedirects).open(request, timeout=timeout) as answer:
                answer.read(_MOST_SAID)
        except HTTPError as error:
            with error:
                said = _plain(f"{error.reason} ".encode() + error.read(_MOST_SAID))
            is_final = 300 <= error.code < 500 and error.code not in _PASSING
            raise SinkFailed(settings.name, f"{error.code} {said}".rstrip(), is_final) from None
        except URLError as error:
            raise SinkFailed(settings.name, f"{where}: {error.reason}") from None

    return send


def _command(settings: SinkSettings, node: str, environ: Mapping[str, str]) -> Callable[[list[Record]], None]:
    arguments, timeout = settings.options["command"], settings.options["timeout"]

    def send(records: list[Record]) -> None:
        for record in records:  # one: see `kinds`
            _run(settings.name, arguments, _as_json(node, [record]), {**environ, **_variables(record)}, timeout)

    return send


def _run(sink: str, arguments: Sequence[str], told: bytes, environ: Mapping[str, str], timeout: float) -> None:
    # What it says goes into a file and not a pipe: who writes without end shall not fill our memory.
    with tempfile.TemporaryFile() as said, leash() as tie:
        try:
            # A session of its own, to be ended with all that it has started.
            running = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=dict(environ),
                start_new_session=True,
            )
        except OSError as error:
            problem = f"{arguments[0]}: {(error.strerror or str(error)).lower()}"
            raise SinkFailed(sink, problem, error.errno in _NO_PROGRAM) from None
        tie(running.pid)
        with running:
            try:
                running.communicate(told, timeout)
            except subprocess.TimeoutExpired:
                _end(running)
                raise SinkFailed(sink, f"{arguments[0]} did not end within {timeout:g} s") from None
            except BaseException:
                _end(running)
                raise
        if running.returncode != 0:
            said.seek(0)
            words = _plain(said.read(_MOST_SAID))
            raise SinkFailed(sink, f"{arguments[0]} ended with {running.returncode}: {words}".rstrip(": "))


def _end(running: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError, AttributeError):  # Windows has no groups
        running.kill()


def _apprise(settings: SinkSettings, node: str, environ: Mapping[str, str]) -> Callable[[list[Record]], None]:
    del environ

    def send(records: list[Record]) -> None:
        try:
            import apprise
        except ImportError:
            problem = "Apprise is not installed; pip install 'sorcerers-eye[notify]'"
            raise SinkFailed(settings.name, problem, is_final=True) from None
        notifier = apprise.Apprise()
        for url in settings.options["urls"]:
            if not notifier.add(url):
                scheme = url.partition(":")[0]  # the rest may be secret
                raise SinkFailed(settings.name, f"Apprise cannot make anything of {scheme}:…", is_final=True)
        others = f" and {len(records) - 1} more" if len(records) > 1 else ""
        title = f"{records[0]['rule']} at {records[0]['node']}{others} (from {node})"
        is_bad = any(record["state"] != "resolved" for record in records)
        kind = apprise.NotifyType.WARNING if is_bad else apprise.NotifyType.SUCCESS
        if not notifier.notify(title=title, body="\n".join(map(sentence, records)), notify_type=kind):
            raise SinkFailed(settings.name, "Apprise could not tell it; its own log says why")

    return send


# ----------------------------------------------------------------------------------- within


def _as_json(node: str, records: list[Record]) -> bytes:
    told = {"version": 1, "from": node, "alerts": records}
    return json.dumps(told, separators=(",", ":"), default=str).encode()


def _variables(record: Record) -> dict[str, str]:
    told = {
        "EYE_ALERT_RULE": record["rule"],
        "EYE_ALERT_NODE": record["node"],
        "EYE_ALERT_STATE": record["state"],
        "EYE_ALERT_SEVERITY": record["severity"],
        "EYE_ALERT_TEXT": record["text"],
        "EYE_ALERT_VALUE": "" if record["value"] is None else f"{record['value']:g}",
    }
    return {name: str(value).replace("\0", "")[:_LONGEST_VARIABLE] for name, value in told.items()}


def _plain(said: bytes) -> str:
    """Put what somebody else said on one line, harmless to a terminal and to a log."""
    return _harmless(" ".join(said.decode(errors="replace").split()))


def _harmless(said: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in said)


_MAKERS: dict[str, _Make] = {
    "log": _log,
    "bell": _bell,
    "webhook": _webhook,
    "command": _command,
    "apprise": _apprise,
}
