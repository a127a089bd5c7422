"""The certificate that browsers are shown, read again when its file has changed: renewing it takes no restart.

That its time is over, or will be soon, is said at the start, and when it comes to that.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from typing import TYPE_CHECKING

from eye.errors import TlsUnusable
from eye.web.validity import Standing, sentence, validity_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger("eye.web")
LOOK = 10.0
"""Seconds between two looks at the files."""


class Certificate:
    """Makes connections secure (TLS 1.2 and up). `wrap` is for one thread at a time, `look` for any.

    Raises:
        TlsUnusable: the files cannot be read, or do not belong together.
    """

    def __init__(
        self,
        cert: Path,
        key: Path | None,
        now: Callable[[], float] = time.monotonic,
        utc: Callable[[], float] = time.time,
    ) -> None:
        self._cert, self._key, self._now, self._utc = cert, key, now, utc
        self._looking = threading.Lock()
        self._seen = self._stamps()
        self._context = self._load()
        self._problem: str | None = None  # what was said of files that will not do
        self._standing = Standing.GOOD  # what was said of its time
        self._next = now() + LOOK
        self._say_how_it_stands()

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """Make a connection secure that was accepted. The handshake comes later."""
        self.look()
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def look(self) -> None:
        """See, every ten seconds at most, whether there is a new one, and whether its time is over."""
        if self._now() < self._next or not self._looking.acquire(blocking=False):
            return
        try:
            self._next = self._now() + LOOK
            self._look_for_another()
            self._say_how_it_stands()
        finally:
            self._looking.release()

    def _look_for_another(self) -> None:
        try:
            stamps = self._stamps()
            if stamps != self._seen:
                self._context = self._load()
                self._seen, self._standing = stamps, Standing.GOOD
                _log.warning("the web view shows the new certificate of %s", self._cert)
            self._problem = None
        except TlsUnusable as error:  # half of it is written, perhaps: what there was is good until it is not
            if str(error) != self._problem:
                self._problem = str(error)
                _log.warning("the web view keeps the certificate it has: %s", error)

    def _say_how_it_stands(self) -> None:
        if self._validity is None:
            return
        now = self._utc()
        before, self._standing = self._standing, self._validity.at(now)
        if self._standing is not before and (said := sentence(self._standing, self._validity, now)) is not None:
            _log.warning("the web view's certificate %s %s", self._cert, said)

    def _load(self) -> ssl.SSLContext:
        # Each time into a context of its own: one that was given half of it is good for nothing any more.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # Without a password to ask for: OpenSSL would ask for it at the terminal.
            context.load_cert_chain(self._cert, self._key, password=lambda: "")
            self._validity = validity_of(self._cert.read_bytes())
        except ssl.SSLError as error:
            raise TlsUnusable(str(self._cert), f"it and its key cannot be used: {self._why(error)}") from None
        except OSError as error:
            raise TlsUnusable(str(self._cert), (error.strerror or str(error)).lower()) from None
        return context

    def _why(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "it is the certificate of another key"
        if self._key is None:
            return "no certificate with its key is in that file (PEM); give a key in a file of its own, too"
        return "they are to be PEM, and the key without a password"

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        try:
            stats = [path.stat() for path in (self._cert, self._key) if path is not None]
            return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in stats)
        except OSError as error:
            raise TlsUnusable(str(error.filename), (error.strerror or str(error)).lower()) from None
