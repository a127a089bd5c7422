"""How a server is shown that crashed: its state and its last message in short texts, as its `format_status`
lets them be seen. Made where the server lives: in its own OS process, if it has one.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eye.supervision.reasons import Reason

MESSAGE = "(message)"
"""Under which name the last message comes along with the state from another OS process."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 120


def show(value: Any) -> str:
    """Write a value, cut where it gets long."""
    try:
        return _short.repr(value)
    except Exception:  # noqa: BLE001 - what a stranger's __repr__ does must not stop an end
        return f"<{type(value).__name__}, which cannot be shown>"


def show_server(server: Any, message: Any, reason: Reason) -> tuple[Any, dict[str, str]]:
    """Answer the message as it may be seen, and the state, a text for each attribute.

    A `format_status` that raises hides everything: it was there to hide something.
    """
    try:
        raw = {"state": server.system_get_state(), "message": message, "reason": reason}
        status = server.format_status(raw)
        message, state = status.get("message"), status["state"]
    except Exception as error:  # noqa: BLE001 - whatever somebody's code does here, the crash must be told
        hidden = f"<hidden: format_status raised {type(error).__name__}>"
        return Hidden(hidden), {"state": hidden}
    if not isinstance(state, dict):
        return message, {"state": show(state)}
    return message, {str(name).lstrip("_"): show(value) for name, value in state.items()}


class Hidden:
    """Stands for what may not be seen."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
