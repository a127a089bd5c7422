"""Hostile text is made harmless, honest text is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.monitor.clean import clean


@pytest.mark.parametrize("honest", ["", "mystic-node-1", "a@b.c", "two words", "Zürich", "東京", "🧙"])
def test_honest_text_is_left_alone(honest) -> None:
    assert clean(honest) == honest


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[31m",
        "\x1b]0;title\x07",
        "\r\n",
        "\x00",
        "\x7f",
        "\x9b2J",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2028",
        "\ud800",
    ],
)
def test_hostile_characters_are_replaced(hostile) -> None:
    cleaned = clean(f"a{hostile}b")

    assert not any(char in cleaned for char in hostile if not char.isprintable())
    assert (cleaned[0], cleaned[-1]) == ("a", "b")
    assert len(cleaned) == len(hostile) + 2


@settings(deadline=None)
@given(st.text(st.characters()))
def test_what_comes_out_can_be_printed_on_one_line(text) -> None:
    cleaned = clean(text)

    assert cleaned.isprintable()
    assert len(cleaned) == len(text)
    assert clean(cleaned) == cleaned
    cleaned.encode()  # no lone surrogate is left
