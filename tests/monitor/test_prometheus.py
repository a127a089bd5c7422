"""What Prometheus scrapes, read by its own parser and held to its conventions."""

from __future__ import annotations

import math
import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from eye.metrics.catalogue import CATALOGUE, select
from eye.metrics.sample import About
from eye.monitor.clean import clean
from eye.monitor.prometheus import EVERYTHING, metric_name, prometheus

WHOLE: dict[str, object] = {
    f"{metric.part}_{metric.field}": 1
    for metric in CATALOGUE
    if metric.beat or metric.name.startswith(("load", "gc"))
}
WHOLE["host_core_cpus"] = (0.25, 1.0)


def series(written: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels["node"]): sample.value
        for family in text_string_to_metric_families(written)
        for sample in family.samples
    }


def test_a_node_word_for_word(make_node, now) -> None:
    assert prometheus([make_node()], now, select(["memory"])) == (
        "# HELP sorcerers_eye_node_up Whether the node answers (1) or is connecting, suspect or down (0)\n"
        "# TYPE sorcerers_eye_node_up gauge\n"
        'sorcerers_eye_node_up{node="mystic-node-1"} 1\n'
        "# HELP sorcerers_eye_node_last_seen_timestamp_seconds "
        "When the node last answered, in seconds since 1970\n"
        "# TYPE sorcerers_eye_node_last_seen_timestamp_seconds gauge\n"
        'sorcerers_eye_node_last_seen_timestamp_seconds{node="mystic-node-1"} 1795462080.0\n'
        "# HELP sorcerers_eye_node_info Always 1; where the node listens, its machine, whose memory and CPU are "
        "told, and its Python\n"
        "# TYPE sorcerers_eye_node_info gauge\n"
        'sorcerers_eye_node_info{node="mystic-node-1",address="127.0.0.1:41873",host="orthanc",'
        'source="host",python=""} 1\n'
        "# HELP sorcerers_eye_host_memory_used_bytes Memory of the machine that is in use: "
        "all of it but what is available to new programs\n"
        "# TYPE sorcerers_eye_host_memory_used_bytes gauge\n"
        'sorcerers_eye_host_memory_used_bytes{node="mystic-node-1"} 536870912\n'
    )


def test_the_names_are_a_contract() -> None:
    assert [metric_name(metric).removeprefix("sorcerers_eye_") for metric in EVERYTHING] == [
        "host_memory_used_bytes",
        "host_memory_total_bytes",
        "host_cpu_ratio",
        "host_cores",
        "host_load_1m",
        "host_processes",
        "host_uptime_seconds",
        "host_load_5m",
        "host_load_15m",
        "host_swap_used_bytes",
        "host_swap_total_bytes",
        "host_disk_used_bytes",
        "host_disk_total_bytes",
        "host_disk_read_bytes_total",
        "host_disk_written_bytes_total",
        "host_network_received_bytes_total",
        "host_network_sent_bytes_total",
        "host_busiest_core_ratio",
        "host_context_switches_total",
        "node_memory_rss_bytes",
        "node_cpu_ratio",
        "node_threads",
        "node_processes",
        "node_restarts_total",
        "node_uptime_seconds",
        "node_mailbox",
        "node_open_files",
        "node_gc_collections_total",
        "node_gc_collected_total",
        "node_gc_uncollectable_total",
        "host_core_cpu_ratio",
    ]


def test_prometheus_own_parser_reads_every_metric_of_every_node(make_node, now) -> None:
    nodes = [make_node("a", **WHOLE), make_node("b", process_restarts=3, host_cpu=0.97)]

    families = {family.name: family for family in text_string_to_metric_families(prometheus(nodes, now))}

    read = {sample.name for family in families.values() for sample in family.samples}
    assert {metric_name(metric) for metric in EVERYTHING} <= read
    assert families["sorcerers_eye_node_restarts"].type == "counter"
    assert all(family.documentation and family.type != "unknown" for family in families.values())
    values = series(prometheus(nodes, now))
    assert values["sorcerers_eye_node_restarts_total", "b"] == 3
    assert values["sorcerers_eye_host_cpu_ratio", "b"] == 0.97


def test_the_names_keep_the_conventions(make_node, now) -> None:
    for family in text_string_to_metric_families(prometheus([make_node()], now)):
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")
            assert not sample.name.endswith(("_count", "_sum", "_bucket", "_percent", "_ms", "_mb"))


@pytest.mark.parametrize("status", ["down", "suspect", "connecting"])
def test_a_node_that_is_not_up_has_no_figures_that_would_look_new(status, make_node, now) -> None:
    values = series(prometheus([make_node("a", status=status), make_node("b")], now))

    assert [name for name, node in values if node == "a"] == [
        "sorcerers_eye_node_up",
        "sorcerers_eye_node_last_seen_timestamp_seconds",
    ]
    assert values["sorcerers_eye_node_up", "a"] == 0
    assert values["sorcerers_eye_node_up", "b"] == 1


def test_what_was_not_measured_has_no_series_and_no_empty_family(make_node, now) -> None:
    written = prometheus([make_node(host_cpu=None, seen_at=None)], now)

    assert "host_cpu_ratio" not in written
    assert "last_seen" not in written


def test_no_nodes_are_nothing(now) -> None:
    assert prometheus([], now) == ""


def test_a_name_that_is_there_twice_does_not_void_the_scrape(make_node, now) -> None:
    written = prometheus([make_node("a"), make_node("a", status="down")], now)

    assert written.count('sorcerers_eye_node_up{node="a"}') == 1


def test_a_number_that_is_none_is_written_as_prometheus_writes_it(make_node, now) -> None:
    values = series(prometheus([make_node(host_load_1m=math.inf, host_cpu=math.nan)], now))

    assert values["sorcerers_eye_host_load_1m", "mystic-node-1"] == math.inf
    assert math.isnan(values["sorcerers_eye_host_cpu_ratio", "mystic-node-1"])


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_name_is_a_label_that_comes_back(make_node, name) -> None:
    values = series(prometheus([make_node(name)], 1.0))

    assert values["sorcerers_eye_node_up", clean(name)] == 1


def test_each_core_is_a_series(make_node, now) -> None:
    written = prometheus([make_node("a", host_core_cpus=(0.25, 1.0)), make_node("b")], now)

    assert [line for line in written.splitlines() if line.startswith("sorcerers_eye_host_core_cpu_ratio")] == [
        'sorcerers_eye_host_core_cpu_ratio{node="a",core="0"} 0.25',
        'sorcerers_eye_host_core_cpu_ratio{node="a",core="1"} 1.0',
    ]


def test_speeds_are_left_to_prometheus_unless_asked_for(make_node, now) -> None:
    node = make_node(host_disk_read_rate=5.0)

    assert "per_second" not in prometheus([node], now)
    assert "sorcerers_eye_host_disk_read_bytes_per_second" in prometheus([node], now, select(["disk_read"]))


# ------------------------------------------------------------------------------- a program's own figures


def test_own_figures_are_families_with_help_and_type(make_node, now) -> None:
    about = {"orders": About("Orders \\ that\nwait", "count", "gauge"), "sent": About("", "bytes", "counter")}
    nodes = [make_node("a", custom={"orders": 5, "sent": 7}, about=about), make_node("b", custom={"orders": 6})]

    assert "".join(line + "\n" for line in prometheus(nodes, now).splitlines() if "custom" in line) == (
        "# HELP sorcerers_eye_custom_orders Orders \\\\ that\ufffdwait\n"
        "# TYPE sorcerers_eye_custom_orders gauge\n"
        'sorcerers_eye_custom_orders{node="a"} 5\n'
        'sorcerers_eye_custom_orders{node="b"} 6\n'
        "# HELP sorcerers_eye_custom_sent_bytes_total sent, as the node's own program tells it\n"
        "# TYPE sorcerers_eye_custom_sent_bytes_total counter\n"
        'sorcerers_eye_custom_sent_bytes_total{node="a"} 7\n'
    )


def test_own_figures_whose_names_fall_together_do_not_void_the_scrape(make_node, now) -> None:
    about = {"queue": About("", "bytes"), "queue_bytes": About("", "bytes")}
    written = prometheus([make_node(custom={"queue": 5, "queue_bytes": 6}, about=about)], now)

    assert written.count("# TYPE sorcerers_eye_custom_queue_bytes ") == 1
    assert written.count("sorcerers_eye_custom_queue_bytes{") == 1


def test_a_node_that_is_down_has_no_own_figures(make_node, now) -> None:
    assert "custom" not in prometheus([make_node(status="down", custom={"orders": 5})], now)


def test_prometheus_own_checker_finds_nothing_to_say(make_node, now) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        (pytest.fail if os.environ.get("EYE_TESTS_MUST_RUN") else pytest.skip)("promtool is not installed")
    about = {"orders": About("Orders", "count"), "sent": About("", "bytes", "counter"), "load": About("", "share")}
    nodes = [
        make_node("a", **WHOLE, custom={"orders": 5, "sent": 7, "load": 0.5}, about=about),
        make_node('b"\\\n', custom={"orders": 6.5}),
        make_node("c", status="down"),
    ]
    alert = {"rule": "hot", "node": "a", "severity": "warning", "state": "firing", "silenced": False}

    for text in (prometheus(nodes, now, alerts=[alert]), prometheus(nodes, now, select(["disk_read"]))):
        done = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
