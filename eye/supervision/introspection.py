"""The supervision tree as plain data, and as text.

Read from what processes publish, never by asking them: a supervisor that is busy with a slow child, a
server with a long queue and a process that hangs are shown like any other, at no cost to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.supervision.children import Published

if TYPE_CHECKING:
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
        (starting, running, restarting, stopped, abandoned), `serial`, `incarnation`, `restarts`,
        `restart` (its restart type), `last_exit` and `last_exit_at` (UTC seconds), `mailbox` (messages
        waiting), `handled` (messages handled), `started_at`, `strategy` and `budget` (of a
        supervisor), `children`.
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
    for child in published.children if published is not None else ():
        live = _process_of(below, ref, child)
        if live is not None:
            shown.add(live)
        children.append(_of_child(below, ref, child, live))
    # Whoever was started by this process outside its list of children stands below it too.
    children += [_of_process(below, other, None) for other in below.live.get(ref, ()) if other not in shown]
    children += [_of_abandoned(other) for other in below.abandoned.get(ref, ())]
    return {
        "id": str(ref.id),
        "name": ref.name,
        "path": ref.path,
        "kind": "supervisor" if published is not None else "worker",
        "module": _module(ref.behaviour),
        "status": ref.status if ref.is_alive else "stopped",
        "serial": ref.serial,
        "incarnation": ref.incarnation,
        **_history(info),
        "mailbox": ref.mailbox_length,
        "handled": ref.handled,
        "started_at": ref.started_at,
        "strategy": published.strategy.value if published is not None else None,
        "budget": None if published is None else _budget(below.now, published),
        "children": children,
    }


def _process_of(below: _Below, supervisor: Ref, info: ChildInfo) -> Ref | None:
    """Find a child's process: the one it runs in, or the one whose `init` its supervisor waits for."""
    if info.ref is not None and info.ref.is_alive:
        return info.ref
    starting = (ref for ref in below.live.get(supervisor, ()) if ref.status == "starting")
    return next((ref for ref in starting if ref.id == info.spec.id), None)


def _of_child(below: _Below, supervisor: Ref, info: ChildInfo, live: Ref | None) -> Tree:
    if live is not None:
        return _of_process(below, live, info)
    return {
        "id": str(info.spec.id),
        "name": info.spec.name,
        "path": f"{supervisor.path}/{info.spec.id}",
        "kind": "supervisor" if info.spec.is_supervisor else "worker",
        "module": _module(info.spec.start),
        "status": "restarting" if info.status != "stopped" else "stopped",
        "serial": 0,
        "incarnation": info.incarnation,
        **_history(info),
        "mailbox": 0,
        "handled": 0,
        "started_at": None,
        "strategy": None,
        "budget": None,
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
        "incarnation": ref.incarnation,
        **_history(None),
        "last_exit": str(ref.exit_reason),
        "last_exit_at": ref.exited_at,
        "mailbox": 0,
        "handled": ref.handled,
        "started_at": ref.started_at,
        "strategy": None,
        "budget": None,
        "children": [],
    }


def _history(info: ChildInfo | None) -> Tree:
    if info is None:
        return {"restarts": 0, "restart": None, "last_exit": None, "last_exit_at": None}
    return {
        "restarts": info.restarts,
        "restart": info.spec.restart.value,
        "last_exit": None if info.last_exit is None else str(info.last_exit),
        "last_exit_at": info.last_exit_at,
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


_MARKS = {"running": "●", "starting": "○", "restarting": "◐", "stopped": "○", "abandoned": "✖"}


def as_text(tree: Tree, *, now: float | None = None) -> str:
    """Draw a tree for a terminal, a line for each process.

    Args:
        tree: what `tree` answers, here or over the wire.
        now: UTC seconds, to say how long ago a child exited; None leaves that out.
    """
    return "\n".join(_lines(tree, "", "", now))


def _lines(tree: Tree, first: str, rest: str, now: float | None) -> list[str]:
    lines = [first + _line(tree, now)]
    children = tree["children"]
    for index, child in enumerate(children):
        is_last = index == len(children) - 1
        lines += _lines(child, rest + ("└─ " if is_last else "├─ "), rest + ("   " if is_last else "│  "), now)
    return lines


def _line(tree: Tree, now: float | None) -> str:
    incarnation = f"#{tree['incarnation']}" if tree["incarnation"] > 1 else ""
    parts = [f"{_MARKS.get(tree['status'], '?')} {tree['id']}{incarnation}"]
    if tree["strategy"] is not None:
        budget = tree["budget"]
        spent = f"{budget['used']} of {budget['max_restarts']} restarts in {budget['max_seconds']:g} s"
        parts.append(f"{tree['strategy']}, {spent}")
    if tree["status"] != "running":
        parts.append(tree["status"])
    if tree["restarts"]:
        parts.append("1 restart" if tree["restarts"] == 1 else f"{tree['restarts']} restarts")
    if tree["last_exit"] is not None:
        ago = "" if now is None else f" {max(now - tree['last_exit_at'], 0):.0f} s ago"
        parts.append(f"last exit{ago}: {tree['last_exit'].partition(chr(10))[0]}")
    if tree["mailbox"]:
        parts.append(f"{tree['mailbox']} waiting")
    return "  ".join((parts[0], f"[{' · '.join(parts[1:])}]")) if len(parts) > 1 else parts[0]
