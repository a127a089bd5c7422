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

from eye.cluster import discovery
from eye.cluster.node import Address, check_name
from eye.cluster.tls import Tls, TlsMode
from eye.errors import BadAddress, BadDiscovery, ConfigError
from eye.monitor.methods import ALLOWED, RIGHTS
from eye.monitor.pace import FEW, SLOW_EVERY, SLOWEST, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eye.cluster.certificates import Files
    from eye.cluster.security import Cookie

DISCOVERY = ("local", "static")
"""How nodes find each other unless told otherwise: on this machine, and by the addresses of `connect`."""

MOST_NODES = 500
"""Nodes that one registry takes in, unless told otherwise."""


ALONE = 24
"""Nodes that have a collector each, unless told otherwise."""

BATCH = 50
"""Nodes that share one, beyond those."""

HISTORY_OFF = "off"
"""No history is kept."""

HISTORY_KEEP = "1d,30d,730d"
"""How long it is kept, unless told otherwise."""

_ANYWHERE_HERE = Address("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """How one node is to run. Times are seconds."""

    name: str
    listen: Address = _ANYWHERE_HERE
    connect: tuple[str, ...] = ()
    discover: tuple[str, ...] = DISCOVERY
    advertise: str | None = None
    """Where others reach this node, if that is not where it listens: behind NAT, or a published port."""
    is_seed: bool = False
    """Whether it is one of those that keep the registry of a large cluster."""
    max_nodes: int = MOST_NODES
    tls: str = TlsMode.AUTO.value
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    cookie_file: Path | None = None
    folder: Path | None = None
    interval: float = 1.0
    allow: frozenset[str] = field(default_factory=frozenset)
    """What others may do besides `methods.ALLOWED`."""
    slow_beyond: int = FEW
    """Nodes, beyond which those that nobody looks at closely are asked more seldom,"""
    slow_every: float = SLOW_EVERY
    """namely every so many seconds."""
    alone: int = ALONE
    """Nodes that have a collector each;"""
    batch: int = BATCH
    """of the others, so many share one."""
    history: str = HISTORY_OFF
    """Where what its view sees is kept: a file, the URL of a database, or `off`."""
    writes_history: bool = True
    """Whether it is kept there by this node; or only read, if somebody else keeps it."""
    history_keep: str = HISTORY_KEEP
    """How long samples, points of minutes and points of hours are kept."""
    deny: frozenset[str] = field(default_factory=frozenset)
    """What they may not."""

    def __post_init__(self) -> None:
        check_name(self.name)
        check_interval(self.interval)
        for address in self.connect:
            check_peer(address)
        if self.advertise is not None:
            check_peer(self.advertise, "advertise")
        for strategy in self.discover:
            try:
                discovery.check(strategy)
            except BadDiscovery as error:
                raise ConfigError(f"discover: {error}") from None
        for setting, actions in (("allow", self.allow), ("deny", self.deny)):
            for action in actions:
                if action not in RIGHTS:
                    raise ConfigError(f"{setting} must be some of {', '.join(RIGHTS)}, not {action!r}")
        if not 0.1 <= self.slow_every <= SLOWEST:
            raise ConfigError(f"slow_every must be 0.1 to {SLOWEST:g} seconds, not {self.slow_every!r}")
        for setting, number, least in (
            ("slow_beyond", self.slow_beyond, 0),
            ("alone", self.alone, 0),
            ("batch", self.batch, 1),
        ):
            if number < least:
                raise ConfigError(f"{setting} must be {least} or more, not {number}")
        if self.max_nodes < 1:
            raise ConfigError(f"max_nodes must be 1 or more, not {self.max_nodes}")
        if self.history != HISTORY_OFF:
            from eye.history.database import check  # most nodes keep none

            check(self.history)
        if self.history_keep != HISTORY_KEEP:
            from eye.history.retention import keep

            keep(self.history_keep)
        check_tls(self.tls, self.tls_cert, self.tls_key, self.tls_ca)

    @property
    def pace(self) -> Rule:
        """How often others are asked."""
        return Rule(self.interval, self.slow_beyond, self.slow_every)

    @property
    def rights(self) -> frozenset[str]:
        """What others may do to this node."""
        return (ALLOWED | self.allow) - self.deny

    def make_tls(self, cookie: Cookie) -> Tls:
        """Make what the node speaks TLS with.

        Raises:
            TlsUnusable: one of the files cannot be used.
        """
        return make_tls(cookie, self.tls, self.tls_cert, self.tls_key, self.tls_ca)


def check_interval(seconds: float) -> float:
    """Refuse an interval that would be no interval, or a busy loop."""
    if not (isinstance(seconds, (int, float)) and math.isfinite(seconds) and 0.1 <= seconds <= 3600):
        raise ConfigError(f"interval must be 0.1 to 3600 seconds, not {seconds!r}")
    return seconds


def check_peer(text: str, setting: str = "connect") -> str:
    """Refuse an address to connect to that nobody can listen at."""
    try:
        address = Address.parse(text)
    except BadAddress as error:
        raise ConfigError(f"{setting}: {error}") from None
    if address.port == 0 and not address.is_unix:
        raise ConfigError(f"{setting}: {text!r} has port 0, where nobody listens")
    return str(address)


def check_tls(mode: str, cert: Path | None, key: Path | None, ca: Path | None) -> Files | None:
    """Refuse a way of TLS that there is not; give the files if there are any."""
    modes = [one.value for one in TlsMode]
    if mode not in modes:
        raise ConfigError(f"tls must be one of {', '.join(modes)}, not {mode!r}")
    if cert is None and key is None and ca is None:
        return None
    if cert is None or key is None or ca is None:
        raise ConfigError("tls_cert, tls_key and tls_ca go together: give all three, or none")
    from eye.cluster.certificates import Files

    return Files(cert, key, ca)


def make_tls(cookie: Cookie, mode: str, cert: Path | None, key: Path | None, ca: Path | None) -> Tls:
    """Make what connections beyond this machine are encrypted with.

    Raises:
        ConfigError: the settings do not go together. TlsUnusable: one of the files cannot be used.
    """
    files = check_tls(mode, cert, key, ca)
    if files is not None:
        return Tls.from_files(files, TlsMode(mode))
    return Tls.from_cookie(cookie, TlsMode(mode))


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


def data_folder(environ: Mapping[str, str]) -> Path | None:
    """Say where this user's programs keep what shall outlive them; None for a user without a home."""
    configured = environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(configured):  # the XDG specification says that a relative path is to be ignored
        return Path(configured, "sorcerers_eye")
    home = environ.get("HOME") or os.path.expanduser("~")
    return Path(home, ".local", "share", "sorcerers_eye") if os.path.isabs(home) else None


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
