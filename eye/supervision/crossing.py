"""The child's side of the border: how what runs in an OS process of its own speaks to its parent.

Two ways lead to the parent. The main one belongs to the callback that is running: while it runs, the parent
listens. Whatever other threads have to say, or the main thread between two callbacks, takes the stray one.
"""

from __future__ import annotations

import io
import os
import pickle
import threading
import weakref
from multiprocessing import spawn
from typing import TYPE_CHECKING, Any

from eye.errors import CannotCross
from eye.supervision.border import ASK, RAISE, TELL
from eye.supervision.reasons import RemoteTraceback
from eye.supervision.ref import shorten

if TYPE_CHECKING:
    from eye.supervision.border import Frames


class Crossing:
    """The child's side of the border."""

    def __init__(self, main: Frames, stray: Frames) -> None:
        self.main = main
        self.released: list[tuple[int, int]] = []
        """What nobody here holds any more, for the parent to forget."""
        self.parting: tuple[int, bytes] | None = None
        """The answer to a call, to be sent together with the word that its callback is done."""
        self.is_busy = False
        """Whether a callback is running; then the parent listens to the main way."""
        self.system: Any = None
        self._stray = stray
        self._one_question, self._one_frame = threading.Lock(), threading.Lock()
        self._main_thread = threading.get_ident()
        self._standins: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()

    def ask(self, number: int, name: str, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Have the parent call a method of what it lent, and wait for what comes of it."""
        data = dumps((ASK, number, name, args, kwargs or {}))
        if self._is_in_callback():
            self.main.put(data)
            kind, value = loads(self._main_answer())
        else:
            with self._one_question:  # the answer has no address
                with self._one_frame:
                    self._stray.put(data)
                kind, value = loads(self._stray.get())
        if kind != RAISE:
            return value
        error, cause = value
        if cause is not None:
            error.__cause__ = RemoteTraceback(cause)
        raise error

    def tell(self, number: int, name: str, *args: Any, **kwargs: Any) -> None:
        """The same without waiting."""
        data = dumps((TELL, number, name, args, kwargs))
        if self._is_in_callback():
            self.main.put(data)
        else:
            with self._one_frame:
                self._stray.put(data)

    def arrive(self, kind: str, number: int, *more: Any) -> Any:
        """Make a stand-in, or find the one there is."""
        with self._lock:
            standin = self._standins.get(number)
            if standin is None:
                make = kinds[kind]
                standin = self._standins[number] = make.__new__(make)
                standin._number, standin._arrived, standin._crossing = number, 0, self
                standin.settle_in(*more)
            standin._arrived += 1
            return standin

    def _is_in_callback(self) -> bool:
        return self.is_busy and threading.get_ident() == self._main_thread

    def _main_answer(self) -> bytes:
        try:
            return self.main.get()
        except EOFError:
            os._exit(1)  # the parent is gone, or is done with us


def dumps(value: Any) -> bytes:
    """Turn a value into bytes for the parent.

    Raises:
        CannotCross: something in it cannot be copied.
    """
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise CannotCross(shorten(value), f"{type(error).__name__}: {error}") from error


def loads(data: bytes) -> Any:
    """Turn bytes that came from the parent into a value."""
    return _Incoming(io.BytesIO(data)).load()


class _Incoming(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            import_main()
        return super().find_class(module, name)


main: dict[str, Any] = {}
"""How to import the program's own script, as `multiprocessing.spawn` does; emptied once that is done."""


def import_main() -> None:
    """Import the script that the program was started with, once, when something in it is needed: whoever
    keeps servers in modules need not care for `if __name__ == "__main__"`.
    """
    if main:
        parts = dict(main)
        main.clear()
        spawn.prepare(parts)


kinds: dict[str, Any] = {}
"""What stands in for what; `standins` fills it."""

crossing: Crossing | None = None
"""The one border of this OS process, if it is a child."""


def arrive(kind: str, number: int, *more: Any) -> Any:
    """`Crossing.arrive`, of this OS process's border."""
    assert crossing is not None
    return crossing.arrive(kind, number, *more)
