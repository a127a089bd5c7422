"""From a host's name to places that can be dialled, without making anybody wait.

A name server that does not answer holds `getaddrinfo` for as long as it likes; so it is asked on a thread of
its own.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.node import Address

Places = list[tuple[Any, ...]]
"""What `getaddrinfo` gives."""


def look_up(address: Address, tell: Callable[[Places, OSError | None], None]) -> None:
    """Ask for a host name, and tell, on a thread of its own."""

    def ask() -> None:
        try:
            tell(resolve(address), None)
        except OSError as failed:
            tell([], failed)

    try:
        threading.Thread(target=ask, name="eye-name-lookup", daemon=True).start()
    except RuntimeError as refused:  # the program is ending, or has too many threads
        tell([], OSError(str(refused)))


def resolve(address: Address, flags: int = 0) -> Places:
    """Give the places of an address.

    Raises:
        OSError: there is no such name, or nobody to be asked for it.
    """
    try:
        return list(socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags))
    except UnicodeError as error:  # what Python's IDNA codec says of a label that is too long
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
