"""The text that `fetch` prints, word for word."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.exporters.text import text
from eye.metrics.catalogue import select

CONTRACT = """\
Node: mystic-node-1
Memory Usage: 512MB
CPU Load: 20%
Process Count: 100
Uptime: 2 hours
"""


def test_one_node_is_the_contracts_block(make_node, now) -> None:
    assert text([make_node()], now) == CONTRACT


def test_nodes_come_in_name_order_with_a_blank_line_between(make_node, now) -> None:
    written = text([make_node("mystic-node-2"), make_node("mystic-node-1")], now)

    assert written == CONTRACT + "\n" + CONTRACT.replace("node-1", "node-2")


def test_no_nodes_are_no_text(now) -> None:
    assert text([], now) == ""


def test_the_scope_of_the_node_has_the_same_words_for_its_own_figures(make_node, now) -> None:
    assert text([make_node()], now, select(scope="node")) == (
        "Node: mystic-node-1\nMemory Usage: 46MB\nCPU Load: 1%\nProcess Count: 17\nUptime: 1 hour\n"
    )


def test_both_scopes_together_say_which_is_the_nodes(make_node, now) -> None:
    assert text([make_node()], now, select(scope="all")) == (
        CONTRACT + "Node Memory Usage: 46MB\nNode CPU Load: 1%\nNode Process Count: 17\nNode Uptime: 1 hour\n"
    )


def test_chosen_metrics(make_node, now) -> None:
    assert text([make_node()], now, select(["load_1m", "memory_total", "restarts"])) == (
        "Node: mystic-node-1\nLoad Average: 0.42\nMemory Total: 23.5GB\nRestarts: 0\n"
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"status": "down", "ago": 12.3}, "down (last seen 12 seconds ago)"),
        ({"status": "down", "ago": 60.0}, "down (last seen 1 minute ago)"),
        ({"status": "down", "ago": -3.0}, "down (last seen 0 seconds ago)"),
        ({"status": "down", "seen_at": None}, "down (never seen)"),
        ({"status": "connecting", "seen_at": None, "host": None, "process": None}, "connecting (never seen)"),
        ({"status": "suspect", "ago": 4.0, "host": None, "process": None}, "suspect (last seen 4 seconds ago)"),
        ({"status": "up", "host": None, "process": None}, "up (no reading yet)"),
    ],
)
def test_a_node_without_figures_has_a_status_instead(changes, line, make_node, now) -> None:
    if "ago" in changes:
        changes = {**changes, "seen_at": now - changes["ago"]}
        del changes["ago"]

    assert text([make_node(**changes)], now) == f"Node: mystic-node-1\nStatus: {line}\n"


def test_a_suspect_node_keeps_its_figures_and_says_how_old_they_are(make_node, now) -> None:
    written = text([make_node(status="suspect", seen_at=now - 4.0)], now)

    assert written == CONTRACT.replace("-1\n", "-1\nStatus: suspect (last seen 4 seconds ago)\n")


def test_a_figure_that_was_not_measured_is_unknown(make_node, now) -> None:
    assert "CPU Load: unknown\n" in text([make_node(host_cpu=None)], now)
    assert "Load Average: unknown\n" in text([make_node(host_load_1m=None)], now, select(["load_1m"]))


def test_a_hostile_name_cannot_forge_a_line_or_an_escape(make_node, now) -> None:
    written = text([make_node("a\nCPU Load: 0%\x1b[2J", status="\x1b[5mdown")], now)

    assert "\x1b" not in written
    assert written.splitlines()[0] == "Node: a\N{REPLACEMENT CHARACTER}CPU Load: 0%\N{REPLACEMENT CHARACTER}[2J"


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), unique=True, max_size=5))
def test_there_is_one_block_a_node_whatever_it_is_called(make_node, names) -> None:
    written = text([make_node(name) for name in names], 1.0)

    assert written.count("\n") == max(len(names) * 6 - 1, 0)


def test_it_imports_no_more_than_it_needs() -> None:
    script = (
        "import sys; before = set(sys.modules); import eye.exporters.text;"
        "print(sorted(m for m in set(sys.modules) - before if m.startswith(('eye', 'psutil', 'csv', 'json'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == str(
        [
            "eye",
            "eye.errors",
            "eye.exporters",
            "eye.exporters.text",
            "eye.exporters.units",
            "eye.metrics",
            "eye.metrics.catalogue",
            "eye.monitor",
            "eye.monitor.clean",
        ]
    )
