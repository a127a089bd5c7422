"""The pages tell the truth: their code runs, their drawings are what the code draws, and nothing is left out."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

import eye
from eye import errors
from eye.cli.group import COMMANDS
from eye.cli.main import run as _run  # noqa: F401 - what the console scripts name must exist
from eye.metrics.catalogue import CATALOGUE
from eye.supervision import events

HOME = Path(__file__).parents[2]
PAGES = [HOME / "README.md", *sorted((HOME / "docs").glob("*.md"))]
ALL_TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def load_draw() -> Any:
    spec = importlib.util.spec_from_file_location("draw", HOME / "docs" / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.e2e
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYE_FOLDER", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    namespace: dict[str, Any] = {"__name__": "page"}
    try:
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            exec(compile(block, str(page), "exec"), namespace)
    finally:
        eye.stop_node()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_drawings_are_what_the_code_draws(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert load_draw().redraw(text) == text, "run `python docs/draw.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def options() -> list[str]:
    found = []
    for name in COMMANDS:
        command = importlib.import_module(f"eye.cli.{name}").command
        found += [
            option
            for param in command.params
            if isinstance(param, click.Option) and not param.hidden
            for option in param.opts
            if option.startswith("--")
        ]
    return sorted(set(found))


def test_nothing_is_left_out() -> None:
    wanted = [*COMMANDS, *options(), *(metric.name for metric in CATALOGUE)]
    wanted += [
        name for name, value in vars(errors).items() if isinstance(value, type) and not name.startswith("_")
    ]
    wanted += [value.__name__ for value in events.Event.__subclasses__()]

    def is_told(name: str) -> bool:
        return name in ALL_TEXT or re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() in ALL_TEXT

    assert [name for name in wanted if not is_told(name)] == []


def test_no_path_of_a_machine_is_in_the_repository() -> None:
    run = subprocess.run(["git", "ls-files"], cwd=HOME, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip("this is no checkout")
    suspicious = re.compile("/(?:" + "|".join(["work", "root", "farm"]) + ")/")
    for name in run.stdout.splitlines():
        path = HOME / name
        if path.suffix in {".py", ".md", ".toml", ".js", ".mjs", ".css", ".html", ""} and path.is_file():
            assert not suspicious.search(path.read_text(encoding="utf-8")), name
