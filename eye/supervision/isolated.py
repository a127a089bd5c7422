"""A process that lives in an OS process of its own: the parent's half of it.

Mailbox, links, monitors, name and end are those of any process: `process` runs this in place of the server,
on an ordinary thread, and this hands each message across and waits until the server over there is done with
it. What the server wants of others meanwhile is done right here, on this thread, in its name.

    in this OS process                                   in its own
    mailbox -> carrier thread: Isolated.receive   ===>   GenServer.receive
                    | call, cast, link, ...       <===   a stand-in's method
                    | the answer                  ===>
                    '- reply, or why to end       <===

Unlike a thread it can be ended: by an exit signal at once (SIGTERM; the server's own code may refuse that),
by a kill in any case (SIGKILL). What the operating system says of its end is the exit reason.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from eye.clock import SystemClock
from eye.supervision import fork_server
from eye.supervision.border import (
    ASK,
    BEGIN,
    CONSULT,
    DONE,
    END,
    ITEM,
    LOOKS,
    PROCEED,
    TELL,
    VALUE,
    Border,
    Frames,
)
from eye.supervision.errands import Errands
from eye.supervision.isolated_child import Beginning
from eye.supervision.messages import Caller, Down, PackedCast, PackedInfo, Wake
from eye.supervision.packing import dumps_anyhow, pack
from eye.supervision.process import IGNORED
from eye.supervision.reasons import KILLED, Crash, ProcessExit, Reason, RemoteTraceback

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.fork_server import ForkServer
    from eye.supervision.ref import Ref

logger = logging.getLogger("eye.supervision")

GRACE = 5.0
"""Real seconds that the operating system gets to end what was killed, and a server that has ended to leave."""


class Isolated:
    """What a process runs whose server lives elsewhere."""

    # As with `GenServer`, what `vars` shows is the server's state: here as texts, and only after a crash.
    __slots__ = (
        "__dict__", "_behaviour", "_border", "_end_reason", "_errands", "_frames", "_gone", "_has_ended",
        "_is_leaving", "_main", "_ref", "_server", "_stray", "_stray_frames", "pid",
    )  # fmt: skip

    trap_exit = False

    def __init__(self, behaviour: type) -> None:
        self._behaviour = behaviour
        self._border = Border()
        self._server: ForkServer | None = None
        self.pid: int | None = None
        """The number of the OS process."""
        self._gone = threading.Event()
        self._has_ended = False
        self._is_leaving = False
        self._end_reason = KILLED

    # ------------------------------------------------------------- as the process sees it

    def attach(self, ref: Ref) -> None:
        """Be told who one is."""
        self._ref = ref
        self._errands = Errands(ref, self._border)
        put = ref._put

        def put_packed(item: Any) -> None:
            put(pack(self._border, item))

        ref._put = put_packed

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reason | None:
        """Get an OS process, and have the server's `init` run there."""
        ref, system = self._ref, self._ref.system
        system.has_isolated = True
        start = Beginning(
            self._behaviour, args, kwargs, ref, system, system.topics, system.timers,
            isinstance(system.clock, SystemClock), logging.getLogger().getEffectiveLevel(),
        )  # fmt: skip
        data = self._border.dumps((BEGIN, start))
        self._main, main = socket.socketpair()
        self._stray, stray = socket.socketpair()
        self._frames, self._stray_frames = Frames(self._main, looks=LOOKS), Frames(self._stray)
        is_short = len(data) < _FITS
        try:
            if is_short:
                self._frames.put(data)  # it finds its work waiting
            self._server, self.pid = fork_server.fork(system, self._behaviour.__module__, main, stray, self)
        except BaseException:
            self._main.close()
            self._stray.close()
            raise
        finally:
            main.close()
            stray.close()
        self._server.watch(self._stray, self)
        ref._os_process = self
        if ref._doom is not None:
            self.kill()  # told to exit while there was nothing yet to tell
        return self._converse(None if is_short else data)

    def proceed(self) -> Reason | None:
        """Have the step taken that `init` asked for, if it did."""
        return self._converse(self._border.dumps((PROCEED,)))

    def receive(self, item: Any) -> Reason | None:
        """Have the server handle one item of the mailbox."""
        if isinstance(item, Caller):
            ref = self._ref
            ref.set_current(item)
            reason = self._converse(item.packed)
            if reason is None:
                ref.clear_current()
            return reason
        if isinstance(item, (PackedCast, PackedInfo)):
            return self._converse(item.packed)
        if isinstance(item, Wake) or (isinstance(item, Down) and item.monitor.is_flushed):
            return None
        return self._converse(dumps_anyhow(self._border, (ITEM, item)))

    receive_cast = receive

    def consult(self, what: Callable[[Any], Any]) -> Any:
        """Have `what` done with the server itself."""
        return self._told(self._exchange(self._border.dumps((CONSULT, what))))

    def end(self, reason: Reason) -> Reason:
        """Have the server clean up and leave."""
        if self._has_ended:
            return reason
        self._is_leaving = True
        try:
            ended = self._converse(dumps_anyhow(self._border, (END, reason))) or reason
            return reason if ended == reason else ended  # the one that was here still has its exception
        except ProcessExit as signal_:
            return signal_.reason

    def release(self) -> None:
        """Make sure that the OS process is gone, and give back what belonged to it."""
        if self.pid is None:
            return
        if not (self._is_leaving and self._gone.wait(GRACE)):
            self.kill()
            if not self._gone.wait(GRACE):
                logger.error("the OS process %d of %s was killed and does not end", self.pid, self._ref)
        if self._server is not None:
            self._server.unwatch(self._stray)
        self._main.close()
        self._stray.close()

    # ------------------------------------------------------------ as `Ref` sees the OS process

    def terminate(self) -> None:
        """Have it end, unless its own code refuses."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Have it end."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.pid is not None and not self._has_ended:  # until then its number is nobody else's: see `zygote`
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    # ----------------------------------------------------------------------- across the border

    def _converse(self, data: bytes | None) -> Reason | None:
        answer = self._exchange(data)
        is_ignored, reason, exception, state = answer[1:5]
        if is_ignored:
            return IGNORED
        if state:
            self.__dict__.update(state)
        if isinstance(reason, Crash):
            return Crash(reason.word, reason.detail, reason.traceback, self._revived(exception, reason.traceback))
        return reason  # type: ignore[no-any-return]

    def _told(self, answer: tuple[Any, ...]) -> Any:
        what, value, *more = answer
        if what == VALUE:
            return value
        name, text = more[:2]
        raise self._revived(value, text) or RuntimeError(f"{name}\n{text}")

    def _revived(self, data: bytes | None, text: str) -> BaseException | None:
        if data is None:
            return None
        try:
            error = self._border.loads(data)
        except Exception:  # noqa: BLE001 - somebody else's exception, out of a child: its text is there in any case
            return None
        error.__cause__ = RemoteTraceback(text)
        return error  # type: ignore[no-any-return]

    def _exchange(self, data: bytes | None) -> tuple[Any, ...]:
        """Have one thing done, and do meanwhile what the server wants done."""
        try:
            if data is not None:
                self._frames.put(data)
            while True:
                what, *parts = self._border.loads(self._frames.get())
                if what == DONE:
                    *answer, parting, released = parts
                    if parting is not None:
                        number, value = parting
                        self._border.find(number).reply(self._border.loads(value))
                    self._border.take_back(released)
                    return tuple(answer)
                self._serve(what, *parts)
        except EOFError:
            raise ProcessExit(self._await_end()) from None

    def _serve(self, what: int, *errand: Any) -> None:
        # Told to exit while it waited: `ProcessExit` ends this here. Whatever the server would do next is in vain.
        if what == TELL:
            self._errands.do_quietly(*errand)
        else:
            self._frames.put(self._errands.do(*errand))

    # ------------------------------------------------------- on the thread that listens to all

    def on_stray(self) -> None:
        """Do what a thread of the server's, or a callback that is over, wants done."""
        try:
            self._stray_frames.fill()
        except EOFError:
            if self._server is not None:
                self._server.unwatch(self._stray)
            return
        while (data := self._stray_frames.pop()) is not None:
            if self._ref.exit_reason is not None:
                continue  # declared dead: not heard any more
            what, *parts = self._border.loads(data)
            if what == TELL:
                self._errands.do_quietly(*parts)
            elif what == ASK:
                # It may take its time, and all others would have to wait for it.
                threading.Thread(
                    target=self._serve_stray, args=parts, name=f"{self._ref}-stray", daemon=True
                ).start()

    def _serve_stray(self, *errand: Any) -> None:
        with contextlib.suppress(EOFError, ProcessExit):
            self._stray_frames.put(self._errands.do(*errand))

    def on_end(self, status: int | None) -> None:
        """Be told that the OS process is gone, and how; None where nobody can say."""
        ref = self._ref
        self._has_ended, self._end_reason = True, _reason_of(status)
        if ref._doom is None and not self._is_leaving:
            ref._doom = self._end_reason  # it cannot clean up, and nobody reports in its name
        with contextlib.suppress(OSError, AttributeError):
            self._main.shutdown(socket.SHUT_RDWR)  # what it forked itself may still hold the other end
        self._gone.set()
        if ref._doom is not None:
            ref._interrupt()

    def _await_end(self) -> Reason:
        """Its end of the socket is closed: wait until the operating system says why."""
        if not self._gone.wait(GRACE):
            self.kill()
            self._gone.wait(GRACE)
        return self._ref._doom or self._end_reason


_FITS = 32768
"""Bytes that a socket takes although nobody reads yet."""


def _reason_of(status: int | None) -> Reason:
    if status is None or status == -signal.SIGKILL:
        return KILLED
    if status >= 0:
        return Reason("exit_code", status)
    try:
        return Reason("signal", signal.Signals(-status).name)
    except ValueError:
        return Reason("signal", -status)
