"""A node in somebody else's program, with one line.

    import eye
    node = eye.start_node("orders-worker")

One node a program: a second call answers the node that runs. It stops with the program, or before, by
`eye.stop_node()`. Settings come from the arguments, else from the same variables (`EYE_…`) that the
command line reads.
"""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from eye.cluster.node import Address
from eye.errors import BadAddress, ConfigError
from eye.monitor.config import DISCOVERY, NodeConfig, default_node_name
from eye.monitor.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_lock = threading.Lock()
_running: Node | None = None


def start_node(
    name: str | None = None,
    *,
    listen: str | None = None,
    connect: Iterable[str] | None = None,
    cookie_file: str | Path | None = None,
    interval: float = 1.0,
    allow: Iterable[str] = (),
    deny: Iterable[str] = (),
    discover: Iterable[str] | None = None,
    advertise: str | None = None,
    tls: str | None = None,
) -> Node:
    """Make this program observable.

    Args:
        name: what the node is called; the machine's name and this process's number unless given.
        listen: `HOST:PORT`; this machine alone and a free port unless given.
        connect: addresses of nodes elsewhere. Those of this user on this machine are found without.
        cookie_file: the secret that the nodes of one cluster share; this user's unless given.
        interval: seconds between two samples.
        allow: what others may do to this node besides reading it and having it collect garbage: `kill`, `call`.
        deny: what they may not: `read`, `gc`.
        discover: how other nodes are found: `local`, `static`, `multicast`, `dns:NAME:PORT`; the first two
            unless given.
        advertise: where others reach it, if that is not where it listens.
        tls: `auto` (beyond this machine, which is the default), `always` or `off`.

    Raises:
        NameTaken, AddressInUse, CookieUnusable, ConfigError: in one sentence, what to do.
    """
    global _running
    with _lock:
        if _running is not None and _running.is_alive:
            if name is not None and name != _running.name:
                raise ConfigError(
                    f"this program already runs the node {_running.name!r}; call eye.stop_node() before {name!r}"
                )
            return _running
        _running = Node.start(
            _config(name, listen, connect, cookie_file, interval, allow, deny, discover, advertise, tls)
        )
        atexit.register(stop_node)
        return _running


def stop_node(timeout: float = 5.0) -> None:
    """Stop this program's node, if it runs one."""
    global _running
    with _lock:
        node, _running = _running, None
        atexit.unregister(stop_node)
        if node is not None:
            node.stop(timeout)


def _config(
    name: str | None,
    listen: str | None,
    connect: Iterable[str] | None,
    cookie_file: str | Path | None,
    interval: float,
    allow: Iterable[str],
    deny: Iterable[str],
    discover: Iterable[str] | None,
    advertise: str | None,
    tls: str | None,
) -> NodeConfig:
    environ = os.environ
    cookie = cookie_file or environ.get("EYE_COOKIE_FILE")
    peers = tuple(connect) if connect is not None else tuple(environ.get("EYE_CONNECT", "").split())
    try:
        address = Address.parse(listen or environ.get("EYE_LISTEN") or "127.0.0.1:0")
    except BadAddress as error:
        raise ConfigError(f"listen: {error}") from None
    return NodeConfig(
        name=name or environ.get("EYE_NAME") or default_node_name(environ),
        listen=address,
        connect=peers,
        cookie_file=Path(cookie) if cookie else None,
        interval=interval,
        allow=frozenset(allow),
        deny=frozenset(deny),
        discover=_discover(discover, environ),
        advertise=advertise or environ.get("EYE_ADVERTISE") or None,
        tls=tls or environ.get("EYE_TLS") or "auto",
        tls_cert=_path(environ, "EYE_TLS_CERT"),
        tls_key=_path(environ, "EYE_TLS_KEY"),
        tls_ca=_path(environ, "EYE_TLS_CA"),
    )


def _discover(given: Iterable[str] | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    if given is not None:
        return tuple(given)
    return tuple(environ.get("EYE_DISCOVER", "").split()) or DISCOVERY


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    return Path(environ[variable]) if environ.get(variable) else None
