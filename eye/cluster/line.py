"""One standing connection: the requests that wait for it, and those that wait for its answers.

    IDLE --a request--> looked up --> dialled (--> TLS) --> talking --it closes, or a timeout--> IDLE

A line is made once for each address and lane and then connects as often as it has to. It lives on one
thread, that of the loop which it is given; it never blocks.
"""

from __future__ import annotations

import errno
import selectors
import socket
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from eye.cluster import dispatch, sockets
from eye.cluster.channel import PlainChannel
from eye.cluster.conversation import Conversation, Stage, TlsWanted
from eye.cluster.interconnect import Answer
from eye.cluster.lookup import look_up, resolve
from eye.cluster.node import Address
from eye.errors import BadAddress, ClusterError, DeadlineExceeded, DecodeRefused, NodeUnreachable, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.channel import Channel
    from eye.cluster.interconnect import Method
    from eye.cluster.lookup import Places
    from eye.cluster.security import Cookie
    from eye.cluster.tls import Tls

_WINDOW = 64  # requests on their way at once; the others wait their turn


class Pending:
    """A request that has not ended. `end` tells its asker, once."""

    __slots__ = ("_count", "_done", "body", "ended", "line", "method", "timeout")

    def __init__(self, method: Method, body: bytes, timeout: float, done: Callable[[Answer], None]) -> None:
        self.method, self.body, self.timeout, self._done = method, body, timeout, done
        self.line: Line | None = None
        self.ended = False
        self._count: Callable[[Method, int], None] | None = None

    def under_way(self, count: Callable[[Method, int], None]) -> None:
        """Count it with those under way, until it ends."""
        self._count = count
        count(self.method, 1)

    def end(self, answer: Answer) -> None:
        if not self.ended:
            self.ended = True
            if self._count is not None:
                self._count(self.method, -1)
            self._done(answer)


class Loop(Protocol):
    """What a line needs of the switchboard that moves it."""

    cookie: Cookie
    tls: Tls
    buffer: memoryview

    def draw(self, size: int) -> bytes: ...
    def post(self, act: Callable[[], None]) -> None: ...
    def lost(self, address: str, reason: str) -> None: ...
    def retire(self, line: Line) -> None: ...


class Line:
    """The connection to one address in one lane."""

    def __init__(self, loop: Loop, address: str, lane: str, selector: selectors.BaseSelector) -> None:
        self.address, self.lane = address, lane
        self.loop, self._selector = loop, selector
        self._waiting: deque[Pending] = deque()
        self._asked: deque[Pending] = deque()
        self._attempt = 0  # so that a late name lookup is known to be late
        self._places: Places = []  # where still to try
        self._place: tuple[Any, ...] = ()  # where we are trying
        self._wants_tls = False  # the other side has said so
        self._socket: socket.socket | None = None
        self._events = 0  # what is waited for at the socket
        self._channel: Channel | None = None
        self._talk: Conversation | None = None

    # ------------------------------------------------------------------------- requests

    def take(self, pending: Pending) -> None:
        """Carry a request as soon as possible."""
        pending.line = self
        self._waiting.append(pending)
        if self._is_open:
            self._try(self._pump)
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
            if pending in self._waiting:
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
        if address.is_unix:
            self._places = [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", address.host)]
            self._dial()
            return
        try:
            self._places = resolve(address, socket.AI_NUMERICHOST)
        except socket.gaierror:  # a name: asking for it may block for seconds, so not here
            attempt = self._attempt
            look_up(address, lambda places, error: self.loop.post(lambda: self.found(attempt, places, error)))
        else:
            self._dial()

    def found(self, attempt: int, places: Places, error: OSError | None = None) -> None:
        """Go on with what the name lookup has found."""
        if attempt != self._attempt or self._socket is not None or not self._waiting:
            return
        if error is not None:
            self._fail(NodeUnreachable(self.address, f"name lookup failed: {sockets.say(error)}"))
        else:
            self._places = places
            self._dial()

    def _dial(self) -> None:
        self._place = self._places.pop(0)
        family, kind, protocol, _, place = self._place
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
            self._events = selectors.EVENT_WRITE
            self._selector.register(sock, self._events, self._connected)

    def _connected(self, mask: int) -> None:
        del mask
        self._try(self._begin)

    def _begin(self) -> None:
        sock = self._socket
        assert sock is not None
        try:
            problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem == 0 and sockets.is_talking_to_itself(sock):
                problem = errno.ECONNREFUSED
            if problem:
                raise OSError(problem, "")
            self._channel = self._open_channel(sock)
        except OSError as error:  # also: it was connected, and is not any more
            if _is_of_tls(error):
                raise
            self._fail(NodeUnreachable(self.address, sockets.say(error)))
            return
        self._events = selectors.EVENT_READ
        self._selector.modify(sock, self._events, self._moved)
        self._begin_when_open()
        self._pump()

    def _open_channel(self, sock: socket.socket) -> Channel:
        if self._wants_tls or self.loop.tls.is_wanted(sock.family, sock.getpeername()):
            return self.loop.tls.dial(Address.parse(self.address).host)
        return PlainChannel(dials=True)

    def _begin_when_open(self) -> None:
        if self._talk is None and self._channel is not None and self._channel.is_open:
            self._talk = Conversation(
                self.address, self.loop.cookie, self.loop.draw(32), self.lane, self._channel.binding
            )

    def _dial_with_tls(self) -> None:
        """Dial the same place again, since it speaks to nobody without TLS."""
        self._hang_up()
        if self.loop.tls.is_off:
            self._fail(NodeUnreachable(self.address, "it speaks TLS only, which --tls off switches off here"))
            return
        self._wants_tls = True
        self._places.insert(0, self._place)
        self._dial()

    def _hang_up(self) -> None:
        if self._socket is not None:
            if self._socket.fileno() in self._selector.get_map():
                self._selector.unregister(self._socket)
            self._socket.close()
        self._socket = self._channel = self._talk = None

    # --------------------------------------------------------------------------- talking

    def _moved(self, mask: int) -> None:
        self._try(self._move, mask)

    def _move(self, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            self._read()
        if self._channel is not None:
            self._pump()

    def _try(self, act: Callable[..., None], *args: Any) -> None:
        """Do something with the connection; what goes wrong ends the connection, and never the loop."""
        try:
            act(*args)
        except TlsWanted:
            self._dial_with_tls()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            if _is_of_tls(error):
                self._fail(self.loop.tls.meaning(error, self.address))
            else:
                self._fail(self._meaning_of_the_end(sockets.say(error)))
        except WireError as error:
            # Until both sides have proved themselves, it is some other program that talks.
            stranger = NodeUnreachable(self.address, "something else than a node listens there")
            self._fail(error if self._is_open else stranger)
        except ClusterError as error:
            self._fail(error)
        except Exception as error:  # a bug, of which all other lines shall know nothing
            import logging  # only now: it costs a short-lived command several milliseconds

            logging.getLogger("eye.cluster").exception("the connection to %s met a bug", self.address)
            self._places = []
            self._fail(NodeUnreachable(self.address, f"something unexpected happened: {error!r}"))

    def _read(self) -> None:
        assert self._socket is not None
        assert self._channel is not None
        buffer = self.loop.buffer
        data = bytes(buffer[: self._socket.recv_into(buffer)])
        if not data:
            self._fail(self._meaning_of_the_end("the connection was closed"))
            return
        plain = self._channel.receive(data)
        self._begin_when_open()
        if self._talk is None:
            return
        for reply in self._talk.receive(plain):
            if not self._asked:
                raise DecodeRefused(f"{self.address} answered what nobody had asked")
            answer = dispatch.understand(self._asked[0].method, reply)
            self._asked.popleft().end(answer)

    def _pump(self) -> None:
        assert self._socket is not None
        assert self._channel is not None
        while self._talk is not None and self._is_open and self._waiting and len(self._asked) < _WINDOW:
            pending = self._waiting.popleft()
            self._asked.append(pending)
            self._talk.ask(pending.body)
        if self._talk is not None and self._talk.outgoing:
            self._channel.send(self._talk.outgoing)
            self._talk.outgoing.clear()
        out = self._channel.outgoing
        try:
            while out:
                del out[: self._socket.send(out)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._fail(self._meaning_of_the_end(sockets.say(error)))
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if out else 0)
        if events != self._events:
            self._events = events
            self._selector.modify(self._socket, events, self._moved)

    def _meaning_of_the_end(self, cause: str) -> Exception:
        if self._talk is None:
            return NodeUnreachable(self.address, f"no TLS with it: {cause}")
        return self._talk.ended(cause)


def _is_of_tls(error: OSError) -> bool:
    ssl = sys.modules.get("ssl")  # not imported unless somebody speaks TLS
    return ssl is not None and isinstance(error, ssl.SSLError)
