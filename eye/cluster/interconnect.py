"""What an engine promises: asking other nodes, and answering them.

An engine carries typed questions between nodes and knows nothing of what they mean. There is one
for real (`engines.manager`) and its twin in memory (`engines.memory`); one conformance suite runs on
both. Each of them promises:

- **A deadline on everything.** A request ends within its timeout, whatever the other side does:
  with an answer, with the error that the method raised there, or with an error of `eye.errors` that
  says what went wrong. `done` is called exactly once.
- **At most once.** A request is never sent twice. When the connection is lost before the answer has
  come, the other side may or may not have carried it out.
- **In order.** Requests of one engine to one address in one lane are carried out one after the other,
  in the order in which they were made. Lanes do not wait for each other; nor do addresses: a dead
  peer delays nobody else.
- **A connection stands.** It is made by the first request, kept, and made again by the next request
  after it was lost. After a timeout it is closed, for a late answer must not be taken for the next.
- **Only plain data.** Arguments and answers are converted, on arrival, into the types that the
  `Method` names. Nothing that arrives is ever executed.
- **Nothing before proof.** Neither side says or reads anything but the handshake until both have
  proved that they have the cookie.
- **`close` leaves nothing behind**: no thread, no socket, no unanswered `done`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.cluster.node import Address


class Method(msgspec.Struct, frozen=True):
    """One operation of another node, typed on both sides.

        TREE = Method("agent", "tree", (str,), dict[str, Any])

    `service` and `name` say what is asked, `takes` the types of the arguments and `gives` the type of
    the answer, as msgspec understands them. Requests in one `lane` share a connection and wait for
    each other. A lane whose methods are all `patient` may be read some hundredths of a second late where very many
    of them are under way, so that many answers are read at once.
    """

    service: str
    name: str
    takes: tuple[Any, ...] = ()
    gives: Any = None
    lane: str = "calls"
    is_patient: bool = False

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"


class Service(Protocol):
    """An object that answers. For each exposed `Method` it has a Python method of that name.

    They are called on threads of the engine, several at once, and should not block for long. One that does (it
    waits for news) has a method `interrupt()`, which the engine calls when it begins to close, and which ends the
    waiting. `dispatch.asked_by` says who asks.
    """

    exposed: ClassVar[tuple[Method, ...]]


class Answer(msgspec.Struct, frozen=True):
    """How a request ended: with a value or with an error."""

    value: Any = None
    error: BaseException | None = None

    def get(self) -> Any:
        """Give the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


class Engine(Protocol):
    """Asks and answers. All methods may be called from any thread.

    A request that fails raises, or hands to `done`:

        NodeUnreachable: nobody listens there, or the connection was lost before the answer.
        AuthenticationRefused: the other side has another cookie.
        DeadlineExceeded: no answer in time.
        EncodeRefused, FrameTooLarge, DecodeRefused: an argument or the answer may not cross.
        RemoteError: the method raised there; known kinds (see `codec`) are raised as themselves.
    """

    def serve(self, address: Address, services: Sequence[Service]) -> Address:
        """Begin to answer at that address, and give the address with its real port.

        Raises:
            AddressInUse: when somebody listens there already, or the address is not this machine's.
        """
        ...

    def request(self, address: str, method: Method, *args: Any, timeout: float) -> Any:
        """Ask, and wait at most `timeout` seconds for the answer. Blocks."""
        ...

    def request_all(
        self, addresses: Iterable[str], method: Method, *args: Any, timeout: float
    ) -> dict[str, Answer]:
        """Ask all of them at once, and wait until each has answered or the timeout has passed. Blocks."""
        ...

    def submit(
        self,
        address: str,
        method: Method,
        args: tuple[Any, ...],
        *,
        timeout: float,
        done: Callable[[Answer], None],
    ) -> None:
        """Ask without waiting. `done` runs on the engine's own thread and must not block."""
        ...

    def on_lost(self, callback: Callable[[str, str], None]) -> None:
        """Have `callback(address, reason)` called whenever a standing connection closes unasked.

        It runs on the engine's own thread and must not block.
        """
        ...

    def forget(self, address: str) -> None:
        """Close the standing connections to that address; what waits there fails."""
        ...

    def close(self) -> None:
        """Stop answering and asking. Blocks until all is gone. A second time does nothing."""
        ...
