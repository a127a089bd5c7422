"""What a page with many rows, or a tree of many processes, costs the browser that shows it.

    python benchmarks/browser_table.py [--rows 1000] [--seconds 10] [--rounds 3]

A page in headless Chromium, which paints in software. Every row changes once a second; of the tree, five processes
a second are restarted, and flash. Work is what Chromium says its main thread did (script, style, layout, paint),
beside the same page with three rows; frames are counted in a second run of the same, since counting is work too.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from pathlib import Path
from statistics import median

import measure

sys.path.insert(0, str(Path(__file__).parents[1]))

from eye.web import WebServer, create_app
from tests.browser import Browser, Page
from tests.web.world import World, node, tree

ROOT = "document.querySelector('sorcerers-eye').shadowRoot"
FEW = 3
SETTLED = 3.0  # seconds that are not counted
PARTS = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
FRAMES = """new Promise((resolve) => {
  const [until, gaps] = [performance.now() + %d, []];
  let before = 0;
  const step = (now) => {
    if (before) gaps.push(now - before);
    before = now;
    if (now < until) requestAnimationFrame(step);
    else resolve(JSON.stringify(gaps));
  };
  requestAnimationFrame(step);
})"""


class Place:
    """A served cluster of which all figures change once a second, and a tree in which processes are restarted."""

    def __init__(self, rows: int) -> None:
        self.chance = random.Random(1)
        self.world = World(*(node(f"node-{number:04}") for number in range(rows)))
        self.processes = [tree(f"worker-{number}", path=f"/eye/{number}") for number in range(rows)]
        app = create_app(self.world)
        self.publisher = app.extensions["eye"].publisher
        self.server = WebServer(app)
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def _tick(self) -> None:
        while not self._over.wait(1.0):
            self.world.pass_time(1.0)
            for name in self.world.held:
                self.world.change(
                    name, host={"cpu": self.chance.random(), "memory_used": self.chance.randrange(2**34)}
                )
            for each in self.chance.sample(self.processes, min(5, len(self.processes))):
                each["serial"] += 1
                each["incarnation"] += 1
                each["restarts"] += 1
            width = 11  # processes below each supervisor
            branches = [self.processes[at : at + width] for at in range(0, len(self.processes), width)]
            inner = [tree(f"branch-{at}", children=list(each)) for at, each in enumerate(branches)]
            self.world.trees["node-0000"] = tree("eye", children=inner)
            self.publisher.tick()

    def close(self) -> None:
        self._over.set()
        self._ticker.join(5)
        self.server.close()


def work(page: Page, seconds: float) -> dict[str, float]:
    """Measure the work of the main thread, in milliseconds for each second."""
    before = figures(page)
    began = time.monotonic()
    time.sleep(seconds)
    after, took = figures(page), time.monotonic() - began
    return {part: (after[part] - before[part]) / took * 1000 for part in PARTS}


def figures(page: Page) -> dict[str, float]:
    return {each["name"]: each["value"] for each in page.send("Performance.getMetrics")["metrics"]}


def frames(page: Page, seconds: float) -> tuple[float, float]:
    """Count frames: how many a second, and how long the longest of a hundred took, in milliseconds."""
    gaps = sorted(json.loads(page.get(FRAMES % (seconds * 1000))))
    return 1000 * len(gaps) / sum(gaps), gaps[int(len(gaps) * 0.99)]


def looked_at(browser: Browser, url: str, settled: str) -> Page:
    page = browser.open(url)
    page.send("Performance.enable")
    page.wait_for(f"{ROOT} && {settled}", 30)
    time.sleep(SETTLED)
    return page


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=10.0, help="how long one round looks (default: 10)")
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    print(f"A page in Chromium ({measure.about_here()}; {chosen.rounds} rounds of {chosen.seconds:g} s)")
    row, item = f"{ROOT}.querySelector('.row')", f"{ROOT}.querySelector('.tree li')"
    to_picture = f"[...{ROOT}.querySelectorAll('.trees button')].at(0).click()"
    looks: dict[str, tuple[int, str, str, str]] = {
        # name: rows, query, when it is there, what is done then
        f"table of {FEW}": (FEW, "", row, "0"),
        f"table of {chosen.rows}": (chosen.rows, "", row, "0"),
        f"tree of {chosen.rows}, list": (chosen.rows, "?view=tree&node=node-0000", item, "0"),
        f"tree of {chosen.rows}, picture": (chosen.rows, "?view=tree&node=node-0000", item, to_picture),
    }
    results: measure.Results = {name: [] for name in looks}
    details: dict[str, list[dict[str, float]]] = {name: [] for name in looks}
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in looks}
    for _ in range(chosen.rounds):
        for name, (rows, query, settled, then) in looks.items():
            place = Place(rows)
            try:
                with Browser() as browser:
                    page = looked_at(browser, place.server.url + query, settled)
                    page.get(f"void {then}")
                    details[name].append(work(page, chosen.seconds))
                    results[name].append(details[name][-1]["TaskDuration"])
                    seen[name].append(frames(page, chosen.seconds))
            finally:
                place.close()
    measure.show("main thread, for each second", results, f"table of {FEW}", unit="ms", scale=1)
    for name in looks:
        parts = {part: median(each[part] for each in details[name]) for part in PARTS[1:]}
        rate, longest = (median(each[at] for each in seen[name]) for at in (0, 1))
        said = ", ".join(f"{part.removesuffix('Duration').lower()} {value:.1f}" for part, value in parts.items())
        measure.note(f"{name}: {said} ms; {rate:.1f} frames a second, 99 of 100 within {longest:.1f} ms")
    table, picture = f"table of {chosen.rows}", f"tree of {chosen.rows}, list"
    measure.aim(f"work of an update, {table}", median(results[table]), 30, unit="ms")
    for name in (table, picture):
        measure.aim(f"frames a second, {name}", median(rate for rate, _ in seen[name]), 59, at_least=True)


if __name__ == "__main__":
    sys.exit(measure.run(main))
