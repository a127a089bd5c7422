"""How a node's supervision tree looked in the last hour: a picture of it whenever something happened.

Nothing happens, nothing is drawn: a tree holds until the next picture. Pictures are plain data, packed, and few:
at most one a second, an hour of them, and so many bytes. The last one before the hour began is kept, for it is
how the tree looked then.

Ages are by the node's own steady clock, so that whoever asks from elsewhere asks for «so long ago», and no two
machines' clocks are compared.
"""

from __future__ import annotations

import threading
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from eye.errors import NothingKept, UnknownProcess
from eye.monitor.pykka_actors import pykka_actors
from eye.supervision import events, introspection
from eye.supervision.answers import Continue
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from eye.clock import Clock
    from eye.supervision.system import System

ROOT = "eye"
"""The name of the process at the root of a node's tree."""

HOUR = 3600.0
"""Seconds that are remembered."""

MOST_BYTES = 2 * 2**20
"""Bytes of packed pictures that are kept, at most; of more the oldest go. The last one is always kept."""

_APART = 1.0  # seconds between two pictures, at least
_AFTERWARDS = 0.05  # seconds after what happened: a crash and the restarts that follow are one picture
_SHARE = 0.02  # of the time may be spent drawing: a tree that takes long is drawn less often


def draw(system: System, node: str) -> dict[str, Any]:
    """Draw the trees of a system, the one of the node itself first, as `methods.TREE` answers them.

    Raises:
        UnknownProcess: the node is starting or stopping, and has none.
    """
    trees = introspection.trees(system)
    own = next((tree for tree in trees if tree["name"] == ROOT), None)
    others = [*(tree for tree in trees if tree is not own), *pykka_actors()]
    if own is None:
        raise UnknownProcess(f"/{ROOT}", "the node is starting or stopping")
    return {"version": 1, "node": node, "at": system.clock.now(), "tree": own, "others": others}


class Picture(NamedTuple):
    """One tree, packed."""

    moment: float  # by the steady clock
    at: float  # the same in UTC seconds
    packed: bytes


class Album:
    """The pictures of one node. It outlives the process that fills it; any thread may read it."""

    def __init__(self, clock: Clock, most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._pictures: deque[Picture] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def bytes(self) -> int:
        """How many bytes the pictures take."""
        return self._bytes

    def put(self, tree: dict[str, Any]) -> None:
        """Keep how the tree looks now."""
        packed = zlib.compress(msgspec.msgpack.encode(tree), 1)
        picture = Picture(self._clock.monotonic(), self._clock.now(), packed)
        with self._lock:
            self._pictures.append(picture)
            self._bytes += len(packed)
            self._drop_what_is_too_much(picture.moment - HOUR)

    def get(self, ago: float) -> tuple[float, dict[str, Any]]:
        """Answer how the tree looked so many seconds ago, and since when it had looked so, in UTC seconds.

        Raises:
            NothingKept: no picture is that old.
        """
        moment = self._clock.monotonic() - max(ago, 0.0)
        with self._lock:
            found = next((one for one in reversed(self._pictures) if one.moment <= moment), None)
            oldest = self._pictures[0].moment if self._pictures else None
        if found is None or ago > HOUR + _APART:
            kept = 0.0 if oldest is None else min(self._clock.monotonic() - oldest, HOUR)
            raise NothingKept("supervision trees", ago, kept)
        return found.at, msgspec.msgpack.decode(zlib.decompress(found.packed))

    def _drop_what_is_too_much(self, begin: float) -> None:
        kept = self._pictures
        while len(kept) > 1 and (self._bytes > self._most_bytes or kept[1].moment <= begin):
            self._bytes -= len(kept.popleft().packed)


class Draw(NamedTuple):
    """It is time for a picture."""


class Painter(GenServer):
    """Draws the node's trees a moment after something happened in them."""

    def init(self, node: str, album: Album) -> Continue:
        """Begin with the trees as they are."""
        self._node, self._album = node, album
        self._not_before = float("-inf")
        self._is_due = False
        self.subscribe(events.TOPIC)
        return Continue(Draw())

    def handle_continue(self, _message: Draw) -> None:
        self._note()

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, events.Event):
            self._note()
        elif isinstance(message, Draw):
            self._draw()
        else:
            return super().handle_info(message)
        return None

    def _note(self) -> None:
        if not self._is_due:
            self._is_due = True
            at = max(self.system.clock.monotonic() + _AFTERWARDS, self._not_before)
            self.system.send_at(self.ref, at, Draw())

    def _draw(self) -> None:
        self._is_due = False
        began = self.system.clock.monotonic()
        try:
            self._album.put(draw(self.system, self._node))
        except UnknownProcess:
            pass  # the node is starting or stopping
        took = self.system.clock.monotonic() - began
        self._not_before = began + max(_APART, took / _SHARE)
