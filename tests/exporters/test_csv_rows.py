"""CSV: stable columns, one row a node, nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.exporters.csv_rows import csv_rows
from eye.metrics.catalogue import select
from eye.monitor.clean import clean
from eye.monitor.document import document

HEADER = (
    "at,node,status,address,seen_at,host_name,host_memory_used,host_memory_total,host_cpu_percent,host_cores,"
    "host_load_1m,host_process_count,host_uptime,host_load_5m,host_load_15m,host_swap_used,host_swap_total,"
    "host_disk_used,host_disk_total,host_disk_read_rate,host_disk_write_rate,host_disk_read,host_disk_written,"
    "host_network_receive_rate,host_network_send_rate,host_network_received,host_network_sent,"
    "host_busiest_core_percent,host_context_switches,host_cpu_percents,host_source,process_pid,process_memory_rss,"
    "process_cpu_percent,process_thread_count,process_process_count,process_restarts,process_uptime,process_mailbox,"
    "process_open_files,process_gc_collections,process_gc_collected,process_gc_uncollectable,process_python\n"
)


def rows(written: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written)))


def test_a_node_is_a_row_under_the_names_of_the_json_document(make_node, now) -> None:
    node = make_node(host_core_cpus=(0.2, 0.975), process_python="3.11.7")

    assert csv_rows([node], now) == HEADER + (
        "1795462080.1,mystic-node-1,up,127.0.0.1:41873,1795462080.0,orthanc,536870912,25199075328,20.0,2,0.42,100,"
        "7200.0,,,,,,,,,,,,,,,,,20.0 97.5,host,4242,48234496,0.7,12,17,0,7190.5,3,,,,,3.11.7\n"
    )


def test_a_node_that_is_down_leaves_its_cells_empty(make_node, now) -> None:
    (row,) = rows(csv_rows([make_node(status="down", seen_at=None)], now))

    assert (row["node"], row["status"], row["seen_at"]) == ("mystic-node-1", "down", "")
    assert {value for name, value in row.items() if name.startswith(("host_", "process_"))} == {""}


def test_the_columns_do_not_depend_on_the_nodes(make_node, now) -> None:
    assert csv_rows([], now) == HEADER
    assert csv_rows([make_node(status="down")], now).startswith(HEADER)


def test_without_header_the_rows_can_be_appended(make_node, now) -> None:
    assert csv_rows([make_node()], now, header=False).startswith("1795462080.1,mystic-node-1,")


def test_chosen_metrics_are_the_only_columns(make_node, now) -> None:
    written = csv_rows([make_node()], now, select(["restarts", "cpu"], "all"))

    assert written.splitlines() == [
        "at,node,status,address,seen_at,host_cpu_percent,process_restarts,process_cpu_percent",
        "1795462080.1,mystic-node-1,up,127.0.0.1:41873,1795462080.0,20.0,0,0.7",
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_text_is_no_formula(name, make_node, now) -> None:
    (row,) = rows(csv_rows([make_node(host_name=name)], now))

    assert row["host_name"] == f"'{name}"


@pytest.mark.parametrize("name", ["\t=1", "\r=1", "a\nb", "\x1b[2J"])
def test_a_text_stays_on_its_line(name, make_node, now) -> None:
    (row,) = rows(csv_rows([make_node(host_name=name)], now))

    assert row["host_name"] == clean(name)


@settings(deadline=None)
@given(st.lists(st.text(max_size=10), unique=True, max_size=5))
def test_a_node_is_a_line_whatever_it_is_called(make_node, names) -> None:
    nodes = [make_node(name) for name in names]

    written = csv_rows(nodes, 1.0, header=False)

    read = list(csv.reader(written.split("\n")[:-1]))
    assert [row[1].removeprefix("'") for row in read] == [clean(name).removeprefix("'") for name in sorted(names)]


def test_the_columns_are_those_of_the_document(make_node, now) -> None:
    entry = document([make_node()], now)["nodes"][0]
    paths = [f"{part}_{name}" for part in ("host", "process") for name in entry[part]]

    assert HEADER.strip().split(",")[5:] == paths
