"""The JSON contract, version 1."""

from __future__ import annotations

import json

import pytest

from eye.metrics.catalogue import select
from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor.document import document
from eye.monitor.node_view import NodeView

CONTRACT = json.loads("""
{"version": 1, "at": 1795462080.1, "nodes": [
  {"node": "mystic-node-1", "status": "up", "address": "127.0.0.1:41873", "seen_at": 1795462080.0,
   "host": {"name": "orthanc", "memory_used": 536870912, "memory_total": 25199075328,
            "cpu_percent": 20.0, "cores": 2, "load_1m": 0.42, "process_count": 100, "uptime": 7200.0},
   "process": {"pid": 4242, "memory_rss": 48234496, "cpu_percent": 0.7, "thread_count": 12, "process_count": 17,
               "restarts": 0, "uptime": 7190.5}}]}
""")
NOW = 1795462080.1
HOST = HostReading("orthanc", 536870912, 25199075328, 0.2, 2, 0.42, 100, 7200.0)
PROCESS = ProcessReading(4242, 48234496, 0.007, 12, 17, 0, 7190.5)


def node(name: str = "mystic-node-1", status: str = "up", **changes: object) -> NodeView:
    fields: dict[str, object] = {
        "address": "127.0.0.1:41873",
        "seen_at": 1795462080.0,
        "since": 1795454889.5,
        "reason": None,
        "boot": "0123456789abcdef",
        "host": HOST,
        "process": PROCESS,
        "round_trip": 0.0004,
    }
    return NodeView(name=name, status=status, **{**fields, **changes})  # type: ignore[arg-type]


def test_it_is_the_contract_word_for_word_and_in_its_order_before_what_is_newer() -> None:
    written = document([node()], NOW)
    (entry,), (promised,) = written["nodes"], CONTRACT["nodes"]

    for part in ("host", "process"):
        assert list(promised[part]) == list(entry[part])[: len(promised[part])]
        entry[part] = {name: entry[part][name] for name in promised[part]}
    written["nodes"] = [{name: entry[name] for name in list(entry)[: len(promised)]}]
    assert json.dumps(written) == json.dumps(CONTRACT)


def test_what_is_newer_than_the_contract() -> None:
    (entry,) = document([node(custom={"orders": 5})], NOW)["nodes"]

    assert entry["host"]["source"] == "host"
    assert entry["custom"] == {"orders": 5}


def test_nothing_is_said_of_own_figures_where_there_are_none() -> None:
    (entry,) = document([node()], NOW)["nodes"]

    assert "custom" not in entry


def test_a_node_that_is_down_has_no_readings_and_keeps_when_it_was_seen() -> None:
    (entry,) = document([node(status="down")], NOW)["nodes"]

    assert entry == {
        "node": "mystic-node-1",
        "status": "down",
        "address": "127.0.0.1:41873",
        "seen_at": 1795462080.0,
        "host": None,
        "process": None,
    }


def test_a_suspect_node_keeps_its_last_readings() -> None:
    (entry,) = document([node(status="suspect")], NOW)["nodes"]

    assert entry["host"].items() >= CONTRACT["nodes"][0]["host"].items()


def test_a_node_that_has_said_nothing_yet_has_no_readings() -> None:
    (entry,) = document([node(status="connecting", seen_at=None, host=None, process=None)], NOW)["nodes"]

    assert (entry["seen_at"], entry["host"], entry["process"]) == (None, None, None)


@pytest.mark.parametrize("unmeasured", [None, float("nan"), float("inf")])
def test_a_figure_that_was_not_measured_is_null(unmeasured) -> None:
    host = HostReading("orthanc", 1, 2, unmeasured, 2, unmeasured, 3, 4.0)

    (entry,) = document([node(host=host)], NOW)["nodes"]

    assert (entry["host"]["cpu_percent"], entry["host"]["load_1m"]) == (None, None)
    json.dumps(entry, allow_nan=False)


@pytest.mark.parametrize(("share", "percent"), [(0.0, 0.0), (1 / 3, 33.3), (0.99951, 100.0), (1.0, 100.0)])
def test_a_share_is_given_in_percent_with_one_decimal(share, percent) -> None:
    host = HostReading("orthanc", 1, 2, share, 2, 0.0, 3, 4.0)

    assert document([node(host=host)], NOW)["nodes"][0]["host"]["cpu_percent"] == percent


def test_nodes_come_in_name_order() -> None:
    nodes = document([node("b"), node("c"), node("a")], NOW)["nodes"]

    assert [entry["node"] for entry in nodes] == ["a", "b", "c"]


def test_chosen_metrics_are_all_there_is() -> None:
    (entry,) = document([node()], NOW, select(["memory", "cpu"], "host"))["nodes"]

    assert entry["host"] == {"memory_used": 536870912, "cpu_percent": 20.0}
    assert "process" not in entry


def test_no_metrics_are_no_readings() -> None:
    (entry,) = document([node()], NOW, [])["nodes"]

    assert set(entry) == {"node", "status", "address", "seen_at"}


def test_no_nodes_are_an_empty_list() -> None:
    assert document([], NOW) == {"version": 1, "at": NOW, "nodes": []}
