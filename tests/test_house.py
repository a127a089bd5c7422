"""The house of DESIGN: storeys, reading orders, sizes, and what an import pulls in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
EYE = HOME / "eye"
MODULES = sorted(EYE.rglob("*.py"))
PACKAGES = [module.parent for module in MODULES if module.name == "__init__.py"]

USUAL_LINES = 300
LONGER = {
    "errors.py": 900,  # the whole tree of errors, by design in one file
    "monitor/node.py": 360,  # one class: a node, running
    "monitor/view.py": 420,  # one class: all that screens see
    "web/lobby.py": 340,  # one thread, and all that it looks at
    "supervision/gen_server.py": 310,  # one class: what one writes, and the calls of it
    "supervision/isolated.py": 310,  # one class: what stands in the parent for a server elsewhere
    "supervision/ref.py": 560,  # one class: all that one can do with a process
    "supervision/system.py": 330,  # one class: all that processes share
    "tui/app.py": 320,  # one class: all that Textual is told
    "cluster/members.py": 340,  # one process
    "cluster/line.py": 340,  # one connection
    "cluster/switchboard.py": 340,  # one loop
    "cluster/remote_desk.py": 400,  # one process
    "cluster/membership.py": 440,  # one state machine and its tables
}


def _name(path: Path) -> str:
    return str(path.relative_to(EYE.parent))


def _reading_order(package: Path) -> list[str]:
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    listed = re.search(r"Read in this order:\s+(.*?)\.(?:\s|$)", text, re.DOTALL)
    assert listed, f"{_name(package)}: its docstring lacks «Read in this order: …»"
    return re.split(r",\s+", listed.group(1))


@pytest.mark.parametrize("package", PACKAGES, ids=_name)
def test_a_package_opens_with_its_reading_order(package: Path) -> None:
    there = {path.stem for path in package.glob("*.py") if path.name != "__init__.py"}
    there |= {path.parent.name for path in package.glob("*/__init__.py")}

    order = _reading_order(package)

    assert len(order) == len(set(order))
    assert set(order) == there


@pytest.mark.parametrize("package", PACKAGES, ids=_name)
def test_each_file_stands_on_those_before_it(package: Path) -> None:
    order = _reading_order(package)
    ahead = [
        f"{path.relative_to(package)} imports {later}"
        for place, one in enumerate(order)
        for path in [package / f"{one}.py", *(package / one).rglob("*.py")]
        for later in _siblings_imported_by(path, package)
        if later in order[place + 1 :]
    ]

    assert ahead == [], "what a file needs as it is loaded comes before it in the reading order"


def _siblings_imported_by(path: Path, package: Path) -> set[str]:
    """Answer which modules of `package` are imported when `path` is; not those for type checkers alone."""
    if not path.exists():
        return set()
    here = f"{'.'.join(package.relative_to(HOME).parts)}."
    names: list[str] = []
    for line in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(line, ast.ImportFrom):
            names += [f"{line.module}.{each.name}" for each in line.names]
        elif isinstance(line, ast.Import):
            names += [each.name for each in line.names]
    return {name.removeprefix(here).partition(".")[0] for name in names if name.startswith(here)}


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_a_file_holds_one_idea(module: Path) -> None:
    limit = LONGER.get(str(module.relative_to(EYE)), USUAL_LINES)

    assert len(module.read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_a_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_a_storey_imports_only_those_below() -> None:
    pytest.importorskip("importlinter")
    code = "import sys; from importlinter.cli import lint_imports_command as c; c(sys.argv[1:])"

    done = subprocess.run(
        [sys.executable, "-c", code, "--config", str(HOME / "pyproject.toml"), "--no-cache"],
        cwd=HOME, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("library", "know"),
    [("pykka", ["supervision/process.py"]), ("psutil", ["metrics/psutil_probe.py", "metrics/psutil_rarely.py"])],
)
def test_few_files_know_the_library(library: str, know: list[str]) -> None:
    importing = [
        str(module.relative_to(EYE))
        for module in MODULES
        if re.search(rf"^\s*(import|from) {library}\b", module.read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert importing == know


def test_the_framework_pulls_in_nothing_but_pykka() -> None:
    code = (
        "import sys; import eye.supervision, eye.testing; from eye import *\n"
        "assert issubclass(Supervisor, GenServer)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {_paths()!r}\n{code}"],
        capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip

    assert set(done.stdout.split()) - {"__main__"} <= {"eye", "pykka"}


def _paths() -> list[str]:
    import pykka

    return [str(HOME), str(Path(pykka.__file__).parents[1])]
