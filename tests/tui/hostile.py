"""A cluster whose every text is hostile, to be looked at in a real terminal: `python -m tests.tui.hostile`."""

from __future__ import annotations

from typing import Any

from eye.clock import SystemClock
from eye.tui.app import Observe
from tests.tui.still import NOW, StillView, alert, document, node_view, process, sightings

NAMES = [
    "a\x1b[31mred\x1b]0;pwned\x07", "b\u202egnp.exe", "c" + "\u0301" * 10_000, "d日本語の長い名前です",
    "e👨\u200d👩👍\U0001f3ff",
    "f" + "x" * 10_000, "g\u200b\u2060\ufeff", "h\nline\r\x08\x9b2J", "iمرحبا", "j<script>[red]x[/]",
]  # fmt: skip


class HostileView(StillView):
    """Nodes of such names, in which everything else is called so too."""

    def __init__(self) -> None:
        super().__init__(*(node_view(name, reason=name, address=name) for name in NAMES))
        self.records = [{"what": "node_down", "at": NOW, "node": name, "reason": name} for name in NAMES]
        self.warnings = [alert(name, rule=name, text=name) for name in NAMES]

    def tree(self, node: str, at: float | None = None) -> dict[str, Any]:
        told = document()
        told["tree"]["children"] = [
            process(name, f"/eye/{name}", module=name, status="stopped", last_exit=name) for name in NAMES
        ]
        return told

    def processes(self, node: str, *, sort: str, limit: int) -> dict[str, Any]:
        rows = self.tree(node)["tree"]["children"]
        return {"version": 1, "node": node, "at": NOW, "sort": sort, "count": len(rows), "processes": rows}

    def sightings(self) -> dict[str, Any]:
        told = sightings(NAMES)
        told["rows"][0]["sees"][NAMES[1]]["status"] = NAMES[0]
        told["rows"][1]["error"] = NAMES[0]
        return told

    def state(self, node: str, process: str) -> dict[str, Any]:
        return {"behaviour": NAMES[0], "status": "running", "state": [[name, name] for name in NAMES]}


if __name__ == "__main__":
    Observe(HostileView(), SystemClock(), interval=0.2).run()  # type: ignore[arg-type]
