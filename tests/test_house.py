"""The house stands: storeys, reading orders, and what a first import costs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in (HOME / "eye").rglob("__init__.py"))


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: str(folder.relative_to(HOME)))
def test_every_module_is_in_the_reading_order_of_its_package(folder: Path) -> None:
    name = ".".join(folder.relative_to(HOME).parts)
    text = importlib.import_module(name).__doc__ or ""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in folder.glob("*/__init__.py")}

    assert not modules or "Read in this order" in text
    order = text.partition("Read in this order")[2]
    assert sorted(module for module in modules if module not in order) == []


def test_a_storey_imports_only_what_is_below_it() -> None:
    script = Path(sys.executable).with_name("lint-imports")

    run = subprocess.run([str(script), "--no-cache"], cwd=HOME, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr


def loaded(code: str) -> set[str]:
    script = f"import sys; before = set(sys.modules); {code}; print(*(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", script], cwd=HOME, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_the_framework_needs_pykka_and_nothing_else() -> None:
    strangers = loaded("import eye.supervision") - set(sys.stdlib_module_names) - {"eye", "pykka"}

    assert {name for name in strangers if not name.startswith("_")} <= {"typing_extensions"}


@pytest.mark.parametrize(
    "code",
    [
        "import eye, eye.web",
        "from eye.cli.group import make_group; make_group().get_help(__import__('click').Context(make_group()))",
        "import eye.cli.fetch, eye.cli.looking, eye.monitor.census, eye.exporters.text",
    ],
    ids=["import eye", "help", "fetch"],
)
def test_what_is_not_used_is_not_loaded(code: str) -> None:
    heavy = {"flask", "werkzeug", "textual", "sqlalchemy", "pykka", "psutil", "multiprocessing", "asyncio"}

    assert loaded(code) & heavy == set()
