"""Cells: exactly as wide as they say, whatever is in them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.tui import cells

HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "<script>",
        "\x1b[31mred",
        "a" * 10_000,
        "\u202egnp.exe",
        "日本語",
        "[red]x[/]",
        "é",
        "e" + "\u0301" * 10_000,
        "\u0301" * 50,
        "👨\u200d👩\u200d👧 👍\U0001f3ff",
        "ก\u0e31\u0e48",
        "राम",
        "\u200b" * 9,
        "\ufe0f☂\ufe0f",
    ]
)


@given(HOSTILE, st.integers(0, 50), st.booleans())
def test_a_cell_is_as_wide_as_it_is_told(text: str, columns: int, right: bool) -> None:
    assert cells.width(cells.fit(text, columns, right=right)) == columns


@given(HOSTILE, st.integers(0, 50))
def test_nothing_that_a_terminal_would_obey_is_left(text: str, columns: int) -> None:
    assert cells.fit(text, columns).isprintable()


@pytest.mark.parametrize(
    ("text", "tamed"),
    [
        ("e\u0301" + "\u0302" * 10_000, "é\u0302"),
        ("\u0301x", "x"),
        ("x\u200by", "x\ufffdy"),
        ("👍\U0001f3ff\ufe0f!", "👍!"),
        ("مرحبا", "مرحبا"),
    ],
)
def test_marks_do_not_pile_up(text: str, tamed: str) -> None:
    assert cells.tame(text) == tamed


@given(HOSTILE)
def test_what_was_tamed_is_harmless_and_stays_as_it_is(text: str) -> None:
    tamed = cells.tame(text)

    assert tamed.isprintable()
    assert len(tamed) <= 2 * max(cells.width(tamed), 1)
    assert cells.tame(tamed) == tamed


@given(HOSTILE, st.integers(1, 60), st.integers(1, 5))
def test_sentences_are_broken_into_lines_that_fit(text: str, columns: int, most: int) -> None:
    lines = cells.wrap(text, columns, most)

    assert len(lines) <= most
    assert all(cells.width(line) <= columns for line in lines)


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("one two three", 7, ["one two", "three"]),
        ("onetwothree", 4, ["onet", "woth", "ree"]),
        ("a b c d e f g h", 3, ["a b", "c d", "e …"]),
        ("", 10, []),
    ],
)
def test_a_sentence_is_broken_at_its_blanks(text: str, columns: int, lines: list[str]) -> None:
    assert cells.wrap(text, columns) == lines


def test_two_texts_share_a_line() -> None:
    left, right = (("nodes", "text"),), (("note", "dim"),)

    assert cells.plain(cells.across(left, right, 12)) == "nodes   note"
    assert cells.plain(cells.across(left, right, 7)) == "no…note"
    assert cells.plain(cells.across(left, right, 3)) == "no…"


@given(st.lists(st.tuples(st.text(max_size=20), st.just("text")), max_size=5), st.integers(0, 40))
def test_a_line_is_cut_where_it_has_to_be(spans: list[tuple[str, str]], columns: int) -> None:
    line = tuple(spans)
    whole = "".join(text for text, _ in line)
    cut = "".join(text for text, _ in cells.cut(line, columns))

    assert cells.width(cut) <= columns
    assert cut == whole or cut.endswith("…") or columns == 0
    if cells.width(whole) <= columns:
        assert cut == whole


@pytest.mark.parametrize(
    ("text", "columns", "short"),
    [
        ("mystic-node-1", 13, "mystic-node-1"),
        ("mystic-node-1", 9, "myst…de-1"),
        ("ab", 1, "…"),
        ("abc", 2, "…"),
        ("abc", 0, ""),
        ("日本語", 5, "日…語"),
    ],
)
def test_the_ends_of_a_long_name_stay(text: str, columns: int, short: str) -> None:
    assert cells.shorten(text, columns) == short


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "    -"), (math.nan, "    -"), (0, "   0B"), (999, " 999B"), (1000, " 1.0K"), (1023, " 1.0K"),
        (1536, " 1.5K"), (10 * 1024, "  10K"), (512 * 1024**2, " 512M"), (1.5 * 1024**3, " 1.5G"),
        (2.0**80, " 1.0Y"), (2.0**90, "1024Y"),
    ],
)  # fmt: skip
def test_sizes_never_change_their_width(count: float | None, text: str) -> None:
    assert cells.size(count) == text


@given(st.floats(0, 2.0**89))
def test_any_size_takes_five_columns(count: float) -> None:
    assert len(cells.size(count)) == 5


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "   -"), (0.0, "  0%"), (0.204, " 20%"), (1.0, "100%"), (1.7, "100%"), (-1.0, "  0%")],
)
def test_shares(share: float | None, text: str) -> None:
    assert cells.percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "   -"),
        (0.4, "  0s"),
        (59.9, " 59s"),
        (60, "  1m"),
        (7200, "  2h"),
        (86400 * 12, " 12d"),
        (1e12, "999d"),
    ],
)
def test_time_spans_in_their_largest_unit(seconds: float | None, text: str) -> None:
    assert cells.span(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(None, "     -"), (12, "    12"), (2.5e6, "  2.5M"), (1e11, "  many")]
)
def test_counts(number: float | None, text: str) -> None:
    assert cells.count(number) == text


@pytest.mark.parametrize(
    ("values", "top", "drawn"),
    [
        ([], None, "    "),
        ([0.0, 0.0], 1.0, "  ▁▁"),
        ([0.1, 0.5, 1.0], 1.0, " ▁▅█"),
        ([None, 1.0, None, 1.0, 2.0], None, "▅ ▅█"),
        ([5.0], 1.0, "   █"),
    ],
)
def test_sparklines(values: list[float | None], top: float | None, drawn: str) -> None:
    assert cells.spark(values, 4, top) == drawn


@pytest.mark.parametrize(
    ("used", "of", "drawn"), [(0, 3, "▯▯▯"), (1, 3, "▮▯▯"), (3, 3, "▮▮▮"), (9, 3, "▮▮▮"), (0, 0, "▮▮▮")]
)
def test_gauges(used: int, of: int, drawn: str) -> None:
    assert cells.gauge(used, of, 3) == drawn
