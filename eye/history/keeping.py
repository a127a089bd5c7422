"""What outlives the writer: the samples that wait to be written, the store, and what is wrong with it.

Samples come in on whatever thread has them, and never wait: there is room for so many of the newest, and the
oldest go first. They are turned into rows only when they are taken, by the writer.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from eye.history.points import all_rounded
from eye.history.store import Row
from eye.metrics.recent import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from eye.history.store import Store
    from eye.metrics.sample import Sample

ROOM = 30_000
"""Samples that may wait: those of 100 nodes for five minutes. What is older by then, their nodes still know."""

_NEAR = 2.0  # seconds that two clocks may differ before it matters
PUT_BACK = 30.0
"""Seconds by which a sample may be older than the last without being of a clock that was put back."""

_NONSENSE = 1e10  # seconds that no clock is wrong by: who says so does not tell the time


class Heard(Protocol):
    """What comes in: `eye.monitor.samples.Seen`."""

    @property
    def node(self) -> str: ...
    @property
    def sample(self) -> Sample: ...
    @property
    def at(self) -> float: ...


class Taken(NamedTuple):
    """What was taken out: as it came, and how many had to go before."""

    heard: Sequence[Heard]
    lost: int


class Keeping:
    """Keeps what comes until it is written. All methods may be called from any thread."""

    def __init__(self, make_store: Callable[[], Store], place: str, room: int = ROOM) -> None:
        """Keep samples for a store, which is made when it is needed first."""
        self.place = place
        """Where the history is, for people."""
        self.trouble: str | None = None
        """What keeps it from being written, now; None if nothing does."""
        self._make_store = make_store
        self._store: Store | None = None
        self._making = threading.Lock()  # which takes its time, and nobody who has a sample waits for that
        self._lock = threading.Lock()
        self._waiting: deque[Heard] = deque()
        self._room = room
        self._lost = 0

    @property
    def store(self) -> Store:
        """The store, which may have to be made, and opened, first.

        Raises:
            HistoryOff: what it needs is not installed.
        """
        with self._making:
            if self._store is None:
                self._store = self._make_store()
            return self._store

    def close(self) -> None:
        """Close the store, if it was ever needed. Idempotent."""
        with self._making:
            store = self._store
        if store is not None:
            store.close()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def send(self, message: Heard) -> None:
        """Take a sample in, as a subscriber of the topic."""
        with self._lock:
            self._waiting.append(message)
            self._make_room()

    def take(self) -> Taken:
        """Take out all that waits."""
        with self._lock:
            taken = Taken(tuple(self._waiting), self._lost)
            self._waiting.clear()
            self._lost = 0
            return taken

    def put_back(self, taken: Taken) -> None:
        """Let wait again what could not be written."""
        with self._lock:
            self._waiting.extendleft(reversed(taken.heard))
            self._lost += taken.lost
            self._make_room()

    def _make_room(self) -> None:
        while len(self._waiting) > self._room:
            self._waiting.popleft()
            self._lost += 1


class Moments:
    """Says of which moment a sample is.

    It is the moment that its node says, so that several observers say the same of one sample. Only where the
    node's clock is more than two seconds off ours, it is moved by the difference, in whole seconds; and by the
    same until the difference is another.
    """

    def __init__(self) -> None:
        self._moved: dict[str, float] = {}

    def moved(self, node: str) -> float:
        """Answer by how many seconds the node's moments are moved."""
        return self._moved.get(node, 0.0)

    def forget(self, nodes: Iterable[str]) -> None:
        """Know nothing more of nodes that are gone."""
        for node in nodes:
            self._moved.pop(node, None)

    def row(self, heard: Heard) -> Row:
        """Make a row of a sample: named figures, rounded to what they say."""
        sample = heard.sample
        late = heard.at - sample.at
        if abs(late) <= _NEAR:
            self._moved.pop(heard.node, None)
        elif abs(late) < _NONSENSE and abs(late - self.moved(heard.node)) > _NEAR:
            self._moved[heard.node] = float(round(late))
        at = sample.at + self.moved(heard.node)
        return Row(heard.node, at if abs(at - heard.at) <= 2 * _NEAR else heard.at, all_rounded(figures(sample)))


def fresh(rows: Iterable[Row], last: Mapping[str, float]) -> list[Row]:
    """Choose the rows that are not written yet: each later than the one before, of its node.

    One that is much earlier is no straggler, for rows come as they are heard: then a clock was put back, and time
    goes on from there.

    Args:
        last: the moment of the last row of each node that is written.
    """
    newest: dict[str, float] = {}
    found = []
    for row in rows:
        before = newest.get(row.node, last.get(row.node, 0.0))
        if row.at > before or row.at < before - PUT_BACK:
            found.append(row)
            newest[row.node] = row.at
    return found
