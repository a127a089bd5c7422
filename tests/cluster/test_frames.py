"""Cutting bytes into frames, wherever they were torn apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.cluster.frames import FrameReader, frame
from eye.errors import FrameTooLarge


@given(st.lists(st.binary(max_size=50), max_size=10), st.lists(st.integers(1, 20)))
def test_frames_come_out_as_they_went_in_however_they_were_torn(bodies: list[bytes], tears: list[int]) -> None:
    stream = b"".join(map(frame, bodies))
    reader, seen = FrameReader(), []
    for size in [*tears, len(stream)]:
        reader.feed(stream[:size])
        stream = stream[size:]
        while (body := reader.next()) is not None:
            seen.append(body)

    assert seen == bodies
    assert not reader.is_inside


@pytest.mark.parametrize("size", [257, 1 << 30, (1 << 32) - 1])
def test_a_frame_that_is_too_large_is_refused_when_its_length_is_read(size: int) -> None:
    reader = FrameReader(limit=256)
    reader.feed(size.to_bytes(4, "big"))

    with pytest.raises(FrameTooLarge, match="the limit is 256"):
        reader.next()


def test_a_frame_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(FrameTooLarge):
        frame(b"xxx", limit=2)
