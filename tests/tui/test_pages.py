"""The pages as pure functions: what is on them, and that every line fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.metrics.filters import parse
from eye.tui import cells, detail_page, events_page, help_page, hints, nodes_page, processes_page, tree_page
from eye.tui.nodes_page import COLUMNS, Order
from tests.tui.still import BUSY, DOWN, NOW, STALE, YOUNG, StillView, document, flat, node_view, process

ALL = (node_view(), DOWN, YOUNG, STALE, BUSY)
NASTY = "<script>\x1b]0;pwned\x07[red]\u202e" + "x" * 10_000
WIDTHS = st.integers(10, 200)


def width(line: Any) -> int:
    return cells.width("".join(text for text, _ in line))


def harmless(line: Any) -> bool:
    return all(text.isprintable() for text, _ in line)


# ------------------------------------------------------------------------------------ the table


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("node", [1, 2, 3, 4, 5]),
        ("status", [2, 5, 3, 1, 4]),  # what is wrong first
        ("cpu", [5, 1, 4, 2, 3]),  # who has no figure comes last
        ("restarts", [5, 1, 4, 2, 3]),
        ("mem%", [5, 1, 4, 2, 3]),
    ],
)
def test_rows_are_sorted_with_the_most_telling_first(key: str, names: list[int]) -> None:
    rows = nodes_page.arrange(ALL, parse(""), Order(key), NOW)

    assert [node.name for node in rows] == [f"mystic-node-{number}" for number in names]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_the_other_way_round_those_without_a_figure_still_come_last(column: Any) -> None:
    order = Order(column.key).by(column.key)

    rows = nodes_page.arrange(ALL, parse(""), order, NOW)

    without = [node.name for node in rows if column.value(node, NOW) is None]
    assert order.is_reversed
    assert [node.name for node in rows][len(rows) - len(without) :] == without


def test_the_order_goes_through_the_columns_and_round() -> None:
    order = Order()
    keys = []
    for _ in COLUMNS:
        keys.append(order.key)
        order = order.next(1)

    assert keys == [column.key for column in COLUMNS]
    assert order == Order() == Order().next(1).next(-1)


@pytest.mark.parametrize("wanted", ["status:down", "mystic-node-2", "not (status:up or 3 or 5)"])
def test_only_what_is_wanted_is_shown(wanted: str) -> None:
    assert nodes_page.arrange(ALL, parse(wanted), Order(), NOW) == [DOWN]


@given(WIDTHS, st.sampled_from((*ALL, node_view(NASTY, reason=NASTY, status="suspect"), node_view("日本語" * 20))))
def test_a_row_fits_and_is_harmless(columns: int, node: Any) -> None:
    shown = nodes_page.layout(columns, [node.name])

    for line in (
        nodes_page.row(node, shown, NOW, StillView().trail, columns),
        cells.cut(nodes_page.heading(shown, Order("cpu")), columns),
    ):
        assert width(line) <= columns
        assert harmless(line)


@given(st.integers(40, 300))
def test_the_name_and_the_status_are_never_left_out(columns: int) -> None:
    keys = [column.key for column, _ in nodes_page.layout(columns, ["mystic-node-1"])]

    assert keys[:2] == ["node", "status"]


def test_what_a_dead_node_said_is_not_shown_as_if_it_were_so_now() -> None:
    shown = nodes_page.layout(200, ["mystic-node-2"])

    text = cells.plain(nodes_page.row(DOWN, shown, NOW, StillView().trail, 200))

    assert "20%" not in text
    assert "✖ down" in text
    assert text.endswith("last seen 12s ago: connection refused")


@pytest.mark.parametrize(("node", "word"), [(STALE, "◇ stale"), (YOUNG, "○ connecting"), (BUSY, "◆ suspect")])
def test_how_a_node_is_is_a_word_and_a_shape(node: Any, word: str) -> None:
    shown = nodes_page.layout(200, [node.name])

    assert word in cells.plain(nodes_page.row(node, shown, NOW, StillView().trail, 200))


def test_the_summary_counts() -> None:
    text = cells.plain(nodes_page.summary(ALL, 2, NOW))

    assert text == "5 nodes  ● 2 up  ◆ 1 suspect  ✖ 1 down  ○ 1 connecting  ◇ 1 stale  2 shown"


def test_a_click_on_a_title_finds_its_column() -> None:
    shown = nodes_page.layout(200, ["mystic-node-1"])
    line = "".join(text for text, _ in nodes_page.heading(shown, Order()))

    for column, _ in shown:
        assert nodes_page.column_at(line.index(column.title), shown) == column.key
    assert nodes_page.column_at(10_000, shown) is None


# --------------------------------------------------------------------------------- a node's pages


@given(WIDTHS, st.integers(0, 40))
def test_graphs_fit_the_width(columns: int, rows: int) -> None:
    series = StillView(node_view()).graph(
        "mystic-node-1", [graph.key for graph in detail_page.GRAPHS] + ["host.memory_total"], seconds=60, step=1
    )

    for line in detail_page.graphs(series, columns, rows):
        assert width(line) <= columns or columns < 20


@pytest.mark.parametrize(("columns", "rows"), [(79, 14), (119, 22)])
def test_all_graphs_are_seen_at_once(columns: int, rows: int) -> None:
    series = StillView(node_view()).graph("mystic-node-1", ["host.cpu"], seconds=60, step=1)

    lines = detail_page.graphs(series, columns, rows)

    assert len(lines) <= rows
    text = "\n".join(map(cells.plain, lines))
    assert all(graph.title in text for graph in detail_page.GRAPHS)


def test_what_was_never_measured_is_said() -> None:
    lines = detail_page.graphs({"step": 1.0, "starts": [], "points": {}}, 100, 20)

    assert "CPU of the machine: nothing yet" in cells.plain(lines[0])


@pytest.mark.parametrize(
    ("uptime", "seconds"), [(None, 900), (12, 60), (60, 60), (61, 300), (301, 900), (864_000, 900)]
)
def test_graphs_reach_back_as_far_as_there_is_something(uptime: float | None, seconds: float) -> None:
    assert detail_page.fitting_span(uptime) == seconds


@pytest.mark.parametrize("node", [*ALL, node_view(NASTY, reason=NASTY, status="down")], ids=range(6))
@pytest.mark.parametrize("columns", [20, 80, 200])
def test_who_a_node_is_fits(node: Any, columns: int) -> None:
    for line in detail_page.heading(node, NOW, columns):
        assert width(line) <= columns
        assert harmless(line)


@pytest.mark.parametrize(
    ("askers", "text"),
    [
        (0, ""),
        (1, "looking costs it 0.061% of a core and 1.4K/s: 2.0 questions/s from 1 machine"),
        (2, "looking costs it 0.061% of a core and 1.4K/s: 2.0 questions/s from 2 machines"),
    ],
)
def test_the_price_of_looking(askers: int, text: str) -> None:
    cost = {**StillView(node_view()).cost("mystic-node-1"), "askers": [{}] * askers}

    assert cells.plain(detail_page.price(cost, 100)) == text
    assert width(detail_page.price(cost, 40)) <= 40
    assert detail_page.price(None, 100) == ()


def test_what_a_program_tells_of_itself() -> None:
    node = node_view(custom={"queue": 3, "orders": 1234567.0, NASTY: 1})

    line = detail_page.own_figures(node, 100)

    assert cells.plain(line).startswith("its own: ")
    assert "orders 1.23457e+06, queue 3" in cells.plain(detail_page.own_figures(node, 20_000))
    assert width(line) <= 100
    assert harmless(line)
    assert detail_page.own_figures(node_view(), 100) == ()


def test_in_a_container_it_is_said_whose_figures_these_are() -> None:
    host = node_view().host
    assert host is not None

    (_, second) = detail_page.heading(node_view(host=replace(host, source="container")), NOW, 100)

    assert cells.plain(second).startswith("orthanc (its container): 2 cores")


def tree_text(**asked: Any) -> str:
    given = {"folded": frozenset(), "columns": 140, **asked}
    return "\n".join(cells.plain(row.line) for row in tree_page.rows(document(), **given))


def test_the_tree_tells_the_story_of_its_restarts() -> None:
    text = tree_text()

    assert "▾ local         permanent  one_for_one   ▮▯▯ 1 of 3 in 5 s" in text
    assert "orders#3" in text
    assert "⟳ 2  restarted 0s ago because it crashed: ValueError: no such order, 1 of 3 in 5 s" in text
    assert "12 waiting for 4s" in text
    assert "stopped  last exit: shutdown" in text
    assert "✖ import-7    temporary  gone 4s ago: FileNotFoundError: no such file; a temporary child" in text


def test_what_is_folded_says_how_much_and_what_is_wrong_in_it() -> None:
    assert "▸ local (3)" in tree_text(folded={"/eye/local"})
    assert "✖ 1 not running" in tree_text(folded={"/eye/local"})
    assert "orders" not in tree_text(folded={"/eye/local"})


def test_a_search_shows_what_matches_with_its_ancestors() -> None:
    assert [line.split()[1] for line in tree_text(search="SAMPLER").splitlines()] == ["eye", "local", "sampler"]


@given(WIDTHS)
def test_the_tree_fits_and_is_harmless(columns: int) -> None:
    told = document()
    told["tree"]["children"].append(
        process(NASTY, NASTY, name=NASTY, module=NASTY, last_exit=NASTY, status="stopped")
    )

    for row in tree_page.rows(told, folded=frozenset(), columns=columns):
        assert width(row.line) <= columns
        assert harmless(row.line)


@given(WIDTHS, st.sampled_from(processes_page.SORTS))
def test_processes_fit_and_are_harmless(columns: int, sort: str) -> None:
    rows = [*flat(document()["tree"]), process(NASTY, NASTY, status=NASTY)]

    for line in [processes_page.heading(sort, columns), *processes_page.rows({"processes": rows}, columns)]:
        assert width(line) <= columns
        assert harmless(line)


def test_an_actor_of_pykka_has_handled_nobody_knows_how_many() -> None:
    row = process("Orders-7", "pykka/Orders-7", handled=None)

    assert cells.plain(processes_page.rows({"processes": [row]}, 80)[0]).split() == [
        "pykka/Orders-7", "running", "0", "-", "-", "0",
    ]  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_click_on_a_title_finds_what_to_sort_by(columns: int) -> None:
    line = "".join(text for text, _ in processes_page.heading("path", columns))

    for key, title in {
        "mailbox": "MAILBOX",
        "handled": "HANDLED",
        "restarts": "RESTARTS",
        "path": "PROCESS",
    }.items():
        if title in line:
            assert processes_page.column_at(line.index(title), columns) == key
    assert processes_page.column_at(line.index("STATUS"), columns) is None


# --------------------------------------------------------------------------------------- the rest


def test_the_event_log_has_a_line_for_what_is_worth_one() -> None:
    lines = events_page.rows(
        [
            {"what": "node_up", "at": NOW, "node": "a", "address": "127.0.0.1:1"},
            {"what": "unheard of", "at": NOW, "node": "a"},
            {"what": "node_down", "at": NOW, "node": NASTY, "reason": NASTY},
        ],
        60,
    )

    assert len(lines) == 2
    assert "● up at 127.0.0.1:1" in cells.plain(lines[0])
    assert all(width(line) <= 60 and harmless(line) for line in lines)


def test_the_help_fits_a_small_terminal() -> None:
    lines = help_page.rows()

    assert len(lines) <= 21
    assert all(width(line) <= 79 for line in lines)


@pytest.mark.parametrize("page", hints.PAGES)
def test_the_last_line_fits_a_small_terminal(page: str) -> None:
    assert width(hints.footer(page)) <= 80


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (30.0, "30 seconds"),
        (60.0, "minute"),
        (300.0, "5 minutes"),
        (3600.0, "hour"),
        (6 * 3600.0, "6 hours"),
        (86400.0, "day"),
        (7 * 86400.0, "7 days"),
    ],
)
def test_how_far_back(seconds: float, said: str) -> None:
    assert hints.reach(seconds) == said
