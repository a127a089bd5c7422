"""Makes the pictures of the web view and of the terminal view, of an eye that runs on this machine.

    sorcerers_eye demo --nodes 5 --port 8080 --no-browser
    python docs/shoot.py http://127.0.0.1:8080/ FOLDER [NODE]

It needs Chromium, and looks at the first node in the table unless one is named. A picture is called after
what is on it: `web-graphs-desktop-dark.png`, `observe-tree.svg`. Three of them are in `docs/pictures`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser import Browser

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
LOOKS = ("nodes", "graphs", "tree", "processes", "cost", "picture", "trees", "sightings", "past", "actions")
TERMINAL_LOOKS = (
    (["2"], "sight"),
    (["3"], "alerts"),
    (["1", "enter"], "graphs"),
    (["2"], "tree"),
    (["comma"], "past"),
    (["escape", "3"], "processes"),
)  # keys, and what is seen after them
ROOT = "document.querySelector('sorcerers-eye').shadowRoot"
LIVE = f"{ROOT} && !{ROOT}.querySelector('.lost')"
SETTLED = {
    "nodes": f"{ROOT}.querySelector('.row:not([hidden])')",
    "graphs": f"{ROOT}.querySelector('figure .mean[d]')",
    "tree": f"{ROOT}.querySelector('.tree li')",
    "processes": f"{ROOT}.querySelector('.list tbody tr')",
    "cost": f"{ROOT}.querySelector('.list tbody tr')",
    "picture": f"{ROOT}.querySelector('.tree li')",
    "trees": f"{ROOT}.querySelectorAll('.tree li').length > 9",
    "sightings": f"{ROOT}.querySelector('.sightings tbody tr')",
    "past": f"{ROOT}.querySelector('.tree li')",
    "actions": f"{ROOT}.querySelector('.tree li')",
}
"""Of each look, what is there once it can be taken."""

DEEDS = {
    "picture": f"[...{ROOT}.querySelectorAll('.trees button')].at(0).click()",
    "past": f"((slider) => {{ slider.value = -30; slider.dispatchEvent(new Event('input')); }})"
    f"({ROOT}.querySelector('.timeline input'))",
    "actions": f"{ROOT}.querySelectorAll('.tree .act')[2].click()",
}
"""What is done before a look is taken; and what is there then."""
DONE = {
    "picture": f"{ROOT}.querySelector('canvas').height > 20",
    "past": f"{ROOT}.querySelector('.past')",
    "actions": "true",
}


def shoot(url: str, folder: Path, node: str) -> None:
    """Write all pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        if not node:
            page = browser.open(url)
            page.wait_for(f"{LIVE} && {SETTLED['nodes']}")
            node = page.get(f"{ROOT}.querySelector('.row .node .words').textContent")
        for look in LOOKS:
            panel = {"picture": "tree", "past": "tree", "actions": "tree"}.get(look, look)
            asked = {"show": look} if look in ("trees", "sightings") else {"node": node, "panel": panel}
            query = "" if look == "nodes" else "?" + urlencode(asked)
            for size, (width, height) in SIZES.items():
                for scheme in ("light", "dark"):
                    page = browser.open(url + query, width=width, height=height, scheme=scheme)
                    page.wait_for(f"{LIVE} && {SETTLED[look]}")
                    if look in DEEDS:
                        page.get(DEEDS[look])
                        page.wait_for(DONE[look])
                    page.screenshot(folder / f"web-{look}-{size}-{scheme}.png")


def shoot_terminal(folder: Path, node: str) -> None:
    """Write what `observe` shows of the cluster of this machine, as SVG."""
    from eye.clock import SystemClock
    from eye.monitor.config import NodeConfig
    from eye.monitor.node import Node
    from eye.tui.app import Observe

    cookie = os.environ.get("EYE_COOKIE_FILE")
    config = NodeConfig(name="shoot", cookie_file=Path(cookie) if cookie else None)
    observer = Node.start(config, environ=os.environ, observer=True)

    async def run() -> None:
        app = Observe(observer.view, SystemClock())
        async with app.run_test(size=(112, 26)) as pilot:
            await pilot.pause(3.0)
            app.save_screenshot(str(folder / "observe-nodes.svg"))
            app.watching.table.chosen = node or app.watching.table.chosen
            for keys, look in TERMINAL_LOOKS:
                await pilot.press(*keys)
                await pilot.pause(3.0)
                app.save_screenshot(str(folder / f"observe-{look}.svg"))

    try:
        asyncio.run(run())
    finally:
        observer.stop()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    wanted = sys.argv[3] if len(sys.argv) == 4 else ""
    shoot(sys.argv[1], Path(sys.argv[2]), wanted)
    shoot_terminal(Path(sys.argv[2]), wanted)
