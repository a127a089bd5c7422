"""Many figures in few bytes: how a stretch of one node's history becomes one value of the database, and back.

    packed = pack({(0, VALUE): moments, (7, VALUE): figures, …})      # columns of the same length
    unpack(packed, wanted={7})                                        # only those that are wanted

What a machine says of itself hardly changes from one second to the next, and has few digits. A column is
written as whole numbers where that is exact (times the smallest of some powers of ten), each as its difference
from the one before, in as few bytes as the greatest difference needs, the low bytes first and the high ones
after them; then zlib takes out what repeats. Whatever is not such a number is written as it is: a figure comes
back exactly as it went in, and None as None.

Measured with 13 metrics a second, as figures of a machine go: 7 bytes a sample where 300 are packed together, 10
where 60 are, still nearly 7 where 600 are; plain numbers of 8 bytes would be 112 (see `benchmarks/history.py`).
"""

from __future__ import annotations

import math
import struct
import sys
import zlib
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from eye.errors import DecodeRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

VALUE, COUNT, MEAN, LEAST, MOST = range(5)
"""What of a metric a column has: the figure itself; or of many figures, their number, mean, least and greatest."""

AT = 0
"""The number of the «metric» that says when: milliseconds since 1970."""

Key = tuple[int, int]
Column = list[float | None]

_VERSION = 1
_HEAD = struct.Struct("<BHI")  # version, columns, rows
_COLUMN = struct.Struct("<HBBBdI")  # metric, part, form, power of ten, first, bytes
_CONSTANT, _DOUBLES, _MASKED = 0, 1, 128  # otherwise the bytes of one difference: 2 is 1, 3 is 2, 4 is 4, 5 is 8
_WIDTHS = {2: ("b", 1 << 7), 3: ("h", 1 << 15), 4: ("i", 1 << 31), 5: ("q", 1 << 63)}
_POWERS = (0, 2, 4, 6)
_EXACT = 2.0**53
_NATIVE = sys.byteorder == "little"
_LONGEST = 64 * 2**20  # bytes that one value may come to: what is longer was not written by us


class _Part(NamedTuple):
    form: int
    power: int
    first: float
    content: bytes


def pack(columns: Mapping[Key, Sequence[float | None]], *, quickly: bool = False) -> bytes:
    """Pack columns of one length; `quickly` takes half as much time, and twice as much room."""
    rows = len(next(iter(columns.values()), ()))
    parts = [_HEAD.pack(_VERSION, len(columns), rows)]
    for (metric, which), column in columns.items():
        part = _pack_column(column, quickly)
        parts += _COLUMN.pack(metric, which, part.form, part.power, part.first, len(part.content)), part.content
    return zlib.compress(b"".join(parts), 1 if quickly else 6)


def unpack(packed: bytes, wanted: Collection[int] | None = None) -> dict[Key, Column]:
    """Unpack what `pack` packed: the columns of the metrics `wanted`, or all.

    Raises:
        DecodeRefused: that are no such bytes.
    """
    try:
        return _unpack(packed, wanted)
    except (zlib.error, struct.error, ValueError, IndexError, OverflowError) as error:
        raise DecodeRefused(f"a piece of the history cannot be read: {error}") from None


def _unpack(packed: bytes, wanted: Collection[int] | None) -> dict[Key, Column]:
    inflater = zlib.decompressobj()
    plain = inflater.decompress(packed, _LONGEST)
    if not inflater.eof:
        raise ValueError("it is cut off, or too long")
    version, count, rows = _HEAD.unpack_from(plain)
    if version != _VERSION:
        raise ValueError(f"it is in form {version}")
    at, found = _HEAD.size, {}
    for _ in range(count):
        metric, which, form, power, first, length = _COLUMN.unpack_from(plain, at)
        at += _COLUMN.size
        if wanted is None or metric in wanted:
            part = _Part(form, power, first, plain[at : at + length])
            found[metric, which] = _unpack_column(part, rows)
        at += length
    return found


# ----------------------------------------------------------------------------- one column


def _pack_column(column: Sequence[float | None], quickly: bool) -> _Part:
    if None not in column:
        return _pack_figures(list(map(float, column)), quickly)  # type: ignore[arg-type]
    mask = bytes(figure is not None for figure in column)
    part = _pack_figures([float(figure) for figure in column if figure is not None], quickly)
    return part._replace(form=part.form | _MASKED, content=mask + part.content)


def _pack_figures(figures: list[float], quickly: bool) -> _Part:
    if not figures:
        return _Part(_CONSTANT, 0, 0.0, b"")
    first = figures[0]
    if figures.count(first) == len(figures):  # not of NaN, which is not itself
        return _Part(_CONSTANT, 0, first, b"")
    for power in () if quickly else _POWERS:
        # The first few tell as a rule, and the rest need not be tried.
        whole = None if _as_whole(figures[:8], 10**power) is None else _as_whole(figures, 10**power)
        if whole is not None:
            differences = [b - a for a, b in pairwise(whole)]
            least, most = min(differences), max(differences)
            form = next(form for form, (_, limit) in _WIDTHS.items() if -limit <= least and most < limit)
            return _Part(form, power, float(whole[0]), _transposed(array(_WIDTHS[form][0], differences)))
    return _Part(_DOUBLES, 0, 0.0, _transposed(array("d", figures)))


def _as_whole(figures: list[float], factor: int) -> list[int] | None:
    limit = _EXACT / factor
    if not (-limit < min(figures) and max(figures) < limit):
        return None
    if factor == 1:
        return list(map(int, figures)) if all(map(float.is_integer, figures)) else None
    whole = [round(figure * factor) for figure in figures]
    return whole if [one / factor for one in whole] == figures else None


def _unpack_column(part: _Part, rows: int) -> Column:
    if part.form & _MASKED:
        mask = part.content[:rows]
        figures = iter(
            _unpack_figures(part._replace(form=part.form & ~_MASKED, content=part.content[rows:]), sum(mask))
        )
        return [next(figures) if there else None for there in mask]
    return _unpack_figures(part, rows)


def _unpack_figures(part: _Part, rows: int) -> Column:
    if part.form == _CONSTANT:
        return [part.first] * rows
    if part.form == _DOUBLES:
        return list(_straightened("d", part.content))
    whole = int(part.first)
    found: list[int] = [whole]
    for difference in _straightened(_WIDTHS[part.form][0], part.content):
        whole += int(difference)
        found.append(whole)
    factor = 10**part.power
    return [float(one) for one in found] if factor == 1 else [one / factor for one in found]


def _transposed(figures: array[float] | array[int]) -> bytes:
    if not _NATIVE:
        figures.byteswap()
    raw, size = figures.tobytes(), figures.itemsize
    return raw if size == 1 else b"".join(raw[at::size] for at in range(size))


def _straightened(code: str, content: bytes) -> array[float]:
    figures: array[float] = array(code)
    size = figures.itemsize
    count = len(content) // size
    raw = bytearray(len(content))
    for at in range(size):
        raw[at::size] = content[at * count : (at + 1) * count]
    figures.frombytes(bytes(raw))
    if not _NATIVE:
        figures.byteswap()
    return figures


def finite(column: Sequence[float | None]) -> Sequence[float | None]:
    """Leave out of a column what is no finite number."""
    if None not in column and all(map(math.isfinite, column)):  # type: ignore[arg-type]
        return column
    return [figure if figure is not None and math.isfinite(figure) else None for figure in column]
