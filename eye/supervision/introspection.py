"""The supervision tree as plain data (and, by `as_text`, as text).

Read from what processes publish, never by asking them: a supervisor that is busy with a slow child, a
server with a long queue and a process that hangs are shown like any other, at no cost to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.supervision.children import Published
from eye.supervision.tree_text import as_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from eye.supervision.children import ChildInfo
    from eye.supervision.ref import Ref
    from eye.supervision.system import System

Tree = dict[str, Any]


def trees(system: System) -> list[Tree]:
    """Draw every tree of a system: one for each process that no other process started."""
    below = _below(system)
    return [_of_process(below, ref, None) for ref in system.processes() if ref.parent is None]


def tree(system: System, ref: Ref) -> Tree:
    """Draw the tree below one process, itself included.

    Returns:
        A dict of plain values: `id`, `name`, `path`, `kind` (supervisor or worker), `module`, `status`
        (starting, running, suspended, restarting, stopped, abandoned), `serial`, `os_process` (the number of
        an isolated child's own OS process, or None), `incarnation`, `restarts`,
        `restart` (its restart type), `last_exit` and `last_exit_at` (UTC seconds), `mailbox` (messages
        waiting), `mailbox_age` (seconds that the oldest has waited, at least; None if none does),
        `handled` (messages handled), `started_at`, `strategy` and `budget` (of a supervisor), `children`.

        Of a supervised child also: `since` (when its supervisor took it on; `restarts` counts from then),
        `cause` (the incident that it was last started again for: whose exit, why, when, and how much of
        the budget was used), `history` (its last ten restarts), `not_restarted` (why it is down: the
        reason, and the rule that decided), `next_try_at` (UTC seconds, while it waits for a delayed
        restart), `lost` (of a supervisor: children added at run time that went with its last exit); and of a
        supervisor `departed`: the last children that ended otherwise than `normal` and are listed no more.
    """
    return _of_process(_below(system), ref, None)


class _Below(NamedTuple):
    """Who was started by whom, looked up once for a whole tree."""

    now: float
    live: dict[Ref, list[Ref]]
    abandoned: dict[Ref, list[Ref]]


def _below(system: System) -> _Below:
    live: dict[Ref, list[Ref]] = {}
    abandoned: dict[Ref, list[Ref]] = {}
    for found, refs in ((live, system.processes()), (abandoned, system.abandoned())):
        for ref in refs:
            if ref.parent is not None:
                found.setdefault(ref.parent, []).append(ref)
    return _Below(system.clock.monotonic(), live, abandoned)


def _of_process(below: _Below, ref: Ref, info: ChildInfo | None) -> Tree:
    published = ref.published if isinstance(ref.published, Published) else None
    children: list[Tree] = []
    shown: set[Ref] = set()
    listed = published.children if published is not None else ()
    taken = {child.ref for child in listed}
    for child in listed:
        live = _process_of(below, ref, child, taken)
        if live is not None:
            shown.add(live)
            taken.add(live)
        children.append(_of_child(below, ref, child, live))
    # Whoever was started by this process outside its list of children stands below it too.
    children += [_of_process(below, other, None) for other in below.live.get(ref, ()) if other not in shown]
    children += [_of_abandoned(other) for other in below.abandoned.get(ref, ())]
    return {
        "id": str(ref.id),
        "name": None if ref.name is None else str(ref.name),
        "path": ref.path,
        "kind": "supervisor" if published is not None else "worker",
        "module": _module(ref.behaviour),
        "status": ref.status if ref.is_alive else "stopped",
        "serial": ref.serial,
        "os_process": getattr(ref._os_process, "pid", None),
        "incarnation": ref.incarnation,
        **_history(info),
        "mailbox": ref.mailbox_length,
        "mailbox_age": ref.oldest_message_age,
        "handled": ref.handled,
        "started_at": ref.started_at,
        "strategy": published.strategy.value if published is not None else None,
        "budget": None if published is None else _budget(below.now, published),
        "departed": [] if published is None else [one.as_data() for one in published.departed],
        "children": children,
    }


def _process_of(below: _Below, supervisor: Ref, info: ChildInfo, taken: Collection[Ref | None]) -> Ref | None:
    """Find a child's process: the one it runs in, or the one whose `init` its supervisor waits for.

    When that is over, it runs some microseconds before its supervisor has noted it. `taken` are those of others.
    """
    if info.ref is not None and info.ref.is_alive:
        return info.ref
    others = (ref for ref in below.live.get(supervisor, ()) if ref.id == info.spec.id and ref not in taken)
    return next((ref for ref in others if ref.status in ("starting", "running")), None)


def _of_child(below: _Below, supervisor: Ref, info: ChildInfo, live: Ref | None) -> Tree:
    if live is not None:
        tree = _of_process(below, live, info)
        if live is not info.ref:
            tree["status"] = "starting"  # it may run by now, but what is known of it is of the one before
        return tree
    return {
        "id": str(info.spec.id),
        "name": None if info.spec.name is None else str(info.spec.name),
        "path": f"{supervisor.path}/{info.spec.id}",
        "kind": "supervisor" if info.spec.is_supervisor else "worker",
        "module": _module(info.spec.start),
        "status": "restarting" if info.status != "stopped" else "stopped",
        "serial": 0,
        "os_process": None,
        "incarnation": info.incarnation,
        **_history(info),
        "mailbox": 0,
        "mailbox_age": None,
        "handled": 0,
        "started_at": None,
        "strategy": None,
        "budget": None,
        "departed": [],
        "children": [],
    }


def _of_abandoned(ref: Ref) -> Tree:
    return {
        "id": str(ref.id),
        "name": None,
        "path": ref.path,
        "kind": "worker",
        "module": _module(ref.behaviour),
        "status": "abandoned",
        "serial": ref.serial,
        "os_process": None,
        "incarnation": ref.incarnation,
        **_history(None),
        "last_exit": str(ref.exit_reason),
        "last_exit_at": ref.exited_at,
        "mailbox": 0,
        "mailbox_age": None,
        "handled": ref.handled,
        "started_at": ref.started_at,
        "strategy": None,
        "budget": None,
        "departed": [],
        "children": [],
    }


def _history(info: ChildInfo | None) -> Tree:
    if info is None:
        return dict(_NO_HISTORY)
    return {
        "restarts": info.restarts,
        "restart": info.spec.restart.value,
        "last_exit": None if info.last_exit is None else str(info.last_exit),
        "last_exit_at": info.last_exit_at,
        "since": info.since,
        "cause": None if info.cause is None else info.cause.as_data(),
        "history": [one.as_data() for one in info.history],
        "not_restarted": None if info.left_down is None else info.left_down.as_data(),
        "next_try_at": info.next_try_at,
        "lost": None if info.lost is None else info.lost.as_data(),
    }


_NO_HISTORY: Tree = {
    "restarts": 0,
    "restart": None,
    "last_exit": None,
    "last_exit_at": None,
    "since": None,
    "cause": None,
    "history": [],
    "not_restarted": None,
    "next_try_at": None,
    "lost": None,
}


def _module(start: Any) -> str:
    name = getattr(start, "__qualname__", type(start).__qualname__)
    return f"{getattr(start, '__module__', '?')}.{name}"


def _budget(now: float, published: Published) -> Tree:
    window = published.window
    return {
        "max_restarts": window.max_restarts,
        "max_seconds": window.max_seconds,
        "used": window.used(now),
    }


__all__ = ["Tree", "as_text", "tree", "trees"]
