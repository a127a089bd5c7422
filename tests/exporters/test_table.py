"""The table: aligned, no wider than the terminal, and harmless."""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye.exporters.table import table
from eye.metrics.catalogue import select

GOLDEN = """\
NODE           STATUS        MEMORY USAGE  CPU LOAD  PROCESS COUNT   UPTIME  LAST SEEN
mystic-node-1  ● up                 512MB       20%            100  2 hours  now
mystic-node-2  ✖ down                   -         -              -        -  12 seconds ago
mystic-node-3  ◆ suspect            512MB       20%            100  2 hours  4 seconds ago
mystic-node-4  ○ connecting             -         -              -        -  never
"""


@pytest.fixture
def nodes(make_node, now):
    return [
        make_node("mystic-node-4", status="connecting", seen_at=None, host=None, process=None),
        make_node("mystic-node-3", status="suspect", seen_at=now - 4.5),
        make_node("mystic-node-2", status="down", seen_at=now - 12.5),
        make_node("mystic-node-1"),
    ]


def test_it_is_aligned_and_in_name_order(nodes, now) -> None:
    assert table(nodes, now) == GOLDEN


def test_a_terminal_that_is_wide_enough_changes_nothing(nodes, now) -> None:
    widest = max(map(len, GOLDEN.splitlines()))

    assert table(nodes, now, width=widest) == GOLDEN
    assert table(nodes, now, width=500) == GOLDEN


def test_no_nodes_are_no_table(now) -> None:
    assert table([], now) == ""


def test_both_scopes_have_a_column_each(make_node, now) -> None:
    heading, row = table([make_node()], now, select(["memory"], "all")).splitlines()

    assert heading.split("  ")[-3:] == ["MEMORY USAGE", "NODE MEMORY USAGE", "LAST SEEN"]
    assert row.split()[-3:] == ["512MB", "46MB", "now"]


def test_colour_repeats_what_word_and_shape_say_and_only_when_asked_for(nodes, now) -> None:
    coloured = table(nodes, now, colour=True)

    assert "\x1b[32m● up" in coloured
    assert "\x1b[31m✖ down" in coloured
    assert "\x1b[33m◆ suspect" in coloured
    assert "\x1b" not in table(nodes, now)
    plain = re.sub(r"\x1b\[\d+m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == GOLDEN.splitlines()


def test_a_narrow_terminal_shortens_names_in_their_middle_first(make_node, now) -> None:
    nodes = [make_node("a-very-long-name-of-a-node-indeed-17"), make_node("b")]
    lines = table(nodes, now, width=80).splitlines()

    assert lines[0].endswith("LAST SEEN")
    assert re.match(r"a-very\S*…\S*eed-17  ● up", lines[1])
    assert max(map(len, lines)) <= 80


def test_a_narrower_one_leaves_columns_out_and_says_so(nodes, now) -> None:
    lines = table(nodes, now, width=50).splitlines()

    assert lines[0].split("  ")[0] == "NODE"
    assert lines[0].endswith("MEMORY USAGE  …")
    assert max(map(len, lines)) <= 50


def test_node_and_status_are_never_left_out(nodes, now) -> None:
    lines = table(nodes, now, width=1).splitlines()

    assert lines[0].split() == ["NODE", "STATUS", "…"]
    assert len(lines) == 5


def test_wide_characters_are_counted_as_the_terminal_shows_them(make_node, now) -> None:
    lines = table(
        [make_node("東京"), make_node("oslo"), make_node("o\N{COMBINING DIAERESIS}sl")], now
    ).splitlines()

    before_status = [re.split("[●]", line)[0] for line in lines[1:]]
    assert sorted(before_status) == ["oslo  ", "o\N{COMBINING DIAERESIS}sl   ", "東京  "]


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), unique=True, min_size=1, max_size=5), st.integers(1, 120))
def test_whatever_nodes_are_called_it_is_a_line_each_and_fits(make_node, names, width) -> None:
    lines = table([make_node(name) for name in names], 1_795_462_081.0, width=width).split("\n")

    assert len(lines) == len(names) + 2
    assert all(line.isprintable() for line in lines)
    if width >= 30:
        assert max(map(columns_of, lines)) <= width


def columns_of(line: str) -> int:
    """How wide the terminal shows it: an accent takes no column, `東` takes two."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in line)


def test_where_some_are_containers_a_column_says_whose_memory_and_cpu_it_is(make_node, now) -> None:
    machine, container = make_node("a"), make_node("b", host_source="container")

    lines = table([machine, container, make_node("c", status="down")], now).splitlines()

    assert lines[0].endswith("UPTIME  OF         LAST SEEN")
    assert [line.split()[-2] for line in lines[1:3]] == ["host", "container"]
    assert "OF" not in table([machine], now)
