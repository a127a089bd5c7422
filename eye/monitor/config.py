"""Everything that can be set, checked once, before anything starts.

Whoever reads settings (the command line with its file and variables, a program that calls
`eye.start_node`) makes one `NodeConfig` of them. What is wrong is said in one sentence that names the
setting, what is allowed and what came.
"""

from __future__ import annotations

import math
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eye.cluster.node import Address, check_name
from eye.errors import BadAddress, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DISCOVERY = ("local", "static")
"""How nodes find each other: on this machine by themselves, or by the addresses of `connect`."""

ACTIONS = ("kill",)
"""What others may be allowed to do to a node, besides reading it."""


_ANYWHERE_HERE = Address("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """How one node is to run. Times are seconds."""

    name: str
    listen: Address = _ANYWHERE_HERE
    connect: tuple[str, ...] = ()
    discover: tuple[str, ...] = DISCOVERY
    cookie_file: Path | None = None
    folder: Path | None = None
    interval: float = 1.0
    allow: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        check_name(self.name)
        check_interval(self.interval)
        for address in self.connect:
            check_peer(address)
        for strategy in self.discover:
            if strategy not in DISCOVERY:
                raise ConfigError(f"discover must be some of {', '.join(DISCOVERY)}, not {strategy!r}")
        for action in self.allow:
            if action not in ACTIONS:
                raise ConfigError(f"allow must be some of {', '.join(ACTIONS)}, not {action!r}")


def check_interval(seconds: float) -> float:
    """Refuse an interval that would be no interval, or a busy loop."""
    if not (isinstance(seconds, (int, float)) and math.isfinite(seconds) and 0.1 <= seconds <= 3600):
        raise ConfigError(f"interval must be 0.1 to 3600 seconds, not {seconds!r}")
    return seconds


def check_peer(text: str) -> str:
    """Refuse an address to connect to that nobody can listen at."""
    try:
        address = Address.parse(text)
    except BadAddress as error:
        raise ConfigError(f"connect: {error}") from None
    if address.port == 0:
        raise ConfigError(f"connect: {text!r} has port 0, where nobody listens")
    return str(address)


def default_node_name(environ: Mapping[str, str]) -> str:
    """Make a name for a node that was given none: the machine's, with this process's number."""
    host = environ.get("HOSTNAME") or socket.gethostname() or "node"
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in host.split(".")[0])
    return f"{plain.strip('._-') or 'node'}-{os.getpid()}"


def runtime_folder(environ: Mapping[str, str]) -> Path:
    """Say where the nodes of this user on this machine leave word of each other."""
    if configured := environ.get("EYE_FOLDER"):
        return Path(configured)
    from eye.cluster.discovery.local import default_folder

    return default_folder(environ, os.getuid() if hasattr(os, "getuid") else 0)


def cookie_path(environ: Mapping[str, str], given: Path | None) -> Path:
    """Say which cookie file counts: the one given, or this user's."""
    if given is not None:
        return given
    from eye.cluster.security import default_cookie_path

    try:
        home = Path.home()
    except RuntimeError:  # no home directory to be found: a service user, a container
        import tempfile  # only now: it would cost every `fetch` five milliseconds

        home = Path(tempfile.gettempdir())
    return default_cookie_path(environ, home)
