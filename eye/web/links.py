"""Signed links: an address that shows one node, or all, in one panel, and nothing else, until it expires. Pure.

    ?node=web-1&panel=tree&key=PAYLOAD.SIGNATURE

The payload says which node, which panel and until when, and the signature (HMAC-SHA-256) that we said so. Nothing
is kept: who changes the secret takes all links back at once. Whoever has the address has what it shows, so it
lasts a stated time, `LONGEST` at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import ConfigError, LinkRefused
from eye.web.seals import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Collection

SHORTEST, LONGEST = 60, 30 * 86_400
"""Seconds that a link may be good for."""

_PURPOSE = "link"
_LONGEST_NAME = 200

# What each panel asks for, by the endpoints of the blueprint. What is not named here, no link opens.
_ALWAYS = frozenset({"page", "ws", "stream", "me", "actions", "nodes", "filter"})
_PANELS = {
    "nodes": frozenset({"past", "sightings"}),
    "graphs": frozenset({"recent", "history"}),
    "tree": frozenset({"tree"}),
    "processes": frozenset({"processes"}),
    "events": frozenset({"events"}),
    "alerts": frozenset({"alerts"}),
}
_OF_ALL_NODES = frozenset({"sightings"})  # there is no such thing of one node alone
_BY_NAME = frozenset({"history"})  # means all nodes unless it names some

PANELS = tuple(_PANELS)
"""What a link may show."""


class Link(NamedTuple):
    """What a link shows: of this node (None: of all), this panel, until this moment (UTC seconds)."""

    node: str | None
    panel: str
    expires: int


def make(node: Any, panel: Any, seconds: Any, now: float) -> Link:
    """Check what somebody wants a link to show.

    Raises:
        ConfigError: there is no such panel, or the time is too short or too long.
    """
    if node is not None and not (isinstance(node, str) and 0 < len(node) <= _LONGEST_NAME):
        raise ConfigError(f"node must be the name of a node, or null for all, not {node!r:.60}")
    if panel not in PANELS:
        raise ConfigError(f"panel must be one of {', '.join(PANELS)}, not {panel!r:.60}")
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not SHORTEST <= seconds <= LONGEST:
        raise ConfigError(f"seconds must be a number from {SHORTEST} to {LONGEST} (30 days), not {seconds!r:.60}")
    return Link(node, panel, int(now + seconds))


def sign(link: Link, secret: bytes) -> str:
    """Write the key of a link."""
    return seal([1, *link], secret, _PURPOSE)


def read(key: str, secret: bytes, now: float) -> Link:
    """Read a key that somebody came with.

    Raises:
        LinkRefused: we have not signed it, or its time is over.
    """
    said = unseal(key, secret, _PURPOSE)
    if said is None:
        raise LinkRefused("it is mistyped, was made by another view, or its secret has changed since")
    link = Link(*said[1:])
    if now >= link.expires:
        raise LinkRefused("its time is over")
    return link


def opens(link: Link, endpoint: str, asked: Collection[str]) -> bool:
    """Tell whether a link is good for an endpoint, asked about these nodes by name."""
    if endpoint not in _ALWAYS and endpoint not in _PANELS[link.panel]:
        return False
    if link.node is None:
        return True
    if endpoint in _OF_ALL_NODES or (endpoint in _BY_NAME and not asked):
        return False
    return all(name == link.node for name in asked)


def narrow(document: Any, node: str) -> Any:
    """Leave out of every list of a document what is of other nodes."""
    if not isinstance(document, dict):
        return document
    return {key: _of_one(value, node) if isinstance(value, list) else value for key, value in document.items()}


def _of_one(entries: list[Any], node: str) -> list[Any]:
    return [entry for entry in entries if not isinstance(entry, dict) or entry.get("node", node) == node]
