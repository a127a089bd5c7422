"""Graphs of dots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.tui import cells
from eye.tui.charts import chart, round_top

VALUES = st.lists(st.none() | st.floats(0, 1e12), max_size=200)


def drawn(values: list[float | None], columns: int, rows: int, top: float | None = None) -> list[str]:
    return [
        cells.plain(line) for line in chart(values, columns=columns, rows=rows, write="{:.0f}".format, top=top)
    ]


def test_it_rises_from_nought_to_the_top() -> None:
    assert drawn([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 7, 2, top=8.0) == ["8 ┤  ⢀⣴", "0 ┤⣀⣴⣿⣿"]


def test_what_was_not_measured_is_left_blank() -> None:
    (line,) = drawn([None, None, 1.0, 1.0], 5, 1, top=1.0)

    assert line.endswith(" ⣿")


@given(VALUES, st.integers(1, 80), st.integers(1, 10))
def test_it_is_as_large_as_it_is_told(values: list[float | None], columns: int, rows: int) -> None:
    lines = chart(values, columns=columns, rows=rows, write="{:.3g}".format)

    assert len(lines) == rows
    assert all(cells.width("".join(text for text, _ in line)) >= min(columns, 3) for line in lines)
    assert len({cells.width("".join(text for text, _ in line)) for line in lines}) == 1


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=500))
def test_no_peak_is_lost(values: list[float]) -> None:
    values[len(values) // 2] = 200.0

    (*_, (dots, _)) = chart(values, columns=20, rows=4, write="{:.0f}".format, top=200.0)[0]

    assert set(dots) != {" "}


@pytest.mark.parametrize(
    ("most", "top"),
    [
        (0.0, 1.0),
        (-1.0, 1.0),
        (float("nan"), 1.0),
        (5e-324, 1.0),
        (0.3, 0.5),
        (1.0, 1.0),
        (1.1, 2.0),
        (2.1, 5.0),
        (6.0, 10.0),
        (10.0, 10.0),
    ],
)
def test_the_scale_ends_at_a_round_number(most: float, top: float) -> None:
    assert round_top(most) == pytest.approx(top)


def test_a_moment_is_marked_and_the_ends_are_named() -> None:
    lines = chart(
        [0.0, 0.0, 1.0, 1.0] * 4, columns=11, rows=2, write="{:.0f}".format, mark=0.5, ends=("17:29", "now")
    )

    assert [cells.plain(line) for line in lines] == ["1 ┤ ⣿ ⣿╎⣿ ⣿", "0 ┤⣀⣿⣀⣿⣀⣿⣀⣿", "   17:29now"]
    assert (lines[0][2], lines[1][2]) == (("╎", "alarm"), ("⣀", "alarm"))


@pytest.mark.parametrize("mark", [-0.1, 1.1])
def test_a_moment_outside_is_not_marked(mark: float) -> None:
    assert "╎" not in cells.plain(chart([0.0], columns=11, rows=2, write="{:.0f}".format, mark=mark)[0])
