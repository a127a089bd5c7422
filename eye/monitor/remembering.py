"""What a node needs that keeps the history of all: where to, and how it asks the others.

That there is a history is a reason to look at every node all the time: the writer renews its interest as a screen
does. Nothing of a database is loaded before the writer is.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eye.errors import EyeError
from eye.history.aside import is_there
from eye.history.database import OFF, place_of, what_is_missing
from eye.history.keeping import Keeping
from eye.history.writer import Asking
from eye.monitor.methods import RECENT

if TYPE_CHECKING:
    from eye.clock import Clock
    from eye.cluster.interconnect import Answer
    from eye.history.store import Store
    from eye.history.writer import Done
    from eye.monitor.parts import Parts
    from eye.monitor.view import View

logger = logging.getLogger("eye.monitor")

_PATIENCE = 5.0  # seconds that a node has to tell of its last hour
_INTEREST = 15.0  # seconds, renewed with every batch


def keeping(where: str, how_long: str, clock: Clock, *, writes: bool = True) -> Keeping | str:
    """Make what keeps a history there, or only reads the one that others keep; or answer why there is none."""
    if where == OFF:
        return "this view was started without it; see --history"
    if (missing := what_is_missing(where)) is not None:
        if writes:
            logger.warning("no history is kept: %s", missing)
        return missing
    if not writes and "://" not in where and not is_there(Path(where).expanduser()):
        return "whoever serves a page keeps one (`sorcerers_eye web`, `start --web`), and this view with --history"

    def make_store() -> Store:
        from eye.history.database import url_of
        from eye.history.retention import keep
        from eye.history.sql_store import SqlStore

        return SqlStore(url_of(where), clock.now, keep(how_long), must_exist=not writes)

    return Keeping(make_store, place_of(where))


def asking(parts: Parts, view: View) -> Asking:
    """Say how the writer keeps the nodes being asked, and asks for what it missed."""

    def recent(node: str, names: list[str], seconds: float, step: float, done: Done) -> None:
        try:
            ask(node, names, seconds, step, done)
        except EyeError:  # it does not let itself be read, or the interconnect is being restarted
            done(None)

    def ask(node: str, names: list[str], seconds: float, step: float, done: Done) -> None:
        if node == parts.info.name:
            done(view.recent(node, names, seconds=seconds, step=step))
            return
        member, engine = parts.board.member(node), parts.engine.get_or_none()
        if member is None or engine is None:
            done(None)
            return

        def answered(answer: Answer) -> None:
            done(answer.value if answer.error is None and isinstance(answer.value, dict) else None)

        args: tuple[Any, ...] = (names, seconds, step)
        engine.submit(member.address, RECENT, args, timeout=_PATIENCE, done=answered)

    return Asking(lambda: view.look(_INTEREST), recent)
