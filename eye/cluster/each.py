"""Several asked at once, each answer given as it comes: nobody waits for the slowest."""

from __future__ import annotations

from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from eye.cluster.interconnect import Answer
from eye.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eye.cluster.interconnect import Method

    class Asker(Protocol):
        """The asking half of an `Engine`."""

        def submit(
            self,
            address: str,
            method: Method,
            args: tuple[Any, ...],
            *,
            timeout: float,
            done: Callable[[Answer], None],
        ) -> None: ...


_GRACE = 2.0  # seconds granted beyond the deadline, by which every request has ended


def request_each(
    asker: Asker,
    addresses: Iterable[str],
    method: Method,
    *args: Any,
    timeout: float,
    move: Callable[[Callable[[], bool]], None] | None = None,
) -> Iterator[tuple[str, Answer]]:
    """Ask all of them at once; give each address with its answer, in the order in which they answer.

    Args:
        asker: an engine, or a `Switchboard`.
        addresses: each is asked once.
        timeout: seconds for all of them; whoever has not answered by then is given with `DeadlineExceeded`.
        move: `Switchboard.run_until` of one that no thread moves: it is moved while somebody waits for the next.
    """
    came: SimpleQueue[tuple[str, Answer]] = SimpleQueue()
    waiting = dict.fromkeys(addresses)
    for address in waiting:
        asker.submit(address, method, args, timeout=timeout, done=partial(_put, came, address))
    while waiting:
        if move is not None:
            move(lambda: not came.empty())
        try:
            address, answer = came.get(timeout=timeout + _GRACE if move is None else 0.0)
        except Empty:  # the interconnect was closed, or its thread has stopped
            yield from ((one, Answer(error=DeadlineExceeded(one, timeout))) for one in waiting)
            return
        del waiting[address]
        yield address, answer


def _put(came: SimpleQueue[tuple[str, Answer]], address: str, answer: Answer) -> None:
    came.put((address, answer))
