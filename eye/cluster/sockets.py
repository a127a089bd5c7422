"""What every socket of ours is told: send at once, notice a dead peer.

A request that waits for Nagle's algorithm costs 44 ms a connection. Keep-alives find a peer that has
gone without a word while nothing is said; they do not help while sent bytes stay unacknowledged,
which is what TCP_USER_TIMEOUT is for (tcp(7)).

A process that is forked (not started anew) gets a copy of every descriptor, and no thread that reads them. As
long as it kept them, nobody would notice that the node is gone; so it lets go of those that are ours.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import weakref

_IDLE, _EVERY, _TRIES = 10, 5, 3  # seconds, seconds, times
_UNACKNOWLEDGED = 15_000  # milliseconds

# Not all systems have all of them.
_OPTIONS = (
    ("TCP_NODELAY", 1),
    ("TCP_KEEPIDLE", _IDLE),
    ("TCP_KEEPINTVL", _EVERY),
    ("TCP_KEEPCNT", _TRIES),
    ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED),
)


_ours: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def keep(sock: socket.socket) -> socket.socket:
    """Take a socket for ours, which a forked process lets go of."""
    _ours.add(sock)
    return sock


def _let_go_in_the_child() -> None:
    for sock in list(_ours):
        sock.close()  # of this process alone: nothing is said on it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_the_child)


def tune(sock: socket.socket) -> None:
    """Take a socket for ours, and set our options on it if it is one of TCP. A UNIX socket needs none."""
    keep(sock)
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def say(error: OSError) -> str:
    """Say in lower case what the operating system said."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files"
    return (error.strerror or (os.strerror(error.errno) if error.errno else str(error))).lower()


def is_talking_to_itself(sock: socket.socket) -> bool:
    """Whether both ends are the same socket.

    Dialling a port of this machine on which nobody listens may, by chance, be given that very port to
    dial from, and TCP then connects it to itself (simultaneous open). It would look like a peer, and
    would hold the port when the node that had it wants it back.
    """
    return bool(sock.getsockname() == sock.getpeername() != "")


def who_is(sock: socket.socket) -> str:
    """Say who is at the other end: `10.0.0.5:41234`, or a process of this machine."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        host, port = sock.getpeername()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if hasattr(socket, "SO_PEERCRED"):
        pid, _, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return f"this machine (pid {pid})"
    return "this machine"
