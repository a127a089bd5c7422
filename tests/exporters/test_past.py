"""What was, as lines, as CSV and as pictures."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.exporters.past_plot import columns, past_plot
from eye.exporters.past_text import past_csv, past_text
from eye.history.points import Point
from eye.metrics.catalogue import find
from eye.monitor.history_document import Series

NOON = 1_800_014_400.0
CPU, MEMORY = find("host.cpu")[0], find("host.memory")[0]


def said(at: float) -> str:
    return time.strftime("%H:%M", time.gmtime(at))


def series(points: list[Point | None], metric: object = CPU, node: str = "web-1") -> Series:
    starts = tuple(NOON + 60 * at for at in range(len(points)))
    return Series(node, metric, starts, 60.0, tuple(points))  # type: ignore[arg-type]


STILL, BUSY = Point(60, 0.2, 0.2, 0.2), Point(60, 0.5, 0.1, 0.97)


def test_a_line_for_each_step_of_which_something_is_known() -> None:
    memory = Point(60, 512 * 2**20, 500 * 2**20, 2**30)

    text = past_text([series([STILL, None, BUSY]), series([memory, None, None], MEMORY)], said)

    assert text == (
        "Node: web-1\n"
        "TIME   CPU LOAD      MEMORY USAGE\n"
        "12:00  20%           512MB  500MB–1GB\n"
        "12:02  50%  10%–97%  -\n"
    )


def test_nodes_are_parted_by_a_blank_line_and_one_without_anything_is_left_out() -> None:
    text = past_text([series([STILL]), series([None], node="web-2"), series([STILL], node="web-3")], said)

    assert [line for line in text.splitlines() if line.startswith("Node") or not line] == [
        "Node: web-1",
        "",
        "Node: web-3",
    ]


def test_csv_is_a_line_for_each_point() -> None:
    lines = list(csv.DictReader(io.StringIO(past_csv([series([STILL, None, BUSY], node="=web")]))))

    assert [line["at"] for line in lines] == [str(NOON), str(NOON + 120)]
    assert lines[1] == {
        "at": str(NOON + 120),
        "node": "'=web",
        "metric": "host.cpu",
        "unit": "share",
        "mean": "0.5",
        "min": "0.1",
        "max": "0.97",
    }


def test_a_picture() -> None:
    picture = past_plot([series([STILL, BUSY, None, Point(60, 1.0, 1.0, 1.0)])], said, 80)

    assert picture == (
        "web-1: CPU Load  57% on average, 10% to 100%\n"
        "     100% ┤ ░ █\n"
        "          │ ░ █\n"
        "          │ ░ █\n"
        "      50% ┤ █ █\n"
        "          │▂█ █\n"
        "          │██ █\n"
        "       0% └┬───\n"
        "           12:00\n"
    )


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=400), st.integers(20, 200))
def test_a_picture_is_never_wider_than_the_terminal(means: list[float | None], width: int) -> None:
    points = [None if mean is None else Point(1, mean, mean, mean) for mean in means]

    picture = past_plot([series(points)], said, width)

    lines = picture.splitlines()
    assert (lines == []) == all(mean is None for mean in means)
    assert all(len(line) <= max(width, 60) for line in lines[:1])
    assert all(len(line) <= max(width, columns(width) + 11) for line in lines[1:])
    assert "\x1b" not in picture


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e12])
def test_a_figure_that_does_not_move_is_drawn_too(value: float) -> None:
    picture = past_plot([series([Point(1, value, value, value)] * 5, MEMORY)], said)

    assert len(picture.splitlines()) == 9


def test_a_name_that_would_write_into_the_terminal_is_cleaned() -> None:
    one = series([STILL], node="web\x1b[31m")

    assert "\x1b" not in past_text([one], said) + past_plot([one], said)
