"""The catalogue says everything that the readings have, once."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from eye.errors import UnknownMetric
from eye.metrics.catalogue import CATALOGUE, LISTS, SCOPES, Kind, Scope, Unit, find, names, select, titles
from eye.metrics.sample import HostReading, ProcessReading, Sample

HOST = HostReading("orthanc", 512, 2048, 0.2, 2, 0.42, 100, 7200.0)
PROCESS = ProcessReading(4242, 46, 0.007, 12, 17, 3, 7190.5, 2)
SAMPLE = Sample("a", "0" * 16, 1.0, HOST, PROCESS)


def test_every_field_of_the_readings_that_is_a_figure_is_in_it_in_order() -> None:
    of_host = [m.field for m in (*CATALOGUE, *LISTS) if m.scope is Scope.HOST]
    of_node = [m.field for m in CATALOGUE if m.scope is Scope.NODE]

    assert of_host == [field.name for field in fields(HostReading) if field.name not in ("name", "source")]
    assert of_node == [field.name for field in fields(ProcessReading) if field.name not in ("pid", "python")]


def test_a_name_is_there_once_in_a_scope() -> None:
    assert len({(m.scope, m.name) for m in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("scope", ["host", "node"])
def test_the_default_table_is_the_four_of_the_contract(scope) -> None:
    chosen = select(scope=scope)

    assert [m.name for m in chosen] == ["memory", "cpu", "processes", "uptime"]
    assert [m.label for m in chosen] == ["Memory Usage", "CPU Load", "Process Count", "Uptime"]
    assert {m.scope for m in chosen} == {Scope(scope)}


def test_a_metric_reads_its_value_from_a_sample() -> None:
    read = {(m.scope.value, m.name): m.read(SAMPLE) for m in CATALOGUE}

    assert read["host", "memory"] == 512
    assert read["node", "memory"] == 46
    assert read["node", "restarts"] == 3


def test_what_only_goes_up() -> None:
    counters = [m.name for m in CATALOGUE if m.kind is Kind.COUNTER]

    assert [name for name in counters if not name.endswith("_total")] == [
        "context_switches",
        "restarts",
        "gc_collections",
        "gc_collected",
        "gc_uncollectable",
    ]
    assert [name for name in counters if name.endswith("_total")] == [
        "disk_read_total",
        "disk_written_total",
        "net_received_total",
        "net_sent_total",
    ]


def test_a_share_says_in_json_that_it_is_given_in_percent() -> None:
    percents = {m.json_name for m in (*CATALOGUE, *LISTS) if m.unit is Unit.SHARE}

    assert percents == {"cpu_percent", "busiest_core_percent", "cpu_percents"}


def test_what_there_is_one_of_each_of_is_read_as_all_and_as_the_greatest() -> None:
    (cores,) = find("cpu_per_core")
    busy = replace(SAMPLE, host=replace(HOST, core_cpus=(0.25, 1.0)))

    assert (cores.read_each(busy), cores.read(busy)) == ((0.25, 1.0), 1.0)
    assert (cores.read_each(SAMPLE), cores.read(SAMPLE)) == (None, None)


def test_nothing_but_the_default_table_is_in_the_default_table() -> None:
    assert all(m.name in ("memory", "cpu", "processes", "uptime") for m in CATALOGUE if m.in_default_table)


@pytest.mark.parametrize("said", ["memory", "Memory", "MEMORY", " memory ", "memory-usage", "Memory Usage"])
def test_a_metric_is_found_in_both_scopes_however_its_name_is_written(said) -> None:
    assert [(m.name, m.scope) for m in find(said)] == [("memory", Scope.HOST), ("memory", Scope.NODE)]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("memory_rss", "memory"),
        ("cpu_percent", "cpu"),
        ("thread_count", "threads"),
        ("CPU load", "cpu"),
        ("mem", "memory"),
        ("load", "load_1m"),
        ("procs", "processes"),
    ],
)
def test_a_metric_is_found_by_what_json_and_people_call_it(said, name) -> None:
    assert {m.name for m in find(said)} == {name}


@pytest.mark.parametrize("said", ["node.memory", "node.mem", "process.memory", "process.memory_rss"])
def test_a_scope_goes_by_the_name_that_json_has_for_it_too(said) -> None:
    assert [(m.name, m.scope) for m in find(said)] == [("memory", Scope.NODE)]


def test_an_unknown_metric_is_refused_with_the_list_and_what_is_close() -> None:
    with pytest.raises(UnknownMetric) as refusal:
        find("memroy")

    assert str(refusal.value) == (
        f"unknown metric 'memroy'; there are: {', '.join(names())}. Did you mean 'memory'?"
    )


@pytest.mark.parametrize("said", ["", "xyzzy", "=1+1", "\x1b[31m", "é"])
def test_where_nothing_is_close_nothing_is_suggested(said) -> None:
    with pytest.raises(UnknownMetric) as refusal:
        find(said)

    assert "Did you mean" not in str(refusal.value)


def test_a_name_that_the_scope_lacks_is_taken_from_the_one_that_has_it() -> None:
    chosen = select(["restarts", "memory"], "host")

    assert [(m.name, m.scope) for m in chosen] == [("memory", Scope.HOST), ("restarts", Scope.NODE)]


def test_what_is_asked_for_comes_in_the_order_asked_for_and_once() -> None:
    assert [m.name for m in select(["uptime", "memory", "uptime"])] == ["uptime", "memory"]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_selection_is_never_empty(scope) -> None:
    assert select(scope=scope)
    assert all(select([name], scope) for name in names())


def test_where_host_and_node_share_a_label_the_nodes_says_so() -> None:
    assert [title for _, title in titles(select(["memory", "threads"], "all"))] == [
        "Memory Usage",
        "Node Memory Usage",
        "Threads",
    ]
    assert [title for _, title in titles(select(["memory"], "node"))] == ["Memory Usage"]
