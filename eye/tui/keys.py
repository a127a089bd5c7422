"""The keys, and what each does: those of `less`, `htop` and vi at once, for fingers that know one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

_FAR = 1_000_000  # rows

KEYS: list[BindingType] = [
    Binding("q,f10", "end"),
    Binding("ctrl+c", "quit", priority=True),  # Textual would only tell of its own key
    Binding("question_mark,h,f1", "help"),
    Binding("slash,f,f4,backslash", "filter"),
    Binding("escape,backspace", "leave"),
    Binding("enter", "open"),
    Binding("up,k", "move(-1)"),
    Binding("down,j", "move(1)"),
    Binding("pageup", "page(-1)"),
    Binding("pagedown", "page(1)"),
    Binding("home", f"move(-{_FAR})"),
    Binding("end,G", f"move({_FAR})"),
    Binding("left,less_than_sign", "sort(-1)"),
    Binding("right,greater_than_sign,s,f6", "sort(1)"),
    Binding("r,I", "reverse"),
    Binding("space,p", "pause"),
    *(Binding(str(number), f"tab({number - 1})") for number in (1, 2, 3)),
    Binding("tab", "tab(-1)", priority=True),  # otherwise it moves the focus, of which there is none
    Binding("t,f5", "open('tree')"),
    Binding("plus,minus", "fold"),
    Binding("left_square_bracket", "reach(-1)"),
    Binding("right_square_bracket", "reach(1)"),
    Binding("E", "fold_all"),
    Binding("e", "events"),
    Binding("g", "collect_garbage"),
    Binding("x", "crash"),
]
"""Each names an `action_…` of the app."""
