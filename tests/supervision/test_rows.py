"""Every fact about OTP that the framework is held to has a test that bears its number.

The table lists the facts (the rows of sections 1 to 14, 16 and 17 of the list they come from) with what
Python may promise: `=` the same for processes in threads and in OS processes; KILL and EDGE the same, as
far as a thread allows, and the test says how far; CHOICE what docs/differences-from-otp.md says. A row
whose mark is not CHOICE must have a test that is run for both kinds.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

ROWS = {
    "ST": "01= 02= 03= 04= 05CHOICE 06= 07= 09= 10= 11=",
    "RT": "01= 03= 04= 07= 08CHOICE",
    "SG": "02= 03= 04= 05= 07= 08= 13=",
    "RI": "01= 02= 03= 04= 06= 08= 09= 11=",
    "API": "01= 03= 04= 06= 07= 09= 10= 12=",
    "SD": "02EDGE 03KILL 04KILL 05= 06= 07CHOICE 08= 09= 10= 11= 12= 14KILL 15=",
    "AS": "01= 02= 05= 06=",
    "DY": "01= 02= 03= 04= 05= 06= 07= 09=",
    "GS": "01= 02= 05= 06= 07= 08= 09= 10= 12= 13CHOICE 14= 15= 16= 17= 19= 20KILL 21= 22= 23= 24= 25= 26=",
    "LM": "01EDGE 02= 03KILL 04= 05= 07= 08= 09= 10=",
    "TM": "01= 02= 03=",
    "RG": "02= 03= 04= 05CHOICE 06= 07CHOICE",
    "PS": "01= 02= 03= 04= 05= 06=",
    "TA": "02EDGE 03= 04=",
    "LG": "01= 02= 03= 05= 06=",
    "OB": "01= 02= 03= 05NODE 06KILL",  # 05 is about a monitor and its nodes, not about processes
}


MARKS = {f"{area}_{row[:2]}": row[2:] for area, rows in ROWS.items() for row in rows.split()}

CHOICES = [*(row for row, mark in MARKS.items() if mark == "CHOICE"), "API_01", "GS_24", "OB_01"]  # these in part


def _tests_by_row() -> dict[str, list[tuple[str, frozenset[str]]]]:
    """Find the tests of each row, and the kinds of process that each is run for."""
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        marks = [ast.unparse(one) for one in module.body if ast.unparse(one).startswith("pytestmark = ")]
        for one in module.body:
            if not isinstance(one, ast.FunctionDef) or not one.name.startswith("test_"):
                continue
            words = " ".join([*marks, *map(ast.unparse, one.decorator_list), *(arg.arg for arg in one.args.args)])
            for row in re.findall(r"(?<=_)[A-Z]{2,3}_\d\d(?=_)", one.name):
                found.setdefault(row, []).append((f"{path.name}::{one.name}", _kinds(words)))
    return found


def _kinds(words: str) -> frozenset[str]:
    if "threads_only" in words:
        return frozenset({"thread"})
    if "os_processes_only" in words:
        return frozenset({"process"})
    return frozenset({"thread", "process"}) if re.search(r"\b(both_kinds|isolation)\b", words) else frozenset()


@pytest.fixture(scope="module")
def tests_by_row() -> dict[str, list[tuple[str, frozenset[str]]]]:
    return _tests_by_row()


@pytest.mark.parametrize(("row", "mark"), MARKS.items())
def test_a_row_has_a_test_for_each_kind_of_process(
    tests_by_row: dict[str, list[tuple[str, frozenset[str]]]], row: str, mark: str
) -> None:
    tests = tests_by_row.get(row, [])
    kinds = frozenset().union(*(kinds for _, kinds in tests))

    assert tests, f"no test is named test_{row}_…"
    if mark not in ("CHOICE", "NODE"):
        names = [name for name, _ in tests]
        assert kinds == {"thread", "process"}, f"{row} is run for {sorted(kinds)} only: {names}"


@pytest.mark.parametrize("row", CHOICES)
def test_a_choice_is_documented(row: str) -> None:
    page = (TESTS.parent / "docs" / "differences-from-otp.md").read_text(encoding="utf-8")

    assert row.replace("_", "-") in page
