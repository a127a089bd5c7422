"""The supervision tree as text, a line for each process, from the plain data of `introspection`.

● top  [rest_for_one, 2 of 3 restarts in 5 s]
├─ ● sender#2  [1 restart · restarted because it crashed: ValueError, 0.8 s ago, 1 of 3 in 5 s]
├─ ● reader#2  [1 restart · restarted because sender crashed: ValueError, 0.8 s ago, 1 of 3 in 5 s]
├─ ● auditor  [transient]
├─ ◐ importer  [restarting · last exit 0.1 s ago: TimeoutError · next try in 0.7 s]
└─ ✖ mailing-7  [gone 4 s ago: FileNotFoundError · it is temporary]

The restart type of what runs is told where it is not the usual one. Children that are listed no more come last.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

_MARKS = {"running": "●", "suspended": "◌", "starting": "○", "restarting": "◐", "stopped": "○", "abandoned": "✖"}


def as_text(tree: Tree, *, now: float | None = None) -> str:
    """Draw a tree for a terminal.

    Args:
        tree: what `tree` answers, here or over the wire (where an older node may tell less).
        now: UTC seconds, to say how long ago a child exited; None leaves that out.
    """
    return "\n".join(_lines(tree, "", "", now))


def _lines(tree: Tree, first: str, rest: str, now: float | None) -> list[str]:
    lines = [first + _line(tree, now)]
    children, departed = tree["children"], tree.get("departed", ())
    for index, child in enumerate(children):
        is_last = index == len(children) - 1 and not departed
        lines += _lines(child, rest + ("└─ " if is_last else "├─ "), rest + ("   " if is_last else "│  "), now)
    for index, gone in enumerate(departed):
        lines.append(rest + ("└─ " if index == len(departed) - 1 else "├─ ") + _departed(gone, now))
    return lines


def _departed(gone: Tree, now: float | None) -> str:
    ago = _ago(gone["at"], now, " ")
    return f"✖ {gone['id']}  [gone{ago}: {_first_line(gone['reason'])} · {_first_line(gone['rule'])}]"


def _line(tree: Tree, now: float | None) -> str:
    incarnation = f"#{tree['incarnation']}" if tree["incarnation"] > 1 else ""
    head = f"{_MARKS.get(tree['status'], '?')} {tree['id']}{incarnation}"
    parts = [] if tree["status"] == "running" else [tree["status"]]
    if tree["status"] == "running" and tree.get("restart") in ("transient", "temporary"):
        parts.append(tree["restart"])
    parts += _supervision(tree) + _past(tree, now) + _future(tree, now)
    if tree.get("os_process") is not None:
        parts.append(f"OS process {tree['os_process']}")
    if tree["mailbox"]:
        parts.append(f"{tree['mailbox']} waiting{_for(tree.get('mailbox_age'))}")
    return f"{head}  [{' · '.join(parts)}]" if parts else head


def _supervision(tree: Tree) -> list[str]:
    if tree["strategy"] is None:
        return []
    budget = tree["budget"]
    spent = f"{budget['used']} of {budget['max_restarts']} restarts in {budget['max_seconds']:g} s"
    return [f"{tree['strategy']}, {spent}"]


def _past(tree: Tree, now: float | None) -> list[str]:
    parts: list[str] = []
    if tree["restarts"]:
        parts.append("1 restart" if tree["restarts"] == 1 else f"{tree['restarts']} restarts")
    if tree["status"] == "running" and tree.get("cause"):
        parts.append(f"restarted because {says_incident(tree['cause'], tree['id'], now)}")
    elif tree["last_exit"] is not None:
        parts.append(f"last exit{_ago(tree['last_exit_at'], now, ' ')}: {_first_line(tree['last_exit'])}")
    if lost := tree.get("lost"):
        more = ", …" if lost["count"] > len(lost["ids"]) else ""
        parts.append(f"{lost['count']} added children lost at its last exit: {', '.join(lost['ids'])}{more}")
    return parts


def _future(tree: Tree, now: float | None) -> list[str]:
    if tree.get("next_try_at") is not None:
        when = "" if now is None else f" in {_seconds(tree['next_try_at'] - now)}"
        return [f"next try{when}" if when else "waits for its next try"]
    if left_down := tree.get("not_restarted"):
        return [_first_line(left_down["rule"])]
    return []


def says_incident(cause: Tree, own_id: str, now: float | None) -> str:
    """Say what a restart was for: `sender crashed: ValueError, 0.8 s ago, 2 of 3 in 5 s`."""
    who = "it" if cause["child"] == own_id else cause["child"]
    reason = _first_line(cause["reason"])
    if cause["failed_start"]:
        what = f"did not start: {reason}"
    elif reason == "killed":
        what = "was killed"
    else:
        what = f"{'exited' if cause['word'] in ('normal', 'shutdown') else 'crashed'}: {reason}"
    ago = _ago(cause["at"], now, ", ")
    return f"{who} {what}{ago}, {cause['used']} of {cause['max_restarts']} in {cause['max_seconds']:g} s"


def _ago(at: float, now: float | None, before: str) -> str:
    return "" if now is None else f"{before}{_seconds(now - at)} ago"


def _seconds(span: float) -> str:
    span = max(span, 0.0)
    return f"{span:.1f} s" if span < 10 else f"{span:.0f} s"


def _for(age: float | None) -> str:
    return "" if age is None or age < 1 else f" for {_seconds(age)}"


def _first_line(text: str) -> str:
    return str(text).partition("\n")[0]
