"""What is packed comes back as it was."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.errors import DecodeRefused
from eye.history.packing import AT, VALUE, Key, pack, unpack

FIGURES = st.one_of(
    st.none(),
    st.integers(-(2**52), 2**52).map(float),
    st.floats(-1e6, 1e6).map(lambda one: round(one, 2)),
    st.floats(allow_nan=False),
)


@st.composite
def columns(draw: st.DrawFn) -> dict[Key, list[float | None]]:
    rows = draw(st.integers(0, 30))
    keys = draw(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 4)), max_size=6, unique=True))
    return {key: draw(st.lists(FIGURES, min_size=rows, max_size=rows)) for key in keys}


@given(columns())
def test_whatever_is_packed_comes_back_exactly(there: dict[Key, list[float | None]]) -> None:
    back = unpack(pack(there))

    assert back == there
    for key, column in there.items():
        for before, after in zip(column, back[key], strict=True):
            assert (before is None) == (after is None)


@given(columns(), st.integers(0, 65535))
def test_only_what_is_wanted_is_unpacked(there: dict[Key, list[float | None]], metric: int) -> None:
    assert unpack(pack(there), {metric}) == {key: column for key, column in there.items() if key[0] == metric}


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(DecodeRefused):
        unpack(content)


@given(columns(), st.data())
def test_bytes_that_were_changed_are_refused_or_understood(
    there: dict[Key, list[float | None]], data: st.DataObject
) -> None:
    packed = bytearray(pack(there))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))

    try:
        unpack(bytes(packed))
    except DecodeRefused:
        pass  # nothing else may be raised


def test_a_minute_of_a_machine_takes_few_bytes() -> None:
    chance = random.Random(1)
    moments = [1_800_000_000_000 + second * 1000 + chance.randrange(-3, 3) for second in range(300)]
    cpu = [round(min(max(chance.gauss(0.2, 0.05), 0.0), 1.0), 4) for _ in moments]
    memory = [float(5 * 2**30 + 4096 * chance.randrange(-300, 300)) for _ in moments]
    there: dict[Key, list[float | None]] = {
        (AT, VALUE): [float(one) for one in moments],
        (1, VALUE): list(cpu),
        (2, VALUE): list(memory),
        (3, VALUE): [2.0] * 300,
        (4, VALUE): [100.0] * 300,
    }

    assert len(pack(there)) < 8 * 300


@pytest.mark.parametrize("odd", [math.inf, -math.inf, 1e300, 5e-324, -0.0, 2.0**53, 0.1 + 0.2])
def test_odd_figures_come_back_too(odd: float) -> None:
    (back,) = unpack(pack({(1, VALUE): [odd, 1.0, None, odd]})).values()

    assert back == [odd, 1.0, None, odd]
