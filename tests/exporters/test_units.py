"""Numbers as people read them: the contract's cases, and what holds for every number."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.exporters.units import duration, figure, last_seen, percent, shown, size
from eye.metrics.catalogue import Unit, select

KB, MB, GB, TB = 1024, 1024**2, 1024**3, 1024**4
UNITS = ["B", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (0, "0B"),
        (1, "1B"),
        (1023, "1023B"),
        (1024, "1KB"),
        (1536, "1.5KB"),
        (1075, "1KB"),
        (1076, "1.1KB"),
        (512 * MB, "512MB"),
        (GB, "1GB"),
        (GB + GB // 2, "1.5GB"),
        (int(1023.94 * MB), "1023.9MB"),
        (int(1023.96 * MB), "1GB"),
        (GB - 1, "1GB"),
        (int(1023.96 * GB), "1TB"),
        (25199075328, "23.5GB"),
        (16 * TB, "16TB"),
        (2**64, "16EB"),
        (10 * 1024**8, "10YB"),
        (5000 * 1024**8, "5000YB"),
        (0.9, "0B"),
        (-0.9, "0B"),
        (-3 * MB, "-3MB"),
    ],
)
def test_a_size(count, written) -> None:
    assert size(count) == written


def in_bytes(written: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)([A-Z]+)", written).groups()
    return float(number) * 1024 ** UNITS.index(unit)


@settings(deadline=None)
@given(st.integers(0, 2**70))
def test_a_size_has_at_most_one_decimal_and_never_1024_of_a_unit(count) -> None:
    written = size(count)

    number, unit = re.fullmatch(r"(\d+(?:\.[1-9])?)([KMGTPEZ]?B)", written).groups()
    assert float(number) < 1024
    assert unit == "B" or float(number) >= 1
    assert abs(in_bytes(written) - count) <= 0.0501 * 1024 ** UNITS.index(unit)


@settings(deadline=None)
@given(st.integers(0, 2**70), st.integers(0, 2**40))
def test_more_bytes_are_never_written_as_less(count, more) -> None:
    assert in_bytes(size(count)) <= in_bytes(size(count + more))


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0%"),
        (0.2, "20%"),
        (0.004, "0%"),
        (0.005, "1%"),
        (0.007, "1%"),
        (0.125, "13%"),
        (0.994, "99%"),
        (0.995, "100%"),
        (1.0, "100%"),
        (1.7, "100%"),
        (-0.1, "0%"),
    ],
)
def test_a_percentage(share, written) -> None:
    assert percent(share) == written


@settings(deadline=None)
@given(st.floats(0.0, 1.0))
def test_a_percentage_is_the_nearest_whole_one(share) -> None:
    assert abs(int(percent(share)[:-1]) - share * 100) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 seconds"),
        (0.9, "0 seconds"),
        (1, "1 second"),
        (1.99, "1 second"),
        (45, "45 seconds"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (119.9, "1 minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (7200.0, "2 hours"),
        (86399, "23 hours"),
        (86400, "1 day"),
        (5 * 86400 + 4000, "5 days"),
        (4000 * 86400, "4000 days"),
        (-5, "0 seconds"),
    ],
)
def test_a_duration(seconds, written) -> None:
    assert duration(seconds) == written


@settings(deadline=None)
@given(st.floats(-1e9, 1e12, allow_nan=False))
def test_a_duration_is_one_number_of_one_unit_and_never_more_than_it_was(seconds) -> None:
    number, unit, plural = re.fullmatch(r"(\d+) (second|minute|hour|day)(s?)", duration(seconds)).groups()

    length, limit = {"second": (1, 60), "minute": (60, 60), "hour": (3600, 24), "day": (86400, 1e99)}[unit]
    assert (number == "1") == (not plural)
    assert int(number) < limit
    assert max(seconds, 0.0) - length < int(number) * length <= max(seconds, 0.0)


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (GB, Unit.BYTES, "1GB"),
        (0.2, Unit.SHARE, "20%"),
        (7200.0, Unit.SECONDS, "2 hours"),
        (100, Unit.COUNT, "100"),
        (0.425, Unit.NUMBER, "0.42"),
        (None, Unit.SHARE, "unknown"),
        (float("nan"), Unit.SECONDS, "unknown"),
        (float("inf"), Unit.BYTES, "unknown"),
        (float("-inf"), Unit.COUNT, "unknown"),
    ],
)
def test_a_figure_is_written_in_the_way_of_its_unit(value, unit, written) -> None:
    assert figure(value, unit) == written


@pytest.mark.parametrize("unit", Unit)
def test_every_unit_is_written(unit) -> None:
    assert figure(1, unit)


def test_how_long_ago_a_node_was_heard_of() -> None:
    assert last_seen(100.0, 112.9) == "last seen 12 seconds ago"
    assert last_seen(100.0, 101.0) == "last seen 1 second ago"
    assert last_seen(None, 112.0) == "never seen"


def test_a_speed_is_a_size_a_second() -> None:
    assert figure(1536.0, Unit.SPEED) == "1.5KB/s"


def test_a_plain_number_that_is_whole_has_no_fraction() -> None:
    assert (figure(5, Unit.NUMBER), figure(5.0, Unit.NUMBER)) == ("5", "5.00")


def test_what_there_is_one_of_each_of_is_written_as_all_of_them(make_node) -> None:
    (cores,) = select(["cpu_per_core"])

    assert shown(cores, make_node(host_core_cpus=(0.12, 0.974))) == "12% 97%"
    assert shown(cores, make_node()) == "unknown"
