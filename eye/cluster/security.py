"""The cookie: one secret that all nodes of a cluster share, and how two of them prove it.

The cookie is a file that only its owner can read, like Erlang's; whoever has it is trusted. It is
made at random when it is first needed, and it never crosses the wire: each side shows that it can
sign what the other has just drawn.

    server                                             client
      |-- EYE2 + 32 random bytes ----------------------->|
      |<---- 32 random bytes + sign(client, both) -------|
      |-- sign(server, both) --------------------------->|   or: closed, without a word

The role is part of what is signed, so that no answer can be sent back as one's own. The channel is
too (`binding`, see `channel`): a machine in the middle has another TLS channel to either side, and
what one side signs for its channel is worth nothing to the other.

The two sides are state machines without a socket: bytes in, bytes out.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
import stat
from typing import TYPE_CHECKING

from eye.errors import AuthenticationRefused, CookieUnusable, DecodeRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MAGIC = b"EYE2"
_NONCE = 32  # bytes
_SHORTEST = 32  # characters of a cookie


class Cookie:
    """The shared secret. Neither `str` nor `repr` nor an error shows it."""

    __slots__ = ("_key",)

    def __init__(self, secret: str) -> None:
        if len(secret.strip()) < _SHORTEST:
            raise CookieUnusable(f"a cookie has at least {_SHORTEST} characters")
        self._key = hashlib.sha256(b"sorcerers eye cookie" + secret.strip().encode()).digest()

    @classmethod
    def from_authkey(cls, authkey: bytes) -> Cookie:
        """Make the cookie again from its `authkey`."""
        cookie = cls.__new__(cls)
        cookie._key = bytes(authkey)
        return cookie

    @property
    def authkey(self) -> bytes:
        """The secret as `multiprocessing` wants to hold it. It stays in this process."""
        return self._key

    def __repr__(self) -> str:
        return "<Cookie>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cookie) and hmac.compare_digest(self._key, other._key)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a cookie is not pickled; give the other process the path of its file")

    @property
    def digest(self) -> str:
        """Sixteen characters that tell two cookies apart and give neither away."""
        return self.sign(b"digest").hex()[:16]

    def derive(self, purpose: str) -> bytes:
        """Make a secret for another purpose: 32 bytes, the same each time, that do not give the cookie away."""
        return hmac.digest(self._key, b"sorcerers eye: derived: " + purpose.encode(), "sha256")

    def sign(self, *parts: bytes) -> bytes:
        """Sign the parts, which have fixed lengths, with HMAC-SHA256."""
        return hmac.digest(self._key, b"".join(parts), "sha256")


def default_cookie_path(environ: Mapping[str, str], home: Path) -> Path:
    """Say where the cookie of this user is: `$XDG_CONFIG_HOME/sorcerers_eye/cookie`, or under `~/.config`."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification says that a relative path is to be ignored.
    folder = type(home)(configured) if os.path.isabs(configured) else home / ".config"
    return folder / "sorcerers_eye" / "cookie"


def load_cookie(path: Path, *, create: bool = True, draw: Callable[[int], bytes] = os.urandom) -> Cookie:
    """Read the cookie from its file; make the file, with a random cookie, if there is none.

    Several nodes may start at once: all get the cookie of the one that was first.

    Raises:
        CookieUnusable: when the file cannot be read or made, when others than its owner can read or
            write it, or when what it holds is too short. The sentence says what to do.
    """
    try:
        if create and not os.path.lexists(path):
            create_private(path, draw)
        return Cookie(read_private(path))
    except CookieUnusable as refused:
        raise CookieUnusable(f"cookie file {path}: {refused}") from None
    except UnicodeDecodeError:
        raise CookieUnusable(f"cookie file {path}: it is not text; remove it and a new one is made") from None
    except OSError as error:
        raise CookieUnusable(f"cookie file {path}: {(error.strerror or str(error)).lower()}") from None


def create_private(path: Path, draw: Callable[[int], bytes] = os.urandom) -> None:
    """Make a file with a random secret of 64 characters that only this user can read, unless there is one."""
    # A reader must never see half a cookie: it is written aside, then linked to its name, which
    # fails if somebody was quicker (O_EXCL would show the empty file first).
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{draw(8).hex()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(draw(32).hex() + "\n")
        os.link(aside, path)
    except FileExistsError:
        pass  # another node was first: its cookie is ours too
    finally:
        os.unlink(aside)


def read_private(path: Path) -> str:
    """Read a secret from a file.

    Raises:
        CookieUnusable: others can read it, too, or it is no plain file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.EACCES:
            raise CookieUnusable(f"this user may not read it; as its owner: chmod 600 {path}") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise CookieUnusable("it is not a plain file")
        if found.st_uid not in (os.geteuid(), 0):
            raise CookieUnusable(f"it belongs to another user (uid {found.st_uid}); give a file of your own")
        # As libpq has it: root may let a group read a secret, which is what systemd's LoadCredential and a
        # Secret of Kubernetes with an fsGroup do, and nobody could change.
        if found.st_mode & (0o077 if found.st_uid == os.geteuid() else 0o037):
            raise CookieUnusable(
                f"others than its owner may open it (mode {stat.S_IMODE(found.st_mode):04o}); run: "
                f"chmod 600 {path}"
            )
        return file.read(4096).decode()


class ServerHandshake:
    """The side that was dialled. Send `greeting`, then feed the answer to `verdict`."""

    def __init__(self, cookie: Cookie, nonce: bytes, binding: bytes = b"") -> None:
        self._cookie, self._nonce, self._binding = cookie, nonce, binding

    @property
    def greeting(self) -> bytes:
        """The first frame of the conversation."""
        return MAGIC + self._nonce

    def verdict(self, answer: bytes) -> bytes | None:
        """Check the client's frame: the frame to send back, or None when its cookie is another.

        Raises:
            DecodeRefused: when it is no answer at all.
        """
        if len(answer) != 2 * _NONCE:
            raise DecodeRefused(f"the answer to a greeting has {2 * _NONCE} bytes, not {len(answer)}")
        theirs, proof = answer[:_NONCE], answer[_NONCE:]
        if not hmac.compare_digest(proof, self._cookie.sign(b"client", self._nonce, theirs, self._binding)):
            return None
        return self._cookie.sign(b"server", theirs, self._nonce, self._binding)


class ClientHandshake:
    """The side that dialled. Feed the greeting to `answer`, then the second frame to `check`."""

    def __init__(self, cookie: Cookie, nonce: bytes, binding: bytes = b"") -> None:
        self._cookie, self._nonce, self._binding = cookie, nonce, binding
        self._theirs = b""

    def answer(self, greeting: bytes) -> bytes:
        """Answer the server's greeting.

        Raises:
            DecodeRefused: when it is no greeting: something else than a node listens there.
        """
        if len(greeting) != len(MAGIC) + _NONCE or not greeting.startswith(MAGIC):
            raise DecodeRefused("something else than a node listens there")
        self._theirs = greeting[len(MAGIC) :]
        return self._nonce + self._cookie.sign(b"client", self._theirs, self._nonce, self._binding)

    def check(self, proof: bytes, address: str) -> None:
        """Check that the server knows the cookie too.

        Raises:
            AuthenticationRefused: when it does not.
        """
        if not hmac.compare_digest(proof, self._cookie.sign(b"server", self._nonce, self._theirs, self._binding)):
            raise AuthenticationRefused(address)
