"""The framework by itself: in an environment that holds Pykka and nothing else."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pykka
import pytest

import eye
from tests.supervision.kinds import KINDS

PROGRAM = """
import importlib.util, sys
from eye import ChildSpec, GenServer, Strategy, Supervisor, System
from eye.errors import ServerExited
from eye.testing import ManualClock, drain

for other in ("psutil", "click", "flask", "flask_sock", "msgspec", "pytest", "pip", "setuptools"):
    assert importlib.util.find_spec(other) is None, f"{other} is here too"


class Counter(GenServer):
    def init(self, start):
        self.count = start

    def handle_call(self, message, caller):
        self.count += message
        return self.count

    def handle_cast(self, message):
        raise ValueError(message)


def main(isolation):
    with System() as system:
        system.is_quiet = True
        child = ChildSpec(Counter, args=(40,), name="counter", isolation=isolation)
        top = system.start(Supervisor, [child], strategy=Strategy.ONE_FOR_ALL)
        first = system.whereis("counter")
        assert first.call(2) == 42
        first.cast("enough")
        assert first.join(10).word == "ValueError"
        drain(system)
        assert system.call("counter", 1) == 41
        assert Supervisor.count_children(top).active == 1
        assert system.whereis("counter") is not first
    print(*sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)))


if __name__ == "__main__":
    main(sys.argv[1])
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the framework, Pykka, and nothing else that is not Python's own."""
    home = tmp_path_factory.mktemp("alone")
    venv.create(home / "venv", symlinks=True)
    libraries = home / "libraries"
    libraries.mkdir()
    for package in (eye, pykka):
        folder = Path(str(package.__file__)).parent
        (libraries / folder.name).symlink_to(folder)
    site = next((home / "venv").glob("lib/python*/site-packages"))
    (site / "alone.pth").write_text(f"{libraries}\n", encoding="utf-8")
    (home / "program.py").write_text(PROGRAM, encoding="utf-8")
    return home


@pytest.mark.e2e
@pytest.mark.parametrize("isolation", KINDS)
def test_a_supervisor_runs_where_only_pykka_is_installed(alone: Path, isolation: str) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV"))}

    done = subprocess.run(
        [alone / "venv/bin/python", "-W", "error", "-X", "dev", alone / "program.py", isolation],
        cwd=alone, env=environ, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) - {"__main__", "__mp_main__"} == {"eye", "pykka"}


@pytest.mark.e2e
def test_every_module_of_the_framework_can_be_imported_there_and_takes_nothing_else_along(alone: Path) -> None:
    code = """
import importlib, pkgutil, sys
import eye.supervision, eye.testing
for package in (eye.supervision, eye.testing):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(*sorted(name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names))
"""

    done = subprocess.run(
        [alone / "venv/bin/python", "-I", "-W", "error", "-c", code],
        cwd=alone, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    loaded = {".".join(name.split(".")[:2]) for name in done.stdout.split() if not name.startswith("pykka")}
    assert "eye.supervision" in loaded
    assert loaded - {"__main__", "__mp_main__"} <= {
        "eye",
        "eye.clock",
        "eye.errors",
        "eye.supervision",
        "eye.testing",
    }
