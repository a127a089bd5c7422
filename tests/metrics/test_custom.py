"""A program's own figures: what they may be called, and what is believed of somebody who tells some."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.cluster import codec
from eye.errors import BadMetric
from eye.metrics.catalogue import Kind, Scope, Unit, find, select
from eye.metrics.custom import MOST, allowed, as_figure, complete, described, is_name, metric, metrics_of
from eye.metrics.sample import About, HostReading, ProcessReading, Sample

HOST = HostReading("orthanc", 512, 2048, 0.2, 2, 0.42, 100, 7200.0)
PROCESS = ProcessReading(4242, 46, 0.007, 12, 17, 3, 7190.5, 2)
ORDERS = About("Orders that wait", "count", "gauge")


def sample(custom: dict[str, Any], about: dict[str, About] | None = None, boot: str = "b") -> Sample:
    return Sample("a", boot, 1.0, HOST, PROCESS, custom, about)


@pytest.mark.parametrize("name", ["orders", "a", "queue_2_depth", "x" * 64])
def test_a_name_is_what_every_format_can_write(name: str) -> None:
    assert described(name, "", "", Kind.GAUGE) == About("", "number", "gauge")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "small letters"),
        ("Orders", "small letters"),
        ("7orders", "small letters"),
        ("or ders", "small letters"),
        ('x"} 1\nfake', "small letters"),
        ("x" * 65, "at most 64"),
        ("memory", "means something else"),
        ("cpu_percent", "means something else"),
        ("not", "means something else"),
        ("mem", "means something else"),
        ("orders_total", "leave out '_total'"),
        ("orders_count", "leave out '_count'"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_what_is_allowed(name: str, said: str) -> None:
    with pytest.raises(BadMetric, match=said):
        described(name, "", "", Kind.GAUGE)


def test_a_unit_is_one_of_the_catalogues() -> None:
    assert described("size", "", "bytes", Kind.COUNTER) == About("", "bytes", "counter")
    with pytest.raises(BadMetric, match=r"bytes, share, bytes/s, seconds, .*, not 'MB'"):
        described("size", "", "MB", Kind.GAUGE)
    with pytest.raises(BadMetric, match="at most 200 characters, not 201"):
        described("size", "x" * 201, "", Kind.GAUGE)


@pytest.mark.parametrize(
    ("value", "figure"),
    [(5, 5), (True, 1), (0.5, 0.5), (None, None), (math.nan, None), (math.inf, None), (2**60, float(2**60))],
)
def test_what_a_function_returns_becomes_a_figure(value: Any, figure: Any) -> None:
    assert as_figure(value) == figure
    assert type(as_figure(value)) is type(figure)


@pytest.mark.parametrize("value", ["5", b"5", [5], object()])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        as_figure(value)


def test_it_has_a_line_like_those_of_the_catalogue() -> None:
    line = metric("orders", ORDERS)

    assert (line.key, line.part, line.json_name) == ("custom.orders", "custom", "orders")
    assert (line.label, line.unit, line.kind, line.help) == ("Orders", Unit.COUNT, Kind.GAUGE, ORDERS.help)
    assert line.read(sample({"orders": 5})) == 5
    assert line.read(sample({})) is None


def test_words_of_a_newer_version_are_no_error() -> None:
    line = metric("orders", About("", "furlongs", "histogram"))

    assert (line.unit, line.kind) == (Unit.NUMBER, Kind.GAUGE)
    assert line.help


def test_it_is_found_by_its_name_with_and_without_its_scope_but_never_before_the_catalogue() -> None:
    own = [metric("orders"), metric("threads")]

    assert find("Orders", own) == find("custom.orders", own) == (own[0],)
    assert [one.scope for one in find("threads", own)] == [Scope.NODE]
    assert find("custom.threads", own) == (own[1],)
    assert [one.key for one in select(["orders", "cpu"], "all", own)] == ["host.cpu", "node.cpu", "custom.orders"]
    assert [one.key for one in find("host.cpu")] == ["host.cpu"]


def test_those_of_several_nodes_are_listed_once_by_name_also_what_cannot_be_told_just_now() -> None:
    nodes = [sample({"b": 1}), sample({"b": 2, "a": 1}, {"a": ORDERS, "late": ORDERS})]

    assert [one.name for one in metrics_of(nodes)] == ["a", "b", "late"]


def test_what_it_is_is_remembered_for_as_long_as_the_node_lives() -> None:
    first = complete(sample({"orders": 5}, {"orders": ORDERS}), None)
    second = complete(sample({"orders": 6}), first)
    absent = complete(sample({}), second)

    assert second.about == absent.about == {"orders": ORDERS}
    assert complete(sample({"orders": 6}, boot="another"), second).about is None
    assert complete(sample({"orders": 6}), None).about is None


def test_a_sample_without_own_figures_is_left_as_it_is() -> None:
    plain = sample({})

    assert complete(plain, None) is plain
    assert complete(plain, sample({})) is plain


def test_nothing_is_believed_that_a_program_here_could_not_say() -> None:
    told = sample(
        {'x"} 1\nfake': 1, "ok": 2, "nan": math.nan, **{f"n{number}": 0 for number in range(500)}},
        {'x"} 1\nfake': ORDERS, "ok": About("x" * 10_000)},
    )

    kept = complete(told, None)

    assert len(kept.custom) == MOST
    assert kept.custom["ok"] == 2
    assert all(map(is_name, kept.custom))
    assert "nan" not in kept.custom
    assert kept.about is not None
    assert list(kept.about) == ["ok"]
    assert len(kept.about["ok"].help) == 200


def test_they_cross_the_wire_as_they_are() -> None:
    told = sample({"orders": 5, "ratio": 0.25}, {"orders": ORDERS})

    assert codec.decode(codec.encode(told), Sample) == told
    assert type(codec.decode(codec.encode(told), Sample).custom["orders"]) is int


def test_a_node_of_the_version_before_is_understood_and_understands_us() -> None:
    older = {
        "node": "a", "boot": "b", "at": 1.0,
        "host": {"name": "orthanc", "memory_used": 512, "memory_total": 2048, "cpu": 0.2, "cores": 2,
                 "load_1m": 0.42, "process_count": 100, "uptime": 7200.0},
        "process": {"pid": 4242, "memory_rss": 46, "cpu": 0.007, "thread_count": 12, "process_count": 17,
                    "restarts": 3, "uptime": 7190.5},
    }  # fmt: skip

    read = codec.decode(codec.encode(older), Sample)

    assert (read.process.mailbox, read.custom, read.host.source) == (None, {}, "host")
    newer = codec.decode(codec.encode(sample({"orders": 5}))) | {"of_tomorrow": 1}
    assert codec.decode(codec.encode(newer), Sample) == sample({"orders": 5})


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.floats()), max_size=5))
def test_completing_never_fails(custom: dict[str, Any]) -> None:
    kept = complete(sample(custom), None)

    assert all(is_name(name) and math.isfinite(value) for name, value in kept.custom.items())


def test_figures_from_the_wire_are_taken_in_by_name_and_number() -> None:
    told = {"orders": 3, "No Name": 1, "gone": math.nan, **{f"n_{number}": number for number in range(2 * MOST)}}

    taken = allowed(told)

    assert taken["orders"] == 3
    assert len(taken) == MOST
    assert {"No Name", "gone"}.isdisjoint(taken)
