"""The terminal view under Textual's pilot: keys, mouse, questions, trouble."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from textual.events import Key

from eye.clock import SystemClock
from eye.errors import ActionRefused, NodeDown
from eye.tui.app import Observe
from eye.tui.pane import Pane
from tests.tui.still import StillView, node_view

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
        assert view.looked > 0

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
        assert app.watching.chosen == "mystic-node-2"
        await pilot.press("end")
        assert app.watching.chosen == "mystic-node-5"
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
        await pilot.press("right_square_bracket")
        assert app.watching.span == 3600.0

    observe(view, play)


def test_the_order_is_turned_by_keys_and_by_clicks(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("right", "right")
        assert app.watching.order.key == "cpu"
        assert text(app).startswith("mystic-node-5")
        await pilot.press("r")
        assert text(app).startswith("mystic-node-1")
        await pilot.click("#heading", offset=(3, 0))
        assert (app.watching.order.key, app.watching.order.is_reversed) == ("node", False)
        await pilot.click("#heading", offset=(3, 0))
        assert text(app).startswith("mystic-node-5")

    observe(view, play)


def test_a_click_chooses_and_a_second_opens(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.click("#page", offset=(3, 2))
        assert (app.watching.chosen, app.watching.opened) == ("mystic-node-3", None)
        await pilot.click("#page", offset=(3, 2))
        assert app.watching.opened == "mystic-node-3"
        await pilot.click("#heading", offset=(len(" 1 graphs ") + 2, 0))
        assert app.watching.tab == "tree"

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
        assert "character 5: a number is expected after '>'" in text(app, "footer")
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
        await until(app, pilot, lambda: app.watching.wanted.text == "node2")
        assert not app.query_one("#ask").display
        assert app.focused is None

    observe(view, play)


def test_escape_in_the_filter_gives_it_up(view: StillView) -> None:
    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"node-2", "escape")
        assert len(text(app).splitlines()) == 5
        assert not app.query_one("#ask").display
        await pilot.press("down")
        assert app.watching.chosen == "mystic-node-3"  # the one that was found stays chosen

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
        assert view.done == []
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
        assert view.done[-1] == ("crash", "mystic-node-1", "/eye/local/sampler") or (
            "crash", "mystic-node-1", "/eye/local/sampler"
        ) in view.done  # fmt: skip

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
        app.watching._desk.forget(("tree", "mystic-node-1"))
        await until(app, pilot, lambda: "s old" in text(app, "heading"))
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
        assert app.watching.chosen == "node-0999"
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
        everything = "".join(text(app, pane) for pane in ("summary", "heading", "page", "events", "footer"))
        assert "\x1b" not in everything
        assert "\u202e" not in everything

    observe(view, play)


def test_it_leaves_no_thread_behind(view: StillView) -> None:
    before = set(threading.enumerate())

    async def play(app: Observe, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        await until(app, pilot, lambda: "orders#3" in text(app))

    observe(view, play)

    for thread in set(threading.enumerate()) - before:
        thread.join(10.0)
    assert set(threading.enumerate()) <= before
