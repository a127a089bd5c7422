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
    Binding("ctrl+z", "suspend_process", priority=True),
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
    Binding("left,less_than_sign", "watch('step', -1)"),
    Binding("right,greater_than_sign,s,f6", "watch('step', 1)"),
    *(
        Binding(key, f"watch('sort_by', {by!r})")
        for key, by in (("N", "node"), ("P", "cpu"), ("M", "memory"), ("T", "uptime"))
    ),
    Binding("r,I", "watch('reverse')"),
    Binding("F", "watch('follow')"),
    Binding("space,p,Z", "watch('pause')"),
    *(Binding(str(number), f"watch('turn', {number - 1})") for number in (1, 2, 3, 4)),
    Binding("tab", "watch('turn', -1)", priority=True),  # otherwise it moves the focus, of which there is none
    Binding("t,f5", "open('tree')"),
    Binding("plus,equals_sign", "wider(1)"),
    Binding("minus", "wider(-1)"),
    Binding("left_square_bracket", "watch('look_back', -60)"),
    Binding("right_square_bracket", "watch('look_back', 60)"),
    Binding("comma", "watch('look_back', -5)"),
    Binding("full_stop", "watch('look_back', 5)"),
    Binding("E", "watch('fold_all')"),
    Binding("e", "events"),
    Binding("a,f9", "actions"),
    Binding("i", "state"),
    Binding("g", "do('gc')"),
    Binding("x", "do('crash')"),
    Binding("S", "do('stop')"),
    Binding("R", "do('restart')"),
    Binding("z", "do('suspend')"),
]
"""Each names an `action_…` of the app; `watch` is whatever `watching` can do by itself."""
