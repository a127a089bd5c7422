"""What a command pays for before it does anything: only the modules on these lists."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from eye.history.database import url_of
from eye.history.sql_store import SqlStore
from eye.history.store import Row

if TYPE_CHECKING:
    from pathlib import Path

    from eye.monitor.node import Node

_ASK = """
import sys
before = set(sys.modules)
from eye.cli.main import execute
code = execute(sys.argv[1:])
print(*sorted(set(sys.modules) - before), file=sys.stderr)
sys.exit(code)
"""

NEVER = {
    "asyncio",
    "cryptography",
    "email",
    "flask",
    "http",
    "importlib.metadata",
    "json",
    "logging",
    "multiprocessing",
    "psutil",
    "pykka",
    "shutil",
    "sqlalchemy",
    "ssl",
    "subprocess",
    "tempfile",
    "textual",
    "tomllib",
    "werkzeug",
}
"""What neither `--help` nor `fetch` may load: heavy, or of no use to them."""

HELP = {
    "eye",
    "eye.cli",
    "eye.cli.group",
    "eye.cli.main",
    "eye.cli.options",
    "eye.cli.screen",
    "eye.errors",
    "eye.monitor",
    "eye.monitor.clean",
}
FETCH = HELP | {
    "eye.cli.fetch",
    "eye.cli.filtering",
    "eye.cli.forms",
    "eye.cli.globs",
    "eye.cli.looking",
    "eye.cli.settings",
    "eye.clock",
    "eye.cluster",
    "eye.cluster.channel",
    "eye.cluster.codec",
    "eye.cluster.conversation",
    "eye.cluster.discovery",
    "eye.cluster.discovery.local",
    "eye.cluster.dispatch",
    "eye.cluster.frames",
    "eye.cluster.interconnect",
    "eye.cluster.line",
    "eye.cluster.lookup",
    "eye.cluster.node",
    "eye.cluster.registry",
    "eye.cluster.security",
    "eye.cluster.sockets",
    "eye.cluster.switchboard",
    "eye.cluster.tls",
    "eye.exporters",
    "eye.exporters.text",
    "eye.exporters.units",
    "eye.metrics",
    "eye.metrics.catalogue",
    "eye.metrics.custom",
    "eye.metrics.sample",
    "eye.monitor.census",
    "eye.monitor.config",
    "eye.monitor.methods",
    "eye.monitor.node_view",
    "eye.monitor.pace",
    "eye.monitor.tally",
}
OTHERS = {"click", "msgspec", "typing_extensions"}
"""Packages that are no part of Python. msgspec takes `typing_extensions` along where it is installed."""


def loaded(*arguments: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", _ASK, *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stderr.splitlines()[-1].split())


def check(modules: set[str], allowed: set[str], never: set[str] = NEVER) -> None:
    ours = {module for module in modules if module.split(".")[0] == "eye"}
    packages = {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names)
    assert ours <= allowed
    assert {package for package in packages if not package.startswith("_")} <= {"eye", *OTHERS}
    assert modules & never == set()


@pytest.mark.e2e
@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_no_command(arguments: list[str]) -> None:
    # click asks shutil how wide the terminal is.
    check(loaded(*arguments), HELP, NEVER - {"shutil"})


@pytest.mark.e2e
def test_fetch_loads_only_what_it_needs(node: Node) -> None:
    check(loaded("fetch"), FETCH)


@pytest.mark.e2e
def test_history_loads_a_database_and_nothing_of_a_cluster(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    store = SqlStore(url_of(str(file)), time.time)
    store.write([Row("a", time.time(), {"host.cpu": 0.5})])
    store.close()

    modules = loaded("history", "--history", str(file))

    assert {name.split(".")[0] for name in modules} & {"flask", "msgspec", "psutil", "pykka", "textual"} == set()
    assert not any(name.startswith(("eye.cluster", "eye.supervision", "eye.web")) for name in modules)
    assert modules & {"eye.monitor.config", "eye.history.writer"} == set()
