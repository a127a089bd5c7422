"""The terminal view under Textual's pilot: keys, mouse, questions, trouble."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from textual.events import Key

from eye.clock import SystemClock
from eye.errors import ActionRefused, NodeDown
from eye.tui.app import Observe
from eye.tui.ask_line import AskLine
from eye.tui.canvas import UPPER
from eye.tui.nodes_page import Order
from eye.tui.pane import Pane
from eye.tui.watching import Start
from tests.tui.still import NOW, StillView, alert, document, node_view, sightings

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot


def observe(
    view: Any, play: Callable[[Observe, Pilot[int]], Any], size: tuple[int, int] = (100, 30), **given: Any
) -> None:
    """Run the app without a terminal, and `play` on it."""

    async def run() -> None:
        app = Observe(view, SystemClock(), **given)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await play(app, pilot)

    asyncio.run(run())


def text(app: Observe, pane: str = "page") -> str:
    return app.query_one(f"#{pane}", Pane).text()


async def until(app: Observe, pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Paint until what is asked in the background has come."""
    for _ in range(2000):
        app.beat()
        await pilot.pause()
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(text(app))


def test_the_first_screen_has_every_node(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        assert [line.split()[0] for line in text(app).splitlines()] == [f"mystic-node-{n}" for n in range(1, 6)]
        assert "5 nodes" in text(app, "summary")
        assert "down: connection refused" in text(app, "events")
        assert view.looked[-1] == [f"mystic-node-{n}" for n in range(1, 6)]

    observe(view, play)


def test_without_any_node_it_says_so() -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        assert "no node was found yet" in text(app)
        await pilot.press("down", "up", "enter", "end", "left", "r", "x", "g", "t", "plus", "E", "1")
        assert "no node was found yet" in text(app)

    observe(StillView(), play)


def test_arrows_choose_and_enter_opens(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("down", "down", "up")
        assert app.watching.table.chosen == "mystic-node-2"
        await pilot.press("end")
        assert app.watching.table.chosen == "mystic-node-5"
        await pilot.press("home", "enter")
        await until(app, pilot, lambda: "CPU of the machine: " in text(app))
        await pilot.press("escape")
        assert app.watching.opened is None

    observe(view, play)


def test_the_pages_of_a_node(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("3")
        await until(app, pilot, lambda: "/eye/local/sampler" in text(app))
        assert ("processes", "mystic-node-1", "mailbox") in view.done
        await pilot.press("s")
        await until(app, pilot, lambda: ("processes", "mystic-node-1", "age") in view.done)
        await pilot.press("tab")
        await until(app, pilot, lambda: "Memory of the node" in text(app))
        await pilot.press("plus")
        assert app.watching.node_pages.span == 3600.0

    observe(view, play)


def test_the_order_is_turned_by_keys_and_by_clicks(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("right", "right")
        assert app.watching.table.order.key == "cpu"
        assert text(app).startswith("mystic-node-5")
        await pilot.press("r")
        assert text(app).startswith("mystic-node-1")
        await pilot.click("#heading", offset=(3, 0))
        assert (app.watching.table.order.key, app.watching.table.order.is_reversed) == ("node", False)
        await pilot.click("#heading", offset=(3, 0))
        assert text(app).startswith("mystic-node-5")

    observe(view, play)


def test_a_click_chooses_and_a_second_opens(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.click("#page", offset=(3, 2))
        assert (app.watching.table.chosen, app.watching.opened) == ("mystic-node-3", None)
        await pilot.click("#page", offset=(3, 2))
        assert app.watching.opened == "mystic-node-3"
        await pilot.click("#tabs", offset=(len("mystic-node-3  1 graphs ") + 2, 0))
        assert app.watching.node_pages.tab == "tree"

    observe(view, play)


def test_in_the_tree_supervisors_fold(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("down", "enter")
        assert "orders#3" not in text(app)
        await pilot.press("plus")
        assert "orders#3" in text(app)
        await pilot.press("E")
        assert "local (3)" in text(app)

    observe(view, play)


def test_a_filter_is_understood_while_it_is_written(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"cpu", "greater_than_sign")
        assert text(app, "footer") == "    ^ a number is expected after '>'"
        await pilot.press(*"80", "enter")
        app.beat()
        assert [line.split()[0] for line in text(app).splitlines()] == ["mystic-node-5"]
        assert "filter: cpu>80" in text(app, "summary")
        await pilot.press("q" if app.focused else "down")
        await pilot.press("escape")
        assert len(text(app).splitlines()) == 5

    observe(view, play)


def test_what_is_typed_ahead_is_not_lost(view: StillView) -> None:
    """As over a slow line, where all of it comes at once."""

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        for key, char in (("slash", "/"), *((one, one) for one in "node2"), ("enter", "\r"), ("down", None)):
            app.post_message(Key(key, char))
        await until(app, pilot, lambda: app.watching.table.wanted.text == "node2")
        assert not app.query_one("#ask").display
        assert app.focused is None

    observe(view, play)


def test_what_is_typed_after_a_search_is_for_the_page(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("enter", "2")
        await until(app, pilot, lambda: "sampler" in text(app))
        keys = (("slash", "/"), *((one, one) for one in "samp"), ("enter", "\r"), ("end", None), ("x", "x"))
        for key, char in keys:
            app.post_message(Key(key, char))
        await until(app, pilot, lambda: "Crash /eye/local/sampler" in text(app, "footer"))
        assert "search: samp" in text(app, "tabs")
        assert "sampx" not in text(app, "tabs")

    observe(view, play)


def test_what_came_before_the_focus_is_not_written_over(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        app.action_filter()
        app.query_one("#ask", AskLine).insert_text_at_cursor("o")  # as `on_key` does with what is early
        await pilot.pause()
        await pilot.press("r")
        assert app.query_one("#ask", AskLine).value == "or"

    observe(view, play)


def test_escape_in_the_filter_gives_it_up(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"node-2", "escape")
        assert len(text(app).splitlines()) == 5
        assert not app.query_one("#ask").display
        await pilot.press("down")
        assert app.watching.table.chosen == "mystic-node-3"  # the one that was found stays chosen

    observe(view, play)


def test_which_nodes_there_are_at_all_can_be_said_from_outside(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        assert [line.split()[0] for line in text(app).splitlines()] == ["mystic-node-2"]
        assert "1 node" in text(app, "summary")

    observe(view, play, wants=lambda name: name.endswith("2"))


def test_paused_nothing_moves_and_what_comes_is_not_lost(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("space")
        view.shown = (node_view("new"),)
        app.beat()
        assert "PAUSED" in text(app, "summary")
        assert "new" not in text(app)
        await pilot.press("space")
        assert text(app).startswith("new")

    observe(view, play)


def test_the_help_covers_everything_and_any_key_leaves_it(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("question_mark")
        assert "PgUp" in text(app)
        assert not app.query_one("#events").display
        await pilot.press("q")
        assert text(app).startswith("mystic-node-1")
        assert app.is_running

    observe(view, play, size=(80, 24))


def test_garbage_is_collected_after_a_yes(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("g")
        assert "Collect garbage on mystic-node-1?" in text(app, "footer")
        await pilot.press("n")
        assert ("gc", "mystic-node-1") not in view.done
        await pilot.press("g", "y")
        await until(app, pilot, lambda: "17 objects collected" in text(app, "footer"))
        assert view.done == [("gc", "mystic-node-1")]

    observe(view, play)


def test_a_process_is_crashed_after_a_yes(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("down", "down", "x")
        assert "Crash /eye/local/sampler on mystic-node-1?" in text(app, "footer")
        await pilot.press("y")
        await until(app, pilot, lambda: "was told to crash" in text(app, "footer"))
        assert ("crash", "mystic-node-1", "/eye/local/sampler") in view.done

    observe(view, play)


@pytest.mark.parametrize(
    ("key", "asked", "deed"),
    [
        ("S", "Stop /eye/local/orders on mystic-node-1?", "stop"),
        ("R", "Restart /eye/local/orders on mystic-node-1?", "restart"),
        ("z", "Suspend /eye/local/orders on mystic-node-1?", "suspend"),
    ],
)
def test_what_can_do_harm_is_asked_first(view: StillView, key: str, asked: str, deed: str) -> None:
    done = ("handle", "mystic-node-1", "/eye/local/orders", deed)

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("down", "down", "down", key)
        assert asked in text(app, "footer")
        await pilot.press("enter")
        assert done not in view.done
        await pilot.press(key, "y")
        await until(app, pilot, lambda: "/eye/local/orders " in text(app, "footer"))
        assert done in view.done

    observe(view, play)


def test_what_is_suspended_goes_on_without_a_question(view: StillView) -> None:
    told = document()
    told["tree"]["children"][0]["children"][0]["status"] = "suspended"
    view.tree = lambda node, at=None: told  # type: ignore[method-assign]

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "suspended" in text(app))
        await pilot.press("down", "down", "z")
        await until(app, pilot, lambda: "/eye/local/sampler goes on" in text(app, "footer"))
        assert view.done[-1] == ("handle", "mystic-node-1", "/eye/local/sampler", "resume")

    observe(view, play)


def test_what_can_be_done_is_shown_before_it_is_chosen(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("down", "down", "a")
        assert "R restart" in text(app, "footer")
        await pilot.press("escape")
        assert "R restart" not in text(app, "footer")
        assert app.watching.opened == "mystic-node-1"
        await pilot.press("a", "x")
        assert "Crash /eye/local/sampler" in text(app, "footer")

    observe(view, play)


def test_without_a_process_there_is_nothing_to_be_done_to_it(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("x")
        assert "crash: first choose a process" in text(app, "footer")
        await pilot.press("2", "g")
        assert "gc: there is no node that was chosen" in text(app, "footer")

    observe(view, play)


def test_a_process_from_near_and_its_state_when_it_is_asked_for(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("down", "down", "down", "enter")
        await until(app, pilot, lambda: "LAST RESTARTS" in text(app))
        assert not any(one[0] == "state" for one in view.done)
        await pilot.press("i")
        await until(app, pilot, lambda: "{17: 'ring', 18: 'cloak'}" in text(app))
        app.beat()
        assert view.done.count(("state", "mystic-node-1", "/eye/local/orders")) == 1
        await pilot.press("i")
        await until(app, pilot, lambda: view.done.count(("state", "mystic-node-1", "/eye/local/orders")) == 2)
        await pilot.press("escape")
        assert app.watching.node_pages.chosen == "/eye/local/orders"

    observe(view, play, interval=0.1)


def test_a_state_that_is_not_told_is_said_why(view: StillView) -> None:
    def refuse(node: str, process: str) -> Any:
        raise ActionRefused(node, "state")

    view.state = refuse  # type: ignore[method-assign]

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("down", "down", "i")
        await until(app, pilot, lambda: "start it with --allow state" in text(app))

    observe(view, play)


def test_looking_back_shows_what_was_and_says_so(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        assert "✖ down" in text(app)
        await pilot.press("left_square_bracket")
        await until(app, pilot, lambda: "✖ down" not in text(app))
        assert "LOOKING BACK   19:27:00, 1 min 0 s ago" in text(app, "slider")
        assert "node-2     ✖ down" not in text(app, "events")
        await pilot.press("comma", "t")
        await until(app, pilot, lambda: "orders " in text(app))
        assert ("tree", "mystic-node-1", NOW - 65) in view.done
        assert "unchanged since" in text(app, "tabs")
        await pilot.press("down", "down", "x")
        assert "this is the past" in text(app, "footer")
        await pilot.press("3")
        assert "/eye/local/orders" in text(app)
        await pilot.press("escape")
        assert text(app, "slider") == ""
        await until(app, pilot, lambda: "/eye/local/sampler" in text(app))

    observe(view, play)


def test_who_goes_on_comes_back_to_now(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("comma", "comma", "full_stop")
        assert app.watching.scene.at == NOW - 5
        await pilot.press("right_square_bracket")
        assert app.watching.scene.at is None
        await pilot.press(*["left_square_bracket"] * 70)
        assert app.watching.scene.at == NOW - 3600
        await pilot.click("#slider", offset=(99, 0))
        assert app.watching.scene.at is None

    observe(view, play)


def test_until_the_nodes_have_told_it_is_said_that_they_are_asked(view: StillView) -> None:
    asked = threading.Event()
    past = view.past_nodes
    view.past_nodes = lambda at: (asked.wait(10.0), past(at))[1]  # type: ignore[method-assign]

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("left_square_bracket")
        assert "asks the nodes what it was like then" in text(app)
        asked.set()
        await until(app, pilot, lambda: "mystic-node-1" in text(app))

    observe(view, play)


def test_what_is_told_late_stands_where_it_belongs(view: StillView) -> None:
    view.records.append({"what": "node_up", "at": NOW - 90, "node": "late", "address": "127.0.0.1:1"})

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        assert [line.split()[1] for line in text(app, "events").splitlines() if line] == [
            "late", "mystic-node-1", "mystic-node-2",
        ]  # fmt: skip

    observe(view, play)


def test_a_past_that_nobody_remembers_is_said(view: StillView) -> None:
    view.trouble = NodeDown("mystic-node-1", "connection refused")

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("left_square_bracket")
        await until(app, pilot, lambda: "connection refused" in text(app, "slider"))

    observe(view, play)


def test_graphs_mark_the_moment_that_is_looked_back_to(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("enter")
        await until(app, pilot, lambda: "CPU of the machine: " in text(app))
        await pilot.press("left_square_bracket")
        await until(app, pilot, lambda: "then" in text(app))

    observe(view, play)


def test_who_sees_whom(view: StillView) -> None:
    view.sightings = lambda: sightings(["a", "b", "c"], a__b="down")  # type: ignore[method-assign]

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("2")
        await until(app, pilot, lambda: "a sees b as down; 1 other sees it up" in text(app, "above"))
        assert text(app).splitlines()[0].split() == ["1", "a", "·", "✖", "●"]
        await pilot.press("left_square_bracket")
        assert "is not remembered" in text(app)
        await pilot.press("escape", "escape")
        assert app.watching.tab == "nodes"

    observe(view, play)


def test_alerts_have_a_page_a_count_and_a_bell(view: StillView) -> None:
    rung: list[int] = []

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
        await pilot.press("3")
        assert "no alert fires" in text(app)
        view.warnings = [alert(), alert("mystic-node-4", state="pending", fired_at=None)]
        app.beat()
        app.beat()
        assert "▲ 1 alert, critical" in text(app, "summary")
        assert [line.split()[1] for line in text(app).splitlines()] == ["firing", "pending"]
        assert rung == [1]

    observe(view, play, rings=True)


def test_every_event_can_be_read_again(view: StillView) -> None:
    view.records = [
        {"what": "node_up", "at": NOW - 100 + n, "node": f"node-{n}", "address": "127.0.0.1:1"} for n in range(90)
    ]

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("4")
        page = app.query_one("#page", Pane)
        await until(app, pilot, lambda: page.first > 50)
        await pilot.press("home")
        assert page.first == 0
        view.records = [*view.records, {**view.records[0], "node": "new", "at": NOW}]
        app.beat()
        assert page.first == 0
        await pilot.press("end")
        assert text(app).splitlines()[-1].split()[1] == "new"
        assert page.first > 50

    observe(view, play)


def test_rows_stand_still_while_somebody_moves_among_them(view: StillView) -> None:
    def names() -> list[str]:
        return [line.split()[0] for line in text(app_).splitlines()]

    app_: Any = None

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        nonlocal app_
        app_ = app
        await pilot.press("P")
        before = names()
        await pilot.press("down")
        view.shown = (busier(view.shown[0]), *view.shown[1:], node_view("a-new-one"))
        app.beat()
        assert names() == [*before, "a-new-one"]
        assert "rows stand still" in text(app, "tabs")
        await pilot.press("F")
        assert names()[0] == "mystic-node-1"
        assert "follows mystic-node-4" in text(app, "tabs")

    observe(view, play)


def busier(node: Any) -> Any:
    return replace(node, host=replace(node.host, cpu=1.0))


def test_in_a_node_the_filter_key_searches(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("slash", *"samp", "enter")
        assert [line.split()[1] for line in text(app).splitlines()] == ["eye", "local", "sampler"]
        assert "search: samp" in text(app, "tabs")
        await pilot.press("escape")
        assert "orders#3" in text(app)

    observe(view, play)


def test_beyond_the_last_hour_history_is_needed(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("enter", "plus", "plus")
        assert "--history" in text(app, "footer")
        view.has_history = True
        await pilot.press("plus", "plus", "plus")
        await until(app, pilot, lambda: "the last 7 days" in text(app, "tabs"))
        assert ("graph", "mystic-node-1", 7 * 86400.0) in view.done
        await pilot.press("minus")
        assert "the last day" in text(app, "tabs")

    observe(view, play)


def test_only_what_is_seen_is_looked_at_closely(view: StillView) -> None:
    view.shown = tuple(node_view(f"node-{number:04}") for number in range(1000))

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        app.beat()
        assert view.looked[-1][0] == "node-0000"
        assert len(view.looked[-1]) < 30
        await pilot.press("end", "enter")
        assert view.looked[-1] == ["node-0999"]
        await pilot.press("escape", "2")
        assert view.looked[-1] == []

    observe(view, play)


@pytest.mark.parametrize(
    ("start", "where"),
    [
        (Start(tab="alerts"), ("alerts",)),
        (Start(node_tab="tree"), ("mystic-node-5", "tree", None)),
    ],
)
def test_it_can_begin_elsewhere(view: StillView, start: Start, where: tuple[str, ...]) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        assert app.watching.where == where

    observe(view, play, start=start._replace(order=Order("cpu")))


def test_paused_nothing_is_asked_anew(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        await pilot.press("space")
        asked = view.done.count(("tree", "mystic-node-1", None))
        app.watching._questions._interval = 0.0
        for _ in range(3):
            app.beat()
            await pilot.pause()
        assert view.done.count(("tree", "mystic-node-1", None)) == asked

    observe(view, play)


def test_a_refusal_is_told_with_its_remedy(view: StillView) -> None:
    view.trouble = ActionRefused("mystic-node-1", "gc")

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("g", "y")
        await until(app, pilot, lambda: "--deny gc" in text(app, "footer"))
        await pilot.press("down")
        assert "--deny gc" not in text(app, "footer")

    observe(view, play)


@pytest.mark.parametrize("key", ["1", "2", "3"])
def test_a_node_that_does_not_answer_is_said(view: StillView, key: str) -> None:
    view.trouble = NodeDown("mystic-node-1", "connection refused")

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("enter", key)
        await until(app, pilot, lambda: "connection refused" in text(app))

    observe(view, play)


def test_what_was_seen_last_stays_with_its_age(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))
        view.trouble = NodeDown("mystic-node-1", "connection refused")
        app.watching._questions._desk.forget(("tree", "mystic-node-1"))
        await until(app, pilot, lambda: "s old: " in text(app, "tabs"))
        assert "orders#3" in text(app)

    observe(view, play, interval=0.1)


def test_a_node_that_is_forgotten_while_it_is_open(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("enter")
        view.shown = ()
        app.beat()
        assert "is no longer in the cluster" in text(app)
        await pilot.press("escape")
        assert "no node was found yet" in text(app)

    observe(view, play)


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (40, 10), (300, 80)])
def test_any_size_of_terminal(view: StillView, size: tuple[int, int]) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        for key in ("e", "e", "enter", "2", "3", "question_mark", "q", "escape", "slash", "escape"):
            await pilot.press(key)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "5 nodes" in text(app, "summary")

    observe(view, play, size=size)


def test_a_thousand_nodes_make_only_the_lines_that_are_seen(view: StillView) -> None:
    view.shown = tuple(node_view(f"node-{number:04}") for number in range(1000))
    asked: list[str] = []
    trail = view.trail
    view.trail = lambda node, metric: (asked.append(node), trail(node, metric))[1]  # type: ignore[method-assign]

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        asked.clear()
        app.beat()
        await pilot.pause()
        assert len(set(asked)) < 60
        await pilot.press("end")
        assert app.watching.table.chosen == "node-0999"
        page = app.query_one("#page", Pane)
        assert page.scroll_offset.y > 900

    observe(view, play)


def test_hostile_names_are_text_and_nothing_else(view: StillView) -> None:
    name = "[red]x[/red]<script>\x1b[31m\x07\u202e" + "y" * 10_000
    view.shown = (node_view(name, reason=name, status="suspect", address=name),)
    view.records = [{"what": "node_down", "at": 0.0, "node": name, "reason": name}]

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        assert "[red]x" in text(app)
        await pilot.press("enter")
        await until(app, pilot, lambda: "CPU of the machine: " in text(app))
        await pilot.press("g")
        everything = "".join(text(app, pane) for pane in (*UPPER, "footer"))
        assert "\x1b" not in everything
        assert "\u202e" not in everything

    observe(view, play)


def test_an_answer_that_comes_as_the_view_is_being_left_disturbs_nobody(
    view: StillView, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[threading.Thread] = []

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        is_being_painted = asyncio.Event()

        async def paint() -> None:
            is_being_painted.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(app, "beat", paint)
        late.append(threading.Thread(target=app._has_come))
        late[0].start()
        await is_being_painted.wait()

    observe(view, play)
    late[0].join(20.0)

    assert not late[0].is_alive()


def test_it_leaves_no_thread_behind(view: StillView) -> None:
    before = set(threading.enumerate())

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))

    observe(view, play)

    for thread in set(threading.enumerate()) - before:
        thread.join(10.0)
    assert set(threading.enumerate()) <= before
