"""TLS between nodes, without ceremony: whoever has the cookie has the certificate authority too.

    cookie --HKDF--> the cluster's private CA (the same at every node; its key is never written down)
                       '-- signs, at each node --> a certificate of that node alone, good for two days

Both sides show a certificate and both verify it, so nobody without the cookie gets as far as the first byte of
ours, in either direction. Certificates of a real authority may be given in its place (`Tls.from_files`); the
cookie is asked for all the same.

Loopback and UNIX sockets need none of it and go without, unless `TlsMode.ALWAYS` wants it; `cryptography` and
`ssl` are imported when the first connection beyond loopback is made.
"""

from __future__ import annotations

import enum
import socket
import threading
from typing import TYPE_CHECKING, Any

from eye.cluster.channel import TlsChannel
from eye.errors import AuthenticationRefused, ClusterError, NodeUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.certificates import Files, Identity
    from eye.cluster.security import Cookie

_RENEWED_AFTER = 12 * 3600.0  # seconds


class TlsMode(enum.Enum):
    """Where TLS is used."""

    AUTO = "auto"  # beyond loopback
    ALWAYS = "always"  # everywhere but on UNIX sockets
    OFF = "off"  # nowhere: whoever listens on the wire reads along


class Tls:
    """What one node needs to speak TLS with the others. May be used from any thread."""

    def __init__(
        self, mode: TlsMode, make: Callable[[], Identity], now: Callable[[], float], *, checks_host: bool
    ) -> None:
        self.mode = mode
        self._make, self._now, self._checks_host = make, now, checks_host
        self._lock = threading.Lock()
        self._identity: Identity | None = None

    @classmethod
    def from_cookie(
        cls, cookie: Cookie, mode: TlsMode = TlsMode.AUTO, now: Callable[[], float] | None = None
    ) -> Tls:
        """Derive everything from the cookie. `now` tells UTC seconds."""
        tell = now or _wall_clock

        def make() -> Identity:
            from eye.cluster.certificates import derived

            return derived(cookie, tell())

        return cls(mode, make, tell, checks_host=False)

    @classmethod
    def from_files(cls, files: Files, mode: TlsMode = TlsMode.AUTO, now: Callable[[], float] | None = None) -> Tls:
        """Use certificates of a real authority.

        Raises:
            TlsUnusable: one of the files cannot be read, does not fit, or others may read the key.
        """
        from eye.cluster.certificates import from_files

        tell = now or _wall_clock
        tls = cls(mode, lambda: from_files(files, tell()), tell, checks_host=True)
        tls._of_now()  # what is wrong with the files is said at the start, not at the first connection
        return tls

    @property
    def is_off(self) -> bool:
        """Whether it was switched off."""
        return self.mode is TlsMode.OFF

    def is_wanted(self, family: int, place: Any) -> bool:
        """Whether a connection between here and there is to be TLS: `place` is a socket's address."""
        if self.mode is TlsMode.OFF or family == getattr(socket, "AF_UNIX", None):
            return False
        return self.mode is TlsMode.ALWAYS or not is_loopback(place)

    def dial(self, host: str) -> TlsChannel:
        """Begin the dialling side of a channel."""
        identity = self._of_now()
        name = host.partition("%")[0] if self._checks_host else None
        return TlsChannel(identity.client, identity.certificate, dials=True, host=name)

    def answer(self) -> TlsChannel:
        """Begin the answering side of a channel."""
        identity = self._of_now()
        return TlsChannel(identity.server, identity.certificate, dials=False)

    def meaning(self, error: Exception, address: str) -> ClusterError:
        """Say what it means for the dialling side that a channel failed by that `ssl.SSLError`."""
        reason = str(getattr(error, "reason", None) or "").lower()
        verify = str(getattr(error, "verify_message", "") or "")
        if "not yet valid" in verify or "expired" in verify or "expired" in reason:
            return NodeUnreachable(
                address, "its certificate is not valid now; compare the clocks of the two machines"
            )
        if self._checks_host and verify:
            return NodeUnreachable(address, f"its certificate is not accepted: {verify.lower()}")
        if verify or "unknown_ca" in reason or "certificate" in reason or "decrypt" in reason:
            return AuthenticationRefused(address)
        return NodeUnreachable(address, "something else than a node listens there")

    def refusal(self, error: Exception) -> str:
        """Say, for the log of the answering side, why a channel failed by that `ssl.SSLError`."""
        reason = str(getattr(error, "reason", None) or error).lower()
        verify = str(getattr(error, "verify_message", "") or "").lower()
        if "not yet valid" in verify or "expired" in verify or "expired" in reason:
            return "its certificate is not valid now; compare the clocks of the two machines"
        if verify or "unknown_ca" in reason or "certificate" in reason:
            remedy = (
                "use certificates of one authority" if self._checks_host else "give both the same --cookie-file"
            )
            return f"its certificate is not of this cluster; {remedy}"
        return "it does not speak TLS as a node does"

    def _of_now(self) -> Identity:
        with self._lock:
            if self._identity is None or abs(self._now() - self._identity.made_at) > _RENEWED_AFTER:
                self._identity = self._make()
            return self._identity


def is_loopback(place: Any) -> bool:
    """Whether a socket's address (`getsockname`, `getpeername`) is of this machine alone."""
    if not isinstance(place, tuple):
        return True  # a path: a UNIX socket
    host = str(place[0]).partition("%")[0].removeprefix("::ffff:")
    return host.startswith("127.") or host == "::1"


def _wall_clock() -> float:
    from eye.clock import SystemClock

    return SystemClock().now()
