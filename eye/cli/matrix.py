"""Who sees whom, as text: a row for each node that tells, a column for each that it tells of.

                     1 2 3
    1 mystic-node-1  · ● ●
    2 mystic-node-2  ● · ✖
    3 mystic-node-3  did not answer within 2 s

Each mark is another shape, so no colour is needed. Where there are more nodes than columns, only those are shown
of which somebody thinks otherwise than the others do.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from eye.monitor.clean import clean

MARKS = {"up": "●", "suspect": "◆", "down": "✖", "connecting": "○"}
ITSELF, UNKNOWN = "·", "?"

LEGEND = "● up  ◆ suspect  ✖ down  ○ not met yet  ? not known there  · itself"


def matrix(told: dict[str, Any], columns: int) -> str:
    """Write what `sightings` answers.

    Args:
        columns: of text that there is room for.
    """
    rows, names = told["rows"], told["nodes"]
    number = {name: str(place) for place, name in enumerate(names, 1)}
    called = {row["node"]: f"{number.get(row['node'], '')} {clean(row['node'])} " for row in rows}
    wide = len(str(len(names))) + 1
    said = [row for row in rows if row["error"] is None]
    disputed = [name for name in names if _is_disputed(name, said)]
    shown, is_whole = names, True
    room = columns - max(map(len, called.values()), default=0)
    if wide * len(names) > room:
        shown, is_whole = disputed[: max(room // wide, 1)], False
        rows = [row for row in rows if row["error"] or any(_differs(name, row, said) for name in shown)]
    left = max((len(called[row["node"]]) for row in rows), default=0)
    lines = [_summary(told, said, disputed)]
    if shown and rows:
        lines.append(" " * left + "".join(number[name].rjust(wide) for name in shown))
    for row in rows:
        marks = "".join(_mark(name, row).rjust(wide) for name in shown)
        lines.append(called[row["node"]].ljust(left) + (f" {clean(row['error'])}" if row["error"] else marks))
    if not is_whole:
        lines += [f"{number[name]} is {clean(name)}" for name in shown]
        if len(disputed) > len(shown):
            lines.append(f"and {len(disputed) - len(shown)} more that they do not agree on")
    if told.get("left_out"):
        lines.append(f"{told['left_out']} nodes were not asked: there are too many")
    return "\n".join([*lines, LEGEND]) + "\n"


def _mark(name: str, row: dict[str, Any]) -> str:
    if name == row["node"]:
        return ITSELF
    sight = row["sees"].get(name)
    return UNKNOWN if sight is None else MARKS.get(sight["status"], UNKNOWN)


def _opinions(name: str, said: list[dict[str, Any]]) -> Counter[str]:
    return Counter(_mark(name, row) for row in said if row["node"] != name)


def _is_disputed(name: str, said: list[dict[str, Any]]) -> bool:
    return len(_opinions(name, said)) > 1


def _differs(name: str, row: dict[str, Any], said: list[dict[str, Any]]) -> bool:
    (usual, _), *_others = _opinions(name, said).most_common(1)
    return row["node"] != name and _mark(name, row) != usual


def _summary(told: dict[str, Any], said: list[dict[str, Any]], disputed: list[str]) -> str:
    silent = len(told["rows"]) - len(said)
    asked = f"{len(said)} of {len(told['nodes'])} nodes told" + (f", {silent} did not" if silent else "")
    return f"{asked}; " + (f"they do not agree on {len(disputed)}" if disputed else "they agree on all")
