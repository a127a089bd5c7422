"""A node in somebody else's program, with one line.

    import eye
    node = eye.start_node("orders-worker")

One node a program: a second call answers the node that runs. It stops with the program, or before, by
`eye.stop_node()`. Settings come from the arguments, else from the same variables (`EYE_…`) that the
command line reads.

A program that forks (gunicorn's workers, `multiprocessing` with fork) has the node in the process that started it,
and in no other: a forked one begins without, and may start one of its own, under another name.
"""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from eye.cluster.node import Address
from eye.errors import BadAddress, ConfigError
from eye.monitor.config import (
    BATCH,
    DISCOVERY,
    HISTORY_KEEP,
    HISTORY_OFF,
    MOST_NODES,
    NodeConfig,
    default_node_name,
)
from eye.monitor.node import Node
from eye.monitor.pace import FEW, SLOW_EVERY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eye.alerts.rules import RuleSet

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
    seed: bool | None = None,
    max_nodes: int | None = None,
    history: str | None = None,
    alerts: str | Path | None = None,
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
        tls: `auto` (beyond this machine, which is the default), `always` or `off`. Certificates of a real
            authority are named by `EYE_TLS_CERT`, `EYE_TLS_KEY` and `EYE_TLS_CA`.
        seed: whether it keeps the registry of a large cluster.
        max_nodes: how many nodes it takes in, 500 unless given.
        history: where what the node's view sees is kept, once that is used: a file, `sqlite:///FILE`,
            `postgresql://…`, or `off`, which is the default.
        alerts: which alert rules this node asks about all nodes: a rule file, `default`, or `off`, which is the
            default.

    Raises:
        NameTaken, AddressInUse, CookieUnusable, ConfigError, BadRules: in one sentence, what to do.
    """
    global _running
    with _lock:
        if _running is not None and _running.is_alive:
            if name is not None and name != _running.name:
                raise ConfigError(
                    f"this program already runs the node {_running.name!r}; call eye.stop_node() before {name!r}"
                )
            return _running
        rules = _rules(alerts or os.environ.get("EYE_ALERTS") or "off")
        _running = Node.start(
            _config(
                name,
                listen,
                connect,
                cookie_file,
                interval,
                allow,
                deny,
                discover,
                advertise,
                tls,
                seed,
                max_nodes,
                history,
            )
        )
        atexit.register(stop_node)
        if rules is not None:
            _running.evaluate(rules)
        return _running


def stop_node(timeout: float = 5.0) -> None:
    """Stop this program's node, if it runs one."""
    global _running
    with _lock:
        node, _running = _running, None
        atexit.unregister(stop_node)
        if node is not None:
            node.stop(timeout)


def _begin_without_in_the_child() -> None:
    """None of the node's threads is here, and somebody may have held the lock."""
    global _lock, _running
    _lock, _running = threading.Lock(), None
    atexit.unregister(stop_node)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_without_in_the_child)


def _rules(chosen: str | Path) -> RuleSet | None:
    if chosen == "off":
        return None
    from eye.alerts import rule_file

    return rule_file.default_rules() if chosen == "default" else rule_file.load(Path(chosen))


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
    seed: bool | None,
    max_nodes: int | None,
    history: str | None,
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
        allow=frozenset(allow) or frozenset(environ.get("EYE_ALLOW", "").split()),
        deny=frozenset(deny) or frozenset(environ.get("EYE_DENY", "").split()),
        discover=_discover(discover, environ),
        is_seed=_truth(environ, "EYE_SEED") if seed is None else seed,
        max_nodes=_number(environ, "EYE_MAX_NODES", MOST_NODES) if max_nodes is None else max_nodes,
        slow_beyond=_number(environ, "EYE_SLOW_BEYOND", FEW),
        slow_every=_seconds(environ, "EYE_SLOW_EVERY", SLOW_EVERY),
        batch=_number(environ, "EYE_BATCH", BATCH),
        advertise=advertise or environ.get("EYE_ADVERTISE") or None,
        tls=tls or environ.get("EYE_TLS") or "auto",
        history=history or environ.get("EYE_HISTORY") or HISTORY_OFF,
        history_keep=environ.get("EYE_HISTORY_KEEP") or HISTORY_KEEP,
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


def _number(environ: Mapping[str, str], variable: str, usual: int) -> int:
    text = environ.get(variable, "").strip()
    if text and not (text.isascii() and text.isdigit()):
        raise ConfigError(f"{variable} must be a whole number, not {text!r}")
    return int(text) if text else usual


def _seconds(environ: Mapping[str, str], variable: str, usual: float) -> float:
    text = environ.get(variable, "").strip()
    try:
        return float(text) if text else usual
    except ValueError:
        raise ConfigError(f"{variable} must be a number of seconds, not {text!r}") from None


def _truth(environ: Mapping[str, str], variable: str) -> bool:
    text = environ.get(variable, "").strip().lower()
    if text not in _WORDS:
        raise ConfigError(f"{variable} must be one of yes, no, true, false, on, off, 1, 0, not {text!r}")
    return _WORDS[text]


_WORDS = {"": False, **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True)}
_WORDS |= dict.fromkeys(("0", "false", "f", "no", "n", "off"), False)
