"""The answering side: BaseManager's server, with all that made it unfit for a network taken out.

A peer passes through three hands: the accepter, the porch, its own session.

    accepter --> porch: TLS, prove the cookie, within 5 s each --> session: requests, one after the other
                 (64 at most; the oldest goes)                     (1,200 at most)

What `multiprocessing.managers.Server` brings and we undo: it executes what it is sent (pickle), offers
`create`, `shutdown` and `#GETVALUE` to everybody, shows its tracebacks to strangers, spins when it is
out of descriptors, has no deadline, and swaps `sys.stdout` when it ends.
"""

from __future__ import annotations

import errno
import multiprocessing.managers
import os
import ssl
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cluster import codec, dispatch, sockets
from eye.cluster.engines.listener import SERIALIZER, Listener
from eye.cluster.engines.refusals import Refusals, log
from eye.cluster.engines.wire import Wire
from eye.cluster.security import ServerHandshake
from eye.cluster.traffic import Meter
from eye.errors import DecodeRefused, FrameTooLarge

if TYPE_CHECKING:
    from eye.clock import Clock
    from eye.cluster.node import Address
    from eye.cluster.security import Cookie
    from eye.cluster.tls import Tls
    from eye.cluster.traffic import Traffic

_STACK = 1024 * 1024  # bytes; the usual 8 MiB are reserved for each thread, and 512 of them are 4 GiB
_BREATH = 0.2  # seconds that the accepter waits when the system is out of something
_starting = threading.Lock()

_First = tuple[None, str, tuple[str], dict[str, Any]]


class Limits(NamedTuple):
    """How much a server lets others take. Seconds and numbers of connections."""

    handshake: float = 5.0  # to prove the cookie
    frame: float = 10.0  # for a frame to come or go, from its first byte to its last
    stop: float = 5.0  # for a session to end when the server stops
    half_open: int = 64  # without proof
    patience: float = 0.1  # that one of them has before it must make room for the next
    sessions: int = 1200  # with proof


class Porch:
    """Those who have not proved that they know the cookie: few, and not for long.

    When it is full, whoever has stood there longest has to go: silent peers cannot keep others out,
    and of those who come all at once nobody is sent away before it had a moment to speak.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._changed = threading.Condition()
        self._since: dict[Wire, float] = {}  # the oldest first

    def enter(self, wire: Wire) -> None:
        """Take a new peer in. Waits until there is room, which takes at most `Limits.patience`."""
        with self._changed:
            while len(self._since) >= self._limits.half_open:
                oldest = next(iter(self._since))
                left = self._since[oldest] + self._limits.patience - self._clock.monotonic()
                if left <= 0.0:
                    del self._since[oldest]
                    oldest.abort()
                else:
                    self._changed.wait(left)
            self._since[wire] = self._clock.monotonic()

    def leave(self, wire: Wire) -> None:
        """Let it go on, or away."""
        with self._changed:
            self._since.pop(wire, None)
            self._changed.notify()


class Server(multiprocessing.managers.Server):
    """Serves a table of services. `start` and `stop` take the place of `serve_forever`."""

    listener: Listener

    def __init__(
        self,
        address: Address,
        cookie: Cookie,
        table: dispatch.Table,
        clock: Clock,
        limits: Limits,
        tls: Tls,
        traffic: Traffic,
    ) -> None:
        super().__init__({}, address, cookie.authkey, SERIALIZER)  # type: ignore[arg-type]
        self.id_to_obj = table  # type: ignore[assignment]
        self.public = ["accept_connection"]
        self.fallback_mapping = {}  # no `#GETVALUE`, no `__str__`
        self.stop_event = threading.Event()
        self._cookie, self._clock, self._limits, self._tls = cookie, clock, limits, tls
        self._traffic = traffic
        self._porch = Porch(limits, clock)
        self._refusals = Refusals(clock)
        self._lock = threading.Lock()
        self._peers: dict[Wire, threading.Thread] = {}
        self._sessions: set[Wire] = set()
        self._leaving: set[threading.Thread] = set()  # done with their peer, but perhaps not ended
        self._accepter = threading.Thread(target=self.accepter, name="eye-accepter", daemon=True)

    def start(self) -> None:
        """Begin to accept, on a thread of its own."""
        self._accepter.start()

    def stop(self) -> None:
        """End everything that `start` began. Blocks until it has ended.

        A method that is being carried out and does not return is left behind, and the log says so.
        """
        self.stop_event.set()
        dispatch.interrupt(self.id_to_obj)  # type: ignore[arg-type]
        self.listener.wake()
        self._accepter.join()
        self.listener.close()
        with self._lock:
            peers, threads = dict(self._peers), {*self._peers.values(), *self._leaving}
        for wire in peers:
            wire.abort()
        deadline = self._clock.monotonic() + self._limits.stop
        for thread in threads - {threading.current_thread()}:
            if thread.ident is not None:  # None: there was no thread to be had
                thread.join(max(0.0, deadline - self._clock.monotonic()))
        for wire, thread in peers.items():
            if thread.is_alive() and thread is not threading.current_thread():
                log.warning("a request from %s is still being carried out while this node stops", wire.peer)

    def accepter(self) -> None:
        """Take in whoever comes, until the server stops. Runs on the accepter thread."""
        while not self.stop_event.is_set():
            try:
                wire = self.listener.accept()
            except OSError as error:
                if error.errno != errno.ECANCELED:
                    # Out of descriptors, most likely. Those who dial wait in the backlog meanwhile;
                    # BaseManager tries again at once, and burns a whole core with it.
                    self._refusals.say("anybody", f"cannot accept: {sockets.say(error)}")
                    self.stop_event.wait(_BREATH)
                continue
            self._take_in(wire)

    def _take_in(self, wire: Wire) -> None:
        if len(self._sessions) >= self._limits.sessions:
            self._refusals.say(wire.peer, f"this node serves {self._limits.sessions} connections, its limit")
            wire.close()
            return
        self._porch.enter(wire)
        thread = threading.Thread(target=self.handle_request, args=(wire,), name="eye-session", daemon=True)
        with self._lock:
            self._peers[wire] = thread
        try:
            with _starting:
                # A setting of the whole process, so for as short as possible. A thread that somebody
                # else starts in this very moment gets a smaller stack, which does it no harm.
                usual = threading.stack_size(_STACK)
                try:
                    thread.start()
                finally:
                    threading.stack_size(usual)
        except RuntimeError as error:  # no more threads
            self._refusals.say(wire.peer, str(error))
            self._part_from(wire)

    # ------------------------------------------------------------- on the connection's thread

    def handle_request(self, wire: Wire) -> None:  # type: ignore[override]
        """See one peer through, from its first byte to its last."""
        detail = ""
        try:
            cause = self._see_in(wire)
        except (EOFError, ConnectionError):
            cause = None  # it has gone, which is its right
        except TimeoutError:
            cause = f"a frame did not come, or was not taken, within {self._limits.frame:g} s"
        except (DecodeRefused, FrameTooLarge) as refused:
            cause, detail = "what it sent is not what a node sends", str(refused)
        except ssl.SSLError as error:
            cause = self._tls.refusal(error)
        except OSError as error:
            cause = sockets.say(error)
        finally:
            self._part_from(wire)
        if cause is not None and not self.stop_event.is_set():
            self._refusals.say(wire.peer, cause, detail)

    def _see_in(self, wire: Wire) -> str | None:
        cause = self._prove(wire)
        self._porch.leave(wire)
        if cause is not None:
            return cause
        with self._lock:
            self._sessions.add(wire)
        _, funcname, args, _ = codec.decode(wire.recv_bytes(self._limits.handshake), _First)
        if funcname not in self.public:
            raise DecodeRefused(f"it asked for {funcname[:40]!r}, which this node does not offer")
        getattr(self, funcname)(wire, *args)
        return None

    def _prove(self, wire: Wire) -> str | None:
        """Find out whether the peer knows the cookie; say why not."""
        limit = self._limits.handshake
        try:
            if not wire.open(self._tls, limit):
                return "it speaks without TLS, which is wanted beyond loopback; is it of an older version?"
            handshake = ServerHandshake(self._cookie, os.urandom(32), wire.binding)
            wire.send_bytes(handshake.greeting, limit)
            verdict = handshake.verdict(wire.recv_bytes(limit))
        except TimeoutError:
            return f"it said nothing within {limit:g} s"
        except (DecodeRefused, FrameTooLarge):
            return "it does not speak as a node does"
        if verdict is None:
            return "its cookie differs from ours; give both nodes the same --cookie-file"
        wire.trust()
        wire.send_bytes(verdict, limit)
        return None

    def accept_connection(self, c: Wire, name: str) -> None:  # type: ignore[override]
        """Turn the connection into a session; `name` is the lane. The one public function."""
        threading.current_thread().name = f"eye-session-{name[:20]}"
        c.send_bytes(codec.encode(("#RETURN", None)), self._limits.frame)
        self.serve_client(c)

    def serve_client(self, conn: Wire) -> None:  # type: ignore[override]
        """Answer requests, one after the other, until the peer has gone or the server stops."""
        while not self.stop_event.is_set():
            body = conn.recv_bytes(self._limits.frame, idle=True)
            meter = Meter()
            with dispatch.asking(conn.who):
                reply = dispatch.reply_to(self.id_to_obj, body, _log_crash)  # type: ignore[arg-type]
            conn.send_bytes(reply, self._limits.frame)
            self._traffic.note(conn.peer, len(body), len(reply), meter.read())

    def _part_from(self, wire: Wire) -> None:
        self._porch.leave(wire)
        with self._lock:
            thread = self._peers.pop(wire)
            self._sessions.discard(wire)
            self._leaving = {one for one in self._leaving if one.is_alive()} | {thread}
        wire.close()


def _log_crash(method: str, error: Exception) -> None:
    log.error("%s raised", method, exc_info=error)
