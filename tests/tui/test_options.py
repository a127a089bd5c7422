"""What the command line and the help say of the screen, against the screen itself."""

from __future__ import annotations

from textual.binding import Binding

from eye.cli.observe import PAGES, SORTS
from eye.tui import cluster_pages, help_page, node_pages
from eye.tui.keys import KEYS
from eye.tui.nodes_page import COLUMNS

_WRITTEN = {
    "ctrl+c": "Ctrl-C", "ctrl+z": "Ctrl-Z", "question_mark": "?", "slash": "/", "escape": "Esc",
    "backspace": "Backspace", "enter": "Enter", "up": "↑", "down": "↓", "pageup": "PgUp", "pagedown": "PgDn",
    "home": "Home", "end": "End", "left": "←", "right": "→",
    "less_than_sign": "<", "greater_than_sign": ">", "tab": "Tab", "plus": "+",
    "minus": "-", "left_square_bracket": "[", "right_square_bracket": "]", "comma": ",", "full_stop": ".",
    "f1": "F1", "f9": "F9",
}  # fmt: skip
_FOR_FINGERS_OF_OTHERS = {"f10", "f4", "backslash", "G", "f6", "I", "Z", "f5", "equals_sign"}


def test_pages_and_orders_are_those_of_the_screen() -> None:
    assert [tab for tab in PAGES.values() if tab] == list(cluster_pages.TABS)
    assert [page for page, tab in PAGES.items() if tab is None] == list(node_pages.TABS)
    assert [column.key for column in COLUMNS] == list(SORTS)


def test_the_help_names_every_key() -> None:
    named = {word for keys, does in help_page.KEYS for word in (*keys.split(), *does.replace(",", " ").split())}
    bound = {key for one in KEYS if isinstance(one, Binding) for key in one.key.split(",")}

    missing = {key for key in bound - _FOR_FINGERS_OF_OTHERS if _WRITTEN.get(key, key) not in named}

    assert missing == set()
