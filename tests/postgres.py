"""A PostgreSQL server of our own, for tests: in a folder of its own, reached through a socket in that folder.

PostgreSQL refuses to run as root; then it runs as `postgres`, or as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import pytest

_FOLDERS = "/usr/lib/postgresql"  # where Debian keeps what is for servers
_PATIENCE = 40.0  # seconds
_MISSING = "no PostgreSQL on this machine; apt install postgresql"


def _programs() -> Path:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    folders = sorted(Path(_FOLDERS).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].partition(".")[0]))
    if not folders:
        pytest.skip(_MISSING)
    return folders[-1].parent


class Postgres:
    """One server. `stop` it in the end."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="eye-pg-", dir="/tmp"))  # short: it holds a socket
        self._user = self._find_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        if self._user is not None:
            shutil.chown(self._folder, *self._user)
        self._run("initdb", "-D", self._data, "-U", "eye", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    @staticmethod
    def _find_user() -> tuple[int, int] | None:
        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return found.pw_uid, found.pw_gid
        pytest.skip("root runs no PostgreSQL, and there is nobody else")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _options(self) -> dict[str, object]:
        if self._user is None:
            return {}
        return {"user": self._user[0], "group": self._user[1], "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True, cwd=self._folder, stdout=subprocess.DEVNULL, timeout=60, **self._options(),  # type: ignore[call-overload]
        )  # fmt: skip

    def start(self) -> None:
        """Start the server, and wait until it lets us in."""
        settings = {
            "unix_socket_directories": str(self._folder), "listen_addresses": "", "fsync": "off",
            "shared_buffers": "16MB", "max_connections": "30", "logging_collector": "off",
        }  # fmt: skip
        arguments = [one for name, value in settings.items() for one in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", self._data, *arguments],
            cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            process_group=0, **self._options(),  # type: ignore[call-overload]
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self.query("SELECT 1")
            except Exception:
                assert self._process.poll() is None, "PostgreSQL did not start"
                assert time.monotonic() < deadline, "PostgreSQL lets nobody in"
                time.sleep(0.05)
            else:
                return

    def query(self, statement: str) -> None:
        """Have a statement carried out, outside of transactions."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def url(self, database: str) -> str:
        return f"postgresql://eye@/{database}?host={self._folder}"

    def new_database(self) -> str:
        """Make a database that is empty; answer its URL."""
        name = f"test_{next(self._numbers)}"
        self.query(f"CREATE DATABASE {name}")
        return self.url(name)

    def kill(self) -> None:
        """Let it end at once, without a word to those who are connected."""
        self._end(signal.SIGQUIT)  # the server's own «immediate»: a SIGKILL would leave its children behind

    def stop(self) -> None:
        """End it, and leave nothing behind."""
        self._end(signal.SIGINT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
