"""What the page on metrics tells a Prometheus is understood by a real one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from eye.metrics.catalogue import CATALOGUE, LISTS
from eye.monitor.prometheus import metric_name

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


DASHBOARD = json.loads((PAGE.parent / "grafana-dashboard.json").read_text(encoding="utf-8"))


def promtool(check: str, text: str, folder: Path) -> str:
    """Have promtool check a file of that kind; answer what it says against it."""
    tool = shutil.which("promtool")
    if tool is None:
        (pytest.fail if os.environ.get("EYE_TESTS_MUST_RUN") else pytest.skip)("promtool is not installed")
    file = folder / "prometheus.yml"
    file.write_text(text)
    done = subprocess.run(
        [str(tool), "check", check, str(file)], capture_output=True, text=True, timeout=30, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    ("check", "begins"), [("config", "scrape_configs:"), ("rules", "groups:")], ids=["config", "rules"]
)
def test_promtool_finds_nothing_wrong_with_the_recipes(check: str, begins: str, tmp_path: Path) -> None:
    (block,) = [one for one in BLOCKS if one.startswith(begins)]

    assert promtool(check, block, tmp_path) == ""


def test_promtool_finds_nothing_wrong_with_what_the_dashboard_asks_for(tmp_path: Path) -> None:
    """Each question of a panel, as the expression of a rule: promtool 2.42 checks no others."""
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]

    assert len(asked) > 10
    assert promtool("rules", json.dumps({"groups": [{"name": "panels", "rules": rules}]}), tmp_path) == ""


def test_the_panels_of_the_dashboard_do_not_lie_on_each_other() -> None:
    places = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_series_that_the_page_names_exists() -> None:
    told = PAGE.read_text(encoding="utf-8") + json.dumps(DASHBOARD)
    named = set(re.findall(r"sorcerers_eye_(?:host|node)_[a-z0-9_]+", told))

    assert named - {metric_name(metric) for metric in (*CATALOGUE, *LISTS)} == {
        "sorcerers_eye_node_up",
        "sorcerers_eye_node_info",
    }
