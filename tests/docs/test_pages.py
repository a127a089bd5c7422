"""The pages tell the truth: their code runs, their drawings are what the code draws, and nothing is left out."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import eye
from eye import errors
from eye.cli.group import COMMANDS
from eye.cli.main import run as _run  # noqa: F401 - what the console scripts name must exist
from eye.metrics.catalogue import CATALOGUE
from eye.monitor import chronicle
from eye.supervision import events

HOME = Path(__file__).parents[2]
PAGES = [HOME / "README.md", *sorted((HOME / "docs").rglob("*.md"))]
ALL_TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def load_draw() -> Any:
    spec = importlib.util.spec_from_file_location("draw", HOME / "docs" / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# A block of Python and, where a block of text follows at once, what it prints.
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
# A block that begins with a file's name is that file, and is there to be imported.
FILE = re.compile(r"# (\w+\.py)\n")


@pytest.mark.e2e
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs_and_prints_what_follows_it(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EYE_FOLDER", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("EYE_NAME", "EYE_LISTEN", "EYE_CONNECT", "EYE_COOKIE_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("threading.excepthook", threading.excepthook)  # a page may set its own
    monkeypatch.syspath_prepend(tmp_path)
    text = page.read_text(encoding="utf-8")
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # where dataclasses look their own module up
    try:
        for block in BLOCK.finditer(text):
            above = "\n" * (text.count("\n", 0, block.start()) + 1)  # a traceback names the line of the page
            if file := FILE.match(block[1]):
                (tmp_path / file[1]).write_text(block[1], encoding="utf-8")
                continue
            exec(compile(above + block[1], str(page), "exec"), module.__dict__)
            printed = capsys.readouterr().out
            assert block[2] is None or printed == block[2]
    finally:
        eye.stop_node()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_drawings_are_what_the_code_draws(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert load_draw().redraw(text) == text, "run `python docs/draw.py`"


def test_every_drawing_is_in_a_page() -> None:
    draw = load_draw()

    assert sorted(name for page in PAGES for name in draw.names_in(page.read_text("utf-8"))) == sorted(
        draw.DRAWINGS
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, _, heading in re.findall(r"\]\(([^)#]*)(#([^)]+))?\)", page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not heading or heading in headings(there), f"{target}#{heading}"


def headings(page: Path) -> list[str]:
    """Answer what the headings of a page are linked by."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines]


def test_every_page_is_in_the_index() -> None:
    index = HOME / "docs" / "index.md"
    linked = {index, *(index.parent / target for target in re.findall(r"\]\(([^)#]+)", index.read_text("utf-8")))}

    assert set((HOME / "docs").rglob("*.md")) - linked == set()


LESSONS = sorted((HOME / "docs" / "tutorial").glob("*.md"))


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.name)
def test_a_lesson_is_short_and_ends_in_something_to_keep_and_something_to_do(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parts = [
        "\n## What you know now\n",
        "\n**Exercise.** ",
        "\n<details><summary>A solution</summary>\n",
        "\n</details>\n",
    ]
    places = [text.find(part) for part in parts]

    assert -1 not in places
    assert places == sorted(places)
    assert len(text.split()) < 2000, "ten minutes at two hundred words a minute"


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


def variables() -> list[str]:
    """The environment variables of the options, and those that the code names besides."""
    found = set()
    for name in COMMANDS:
        settings = importlib.import_module(f"eye.cli.{name}").command.settings()
        found |= {option.variables(name)[-1] for option in settings.values()}
    for path in (HOME / "eye").rglob("*.py"):
        found |= set(re.findall(r"\bEYE_[A-Z][A-Z_]+\b", path.read_text(encoding="utf-8")))
    return sorted(found)


def test_nothing_is_left_out() -> None:
    wanted = [*COMMANDS, *options(), *(metric.name for metric in CATALOGUE)]
    wanted += [
        name for name, value in vars(errors).items() if isinstance(value, type) and not name.startswith("_")
    ]
    wanted += [value.__name__ for value in events.Event.__subclasses__()]
    wanted += sorted(chronicle._WHAT.values())
    wanted += variables()

    def is_told(name: str) -> bool:
        in_snake_case = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        return any(re.search(rf"(?<![\w-]){each}(?![\w-])", ALL_TEXT) for each in (name, in_snake_case))

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
