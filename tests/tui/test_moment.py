"""The moment that is shown: stepping, the slider, ages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.tui import cells, moment
from tests.tui.still import NOW


@pytest.mark.parametrize(
    ("at", "by", "then"),
    [
        (None, -60, NOW - 60),
        (None, 60, None),
        (NOW - 60, -5, NOW - 65),
        (NOW - 60, 60, None),
        (NOW - 60, 58, NOW - 2),
        (NOW - 3590, -60, NOW - 3600),
    ],
)
def test_steps_end_at_now_and_an_hour_ago(at: float | None, by: float, then: float | None) -> None:
    assert moment.step(at, by, NOW) == then


@given(st.floats(NOW - 4000, NOW), st.integers(1, 250))
def test_the_slider_fits(at: float, columns: int) -> None:
    line = moment.slider(at, NOW, columns)

    assert cells.width("".join(text for text, _ in line)) <= columns


@pytest.mark.parametrize("columns", [80, 130, 200])
@pytest.mark.parametrize("ago", [60, 600, 1800, 3500])
def test_a_click_on_the_knob_leaves_it_about_there(columns: int, ago: int) -> None:
    line = "".join(text for text, _ in moment.slider(NOW - ago, NOW, columns))

    then = moment.at_column(line.index("●"), NOW, columns)

    assert then is not None
    assert abs((NOW - then) - ago) <= 3600 / (columns - 60)


def test_a_click_at_the_right_end_is_now() -> None:
    assert moment.at_column(79, NOW, 80) is None
    assert moment.at_column(10, NOW, 30) is None
    assert moment.at_column(0, NOW, 80) == NOW - 3600


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0 s"), (0.9, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s")]
)
def test_ages_are_exact(seconds: float, said: str) -> None:
    assert moment.ago(seconds) == said
