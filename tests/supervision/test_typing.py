"""What a type checker makes of a call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eye
from eye.supervision import GenServer, Request, System

PROGRAM = """
from dataclasses import dataclass
from typing import Any, NamedTuple

from eye import Caller, GenServer, Ref, Request, System


@dataclass(frozen=True)
class Total(Request[int]):
    since: float


@dataclass(frozen=True)
class Names(Request[list[str]]):
    pass


class Loose(NamedTuple):
    since: float


class Counter(GenServer):
    def handle_call(self, message: Any, caller: Caller) -> Any:
        return 42


def ask(ref: Ref, system: System) -> None:
    reveal_type(ref.call(Total(12.5)))
    reveal_type(ref.call(Names(), timeout=None))
    reveal_type(ref.call(Loose(12.5)))
    reveal_type(system.call("counter", Total(12.5)))
    reveal_type(system.call("counter", "anything"))
"""


@pytest.mark.e2e
def test_mypy_infers_the_reply_of_a_typed_call(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")

    said, complaints, code = api.run(["--strict", "--cache-dir", str(tmp_path / "cache"), str(program)])

    assert code == 0, said + complaints
    revealed = [each.replace("builtins.", "") for each in re.findall(r'Revealed type is "(.*)"', said)]
    assert revealed == ["int", "list[str]", "Any", "int", "Any"]


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(eye.__file__).parent / "py.typed").exists()


def test_a_typed_question_is_asked_like_any_other(system: System) -> None:
    class Double(Request[int]):
        def __init__(self, number: int) -> None:
            self.number = number

    class Doubler(GenServer):
        def handle_call(self, message: Double, caller: object) -> int:
            return 2 * message.number

    ref = system.start(Doubler)
    assert ref is not None

    assert ref.call(Double(21)) == 42
