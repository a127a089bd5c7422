"""One standing connection: the requests that wait for it, and those that wait for its answers.

    IDLE --a request--> looked up --> dialled --> talking --it closes, or a timeout--> IDLE

A line is made once for each address and lane and then connects as often as it has to. It lives on one
thread, that of the loop which it is given; it never blocks.
"""

from __future__ import annotations

import errno
import selectors
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from eye.cluster import dispatch, sockets
from eye.cluster.conversation import Conversation, Stage
from eye.cluster.interconnect import Answer
from eye.cluster.node import Address
from eye.errors import BadAddress, ClusterError, DeadlineExceeded, DecodeRefused, NodeUnreachable, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.interconnect import Method
    from eye.cluster.security import Cookie

_WINDOW = 64  # requests on their way at once; the others wait their turn
_CHUNK = 256 * 1024  # bytes read at once

_Places = list[tuple[Any, ...]]  # what getaddrinfo gives


class Pending:
    """A request that has not ended. `end` tells its asker, once."""

    __slots__ = ("_done", "body", "ended", "line", "method", "timeout")

    def __init__(self, method: Method, body: bytes, timeout: float, done: Callable[[Answer], None]) -> None:
        self.method, self.body, self.timeout, self._done = method, body, timeout, done
        self.line: Line | None = None
        self.ended = False

    def end(self, answer: Answer) -> None:
        if not self.ended:
            self.ended = True
            self._done(answer)


class Loop(Protocol):
    """What a line needs of the switchboard that moves it."""

    cookie: Cookie
    selector: selectors.BaseSelector

    def draw(self, size: int) -> bytes: ...
    def post(self, act: Callable[[], None]) -> None: ...
    def lost(self, address: str, reason: str) -> None: ...
    def retire(self, line: Line) -> None: ...


class Line:
    """The connection to one address in one lane."""

    def __init__(self, loop: Loop, address: str, lane: str) -> None:
        self.address, self.lane = address, lane
        self.loop = loop
        self._waiting: deque[Pending] = deque()
        self._asked: deque[Pending] = deque()
        self._attempt = 0  # so that a late name lookup is known to be late
        self._places: _Places = []  # where still to try
        self._socket: socket.socket | None = None
        self._talk: Conversation | None = None

    # ------------------------------------------------------------------------- requests

    def take(self, pending: Pending) -> None:
        """Carry a request as soon as possible."""
        pending.line = self
        self._waiting.append(pending)
        if self._is_open:
            self._pump()
        elif len(self._waiting) == 1 and self._socket is None:
            self._look_up()

    def expire(self, pending: Pending) -> None:
        """End a request whose time is up."""
        late = DeadlineExceeded(self.address, pending.timeout)
        if pending in self._asked:
            # A late answer must not be taken for the answer to the next request.
            pending.end(Answer(error=late))
            self._fail(NodeUnreachable(self.address, f"closed: a request had no answer in {pending.timeout:g} s"))
        else:
            self._waiting.remove(pending)
            pending.end(Answer(error=late))
            if not self._waiting and not self._is_open:
                self.close(late)

    def close(self, error: ClusterError) -> None:
        """Close the connection because somebody here wants it so; what waits ends with the error."""
        self._hang_up()
        self._end(self._asked, error)
        self._end(self._waiting, error)
        self.loop.retire(self)

    def _fail(self, error: Exception) -> None:
        """Close the connection because something went wrong with it."""
        was_open = self._is_open
        self._hang_up()
        self._end(self._asked, error)
        if was_open:
            reason = error.cause if isinstance(error, NodeUnreachable) else str(error)
            self.loop.lost(self.address, reason)
            if self._waiting:  # they were not sent yet, so they may go over the next connection
                self._look_up()
        elif self._places and isinstance(error, NodeUnreachable):
            self._dial()
        else:
            self._end(self._waiting, error)
            self.loop.retire(self)

    @staticmethod
    def _end(requests: deque[Pending], error: BaseException) -> None:
        while requests:
            requests.popleft().end(Answer(error=error))

    # ------------------------------------------------------------------------ connecting

    @property
    def _is_open(self) -> bool:
        return self._talk is not None and self._talk.stage is Stage.OPEN

    def _look_up(self) -> None:
        self._attempt += 1
        try:
            address = Address.parse(self.address)
        except BadAddress as refused:
            self._fail(refused)
            return
        try:
            self._places = _resolve(address, socket.AI_NUMERICHOST)
        except socket.gaierror:  # a name: asking for it may block for seconds, so not here
            act = _LookUp(self, self._attempt, address)
            threading.Thread(target=act, name="eye-name-lookup", daemon=True).start()
        else:
            self._dial()

    def found(self, attempt: int, places: _Places, error: OSError | None = None) -> None:
        """Go on with what the name lookup has found."""
        if attempt != self._attempt or self._socket is not None or not self._waiting:
            return
        if error is not None:
            self._fail(NodeUnreachable(self.address, f"name lookup failed: {sockets.say(error)}"))
        else:
            self._places = places
            self._dial()

    def _dial(self) -> None:
        family, kind, protocol, _, place = self._places.pop(0)
        try:
            sock = self._socket = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            sockets.tune(sock)
            problem = sock.connect_ex(place)
            if problem not in (0, errno.EINPROGRESS):
                raise OSError(problem, "")
        except OSError as error:
            self._fail(NodeUnreachable(self.address, sockets.say(error)))
        else:
            self.loop.selector.register(sock, selectors.EVENT_WRITE, self._connected)

    def _connected(self, mask: int) -> None:
        del mask
        sock = self._socket
        assert sock is not None
        problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem == 0 and sockets.is_talking_to_itself(sock):
            problem = errno.ECONNREFUSED
        if problem:
            self._fail(NodeUnreachable(self.address, sockets.say(OSError(problem, ""))))
            return
        self._talk = Conversation(self.address, self.loop.cookie, self.loop.draw(32), self.lane)
        self.loop.selector.modify(sock, selectors.EVENT_READ, self._moved)

    def _hang_up(self) -> None:
        if self._socket is not None:
            if self._socket.fileno() in self.loop.selector.get_map():
                self.loop.selector.unregister(self._socket)
            self._socket.close()
        self._socket = self._talk = None

    # --------------------------------------------------------------------------- talking

    def _moved(self, mask: int) -> None:
        try:
            if mask & selectors.EVENT_READ:
                self._read()
            if self._talk is not None:
                self._pump()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._fail(self._meaning_of_the_end(sockets.say(error)))
        except WireError as error:
            # Until both sides have proved themselves, it is some other program that talks.
            stranger = NodeUnreachable(self.address, "something else than a node listens there")
            self._fail(error if self._is_open else stranger)
        except ClusterError as error:
            self._fail(error)

    def _read(self) -> None:
        assert self._socket is not None
        assert self._talk is not None
        data = self._socket.recv(_CHUNK)
        if not data:
            self._fail(self._meaning_of_the_end("the connection was closed"))
            return
        for reply in self._talk.receive(data):
            if not self._asked:
                raise DecodeRefused(f"{self.address} answered what nobody had asked")
            pending = self._asked.popleft()
            pending.end(dispatch.understand(pending.method, reply))

    def _pump(self) -> None:
        assert self._socket is not None
        assert self._talk is not None
        while self._is_open and self._waiting and len(self._asked) < _WINDOW:
            pending = self._waiting.popleft()
            self._asked.append(pending)
            self._talk.ask(pending.body)
        out = self._talk.outgoing
        try:
            while out:
                del out[: self._socket.send(out)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._fail(self._meaning_of_the_end(sockets.say(error)))
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if out else 0)
        if self.loop.selector.get_key(self._socket).events != events:
            self.loop.selector.modify(self._socket, events, self._moved)

    def _meaning_of_the_end(self, cause: str) -> Exception:
        assert self._talk is not None
        return self._talk.ended(cause)


class _LookUp:
    """Asks for a host name, on a thread of its own, and tells the loop."""

    def __init__(self, line: Line, attempt: int, address: Address) -> None:
        self._line, self._attempt, self._address = line, attempt, address

    def __call__(self) -> None:
        places: _Places = []
        error: OSError | None = None
        try:
            places = _resolve(self._address)
        except OSError as failed:
            error = failed
        self._line.loop.post(lambda: self._line.found(self._attempt, places, error))


def _resolve(address: Address, flags: int = 0) -> _Places:
    try:
        return list(socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags))
    except UnicodeError as error:  # what Python's IDNA codec says of a label that is too long
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
