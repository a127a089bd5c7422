"""What a node is called, where it is, and how another node sees it.

A node is one running eye. It names itself (`NodeInfo`); everybody else keeps a `Member` for it,
with what they know and since when. Name and address may come back after a restart; the boot id is
new at every start, so that old news is never taken for new.
"""

from __future__ import annotations

import enum
import os
import re
import socket
from typing import TYPE_CHECKING

import msgspec

from eye.errors import BadAddress, BadNodeName

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_PATH = 100  # bytes; the kernel's limit is 107 (unix(7))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}", re.ASCII)


class Address(msgspec.Struct, frozen=True, order=True):
    """Where a node listens: a host (name or number) and a TCP port. Port 0 lets the system choose.

    A UNIX socket has its absolute path for a host, and port 0.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `127.0.0.1:4711`, `[::1]:4711`, `orthanc:4711`, `:4711` or `unix:/run/eye.sock`.

        Without a host it is this machine alone, 127.0.0.1: whoever wants to be reached from
        elsewhere writes `0.0.0.0:4711` or `[::]:4711` and means it.

        Raises:
            BadAddress: anything else.
        """
        if text.startswith("unix:"):
            return cls._at_path(text.removeprefix("unix:"))
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if bracketed:
            host = host[1:-1]
        plain = not any(c.isspace() or c in "[]/" for c in host) and (bracketed or ":" not in host)
        if not colon or not plain or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise BadAddress(
                f"an address is HOST:PORT, :PORT, [IPV6]:PORT with a port up to 65535, or unix:/PATH, not {text!r}"
            )
        return cls(host or "127.0.0.1", int(port))

    @classmethod
    def _at_path(cls, path: str) -> Address:
        if not path.startswith("/") or "\0" in path or len(path.encode(errors="replace")) > _LONGEST_PATH:
            raise BadAddress(f"unix: needs an absolute path of at most {_LONGEST_PATH} bytes, not {path!r}")
        return cls(path, 0)

    def __str__(self) -> str:
        if self.is_unix:
            return f"unix:{self.host}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_unix(self) -> bool:
        """Whether it is a UNIX socket."""
        return self.host.startswith("/")

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every address of this machine, which nobody can dial."""
        return self.host in ("0.0.0.0", "::", "0")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. A host name counts only if it is `localhost`."""
        if self.host == "localhost" or self.is_unix:
            return True
        if ":" in self.host:
            try:
                packed = socket.inet_pton(socket.AF_INET6, self.host.partition("%")[0])
            except OSError:
                return False
            return packed == b"\0" * 15 + b"\1" or packed[:13] == b"\0" * 10 + b"\xff\xff\x7f"
        try:
            return socket.inet_pton(socket.AF_INET, self.host)[0] == 127
        except OSError:
            return False


def check_name(text: str) -> str:
    """Give the name back if a node may have it.

    Raises:
        BadNodeName: when it is not 1 to 100 characters of A-Z a-z 0-9 . _ @ -, the first a letter or digit.
    """
    if not _NAME.fullmatch(text):
        raise BadNodeName(
            f"a node's name is 1 to 100 of the characters A-Z a-z 0-9 . _ @ -, beginning with a letter "
            f"or a digit, not {text!r}"
        )
    return text


def new_boot(draw: Callable[[int], bytes] = os.urandom) -> str:
    """Draw a boot id: 16 hexadecimal characters, new at every start of a node."""
    return draw(8).hex()


class Status(enum.Enum):
    """How one node sees another."""

    CONNECTING = "connecting"  # heard of, never heard from
    UP = "up"
    SUSPECT = "suspect"  # silent for longer than it should be
    DOWN = "down"


class NodeInfo(msgspec.Struct, frozen=True):
    """What a node says of itself. `started_at` is UTC seconds by its own clock.

    `is_seed` says that it keeps the registry of a large cluster: the others announce themselves to the seeds
    alone, and take their word for who is there.
    """

    name: str
    address: str
    boot: str
    started_at: float
    is_seed: bool = False


class Member(msgspec.Struct, frozen=True):
    """A node as one registry sees it.

    `since` is when it got its status and `seen_at` when it was last heard from (None: never), both
    UTC seconds by the clock of the registry that says so. `reason` is why it is not up. `via` names the seed on
    whose word it is listed; None where the registry has heard from the node itself.
    """

    name: str
    address: str
    boot: str
    started_at: float
    status: Status
    since: float
    seen_at: float | None = None
    reason: str | None = None
    is_seed: bool = False
    via: str | None = None

    @property
    def info(self) -> NodeInfo:
        """The part that the node said of itself."""
        return NodeInfo(self.name, self.address, self.boot, self.started_at, self.is_seed)
