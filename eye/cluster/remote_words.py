"""What nodes say to each other on behalf of their processes: the words, typed.

A node that calls, watches or links processes of another opens a *session* there. Orders go one way, in order and
without waiting for what comes of them; notices (answers, ends) come back by a question that waits for them, each
with a number, and are kept until the next question says that they have arrived. When that question fails, the
connection is lost, and so is everything that depended on it: that is what `noconnection` means.
"""

from __future__ import annotations

import msgspec

from eye.cluster.interconnect import Method
from eye.cluster.parcels import Parcel, ToldReason

SERVICE = "remote"

LONGEST_SILENCE = 15.0
"""Seconds after which a session that nobody asks for its notices is over, and a question without answer too.

More than a silent node has until its membership is down: that decides, and this is for when it cannot."""


class Target(msgspec.Struct, frozen=True):
    """A process of another node: by name, or the one of that number in that life of the node."""

    name: str
    boot: str = ""
    serial: int = 0


class Order(msgspec.Struct, frozen=True):
    """Something to be done: `call`, `cast`, `send`, `monitor`, `demonitor`, `link`, `unlink`, `ended` or `exit`.

    `ticket` is what notices refer to it by.
    """

    what: str
    ticket: int = 0
    target: Target | None = None
    parcel: Parcel | None = None
    reason: ToldReason | None = None


class Notice(msgspec.Struct, frozen=True):
    """Something that came of the order of that ticket: `reply`, `failed`, `down` or `exit`."""

    number: int
    what: str
    ticket: int
    parcel: Parcel | None = None
    reason: ToldReason | None = None


OPEN = Method(SERVICE, "open", (str, str, str), None, lane="remote")
"""Open the session of that id, for the node of that name and boot id."""

ORDER = Method(SERVICE, "order", (str, Order), None, lane="remote")
"""Do that, in that session."""

TELL = Method(SERVICE, "tell", (Order,), None, lane="remote")
"""Do that, of which nothing comes back: `cast`, `send` or `exit`."""

PUBLISH = Method(SERVICE, "publish", (str, Parcel), None, lane="remote")
"""Broadcast that on that topic."""

FIND = Method(SERVICE, "find", (str,), Target | None, lane="remote")
"""Who has that name now?"""

NOTICES = Method(SERVICE, "notices", (str, int, float), list[Notice], lane="remote-notices")
"""The notices of that session after the one of that number; waits so many seconds for the first."""
