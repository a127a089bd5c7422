"""The addresses of this machine, interface by interface."""

from __future__ import annotations

import socket
import struct


def list_interfaces() -> list[tuple[str, int]]:
    """List the addresses of this machine with the numbers of their interfaces: IPv4 ones, and `::` for IPv6.

    Loopback is among them: nodes of several users of one machine may meet there.
    """
    found: list[tuple[str, int]] = []
    for index, name in socket.if_nameindex():
        found.append(("::", index))
        if (address := _address_of(name)) is not None:
            found.append((address, index))
    return found


def _address_of(interface: str) -> str | None:
    """Ask Linux for the IPv4 address of an interface (netdevice(7)); elsewhere, and without one, None."""
    try:
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            wish = struct.pack("256s", interface.encode()[:15])
            return socket.inet_ntoa(fcntl.ioctl(sock.fileno(), 0x8915, wish)[20:24])  # SIOCGIFADDR
    except (ImportError, OSError):
        return None
