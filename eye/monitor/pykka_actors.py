"""Actors of the host program that Pykka knows and supervision does not: listed, and left alone.

Nothing is asked of them: their class, and how many messages wait, can be seen from outside. What cannot be seen
(how many they have handled, since when they live) is None or nothing. Pykka is not imported here: a program
that has not imported it has no actors.
"""

from __future__ import annotations

import sys
from typing import Any

MOST = 500
"""Actors listed; a program may have very many."""

_OWN = "eye.supervision"


def pykka_actors() -> list[dict[str, Any]]:
    """List them in the form of `introspection.tree`, by class and then by urn, the first `MOST`."""
    pykka = sys.modules.get("pykka")
    registry = getattr(pykka, "ActorRegistry", None)
    if registry is None:
        return []
    actors = [ref for ref in registry.get_all() if not ref.actor_class.__module__.startswith(_OWN)]
    actors.sort(key=lambda ref: (ref.actor_class.__qualname__, ref.actor_urn))
    return [_shown(ref) for ref in actors[:MOST]]


def _shown(ref: Any) -> dict[str, Any]:
    kind = ref.actor_class
    id_ = f"{kind.__qualname__}-{ref.actor_urn.rpartition('-')[2]}"
    return {
        "id": id_,
        "name": None,
        "path": f"pykka/{id_}",
        "kind": "worker",
        "module": f"{kind.__module__}.{kind.__qualname__}",
        "status": "running" if ref.is_alive() else "stopped",
        "serial": None,
        "os_process": None,
        "incarnation": 1,
        "restarts": 0,
        "restart": None,
        "last_exit": None,
        "last_exit_at": None,
        "mailbox": _waiting(ref.actor_inbox),
        "mailbox_age": None,
        "handled": None,
        "started_at": None,
        "strategy": None,
        "budget": None,
        "since": None,
        "cause": None,
        "history": [],
        "not_restarted": None,
        "next_try_at": None,
        "lost": None,
        "departed": [],
        "children": [],
    }


def _waiting(inbox: Any) -> int:
    try:
        return int(inbox.qsize())
    except (AttributeError, NotImplementedError):
        return 0  # an actor of a kind of its own, whose inbox does not tell
