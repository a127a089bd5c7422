"""The certificate that browsers are shown, read again when its file has changed: renewing it takes no restart."""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING

from eye.errors import TlsUnusable

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger("eye.web")
_LOOK = 10.0  # seconds between two looks at the files


class Certificate:
    """Makes connections secure (TLS 1.2 and up). Used by one thread at a time.

    Raises:
        TlsUnusable: the files cannot be read, or do not belong together.
    """

    def __init__(self, cert: Path, key: Path | None, now: Callable[[], float] = time.monotonic) -> None:
        self._cert, self._key, self._now = cert, key, now
        self._seen = self._stamps()
        self._context = self._load()
        self._next = now() + _LOOK

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """Make a connection secure that was accepted. The handshake comes later."""
        if self._now() >= self._next:
            self._next = self._now() + _LOOK
            self._look_again()
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def _look_again(self) -> None:
        try:
            stamps = self._stamps()
            if stamps != self._seen:
                self._context = self._load()
                self._seen = stamps
                _log.info("the web view shows the new certificate of %s", self._cert)
        except TlsUnusable as error:  # half of it is written, perhaps: what there was is good until it is not
            _log.warning("the web view keeps the certificate it has: %s", error)

    def _load(self) -> ssl.SSLContext:
        # Each time into a context of its own: one that was given half of it is good for nothing any more.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # Without a password to ask for: OpenSSL would ask for it at the terminal.
            context.load_cert_chain(self._cert, self._key, password=lambda: "")
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

    def _stamps(self) -> tuple[float, ...]:
        try:
            return tuple(path.stat().st_mtime for path in (self._cert, self._key) if path is not None)
        except OSError as error:
            raise TlsUnusable(str(error.filename), (error.strerror or str(error)).lower()) from None
