"""What the page on metrics tells a Prometheus is understood by a real one."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("check", "begins"), [("config", "scrape_configs:"), ("rules", "groups:")], ids=["config", "rules"]
)
def test_promtool_finds_nothing_wrong_with_the_recipes(check: str, begins: str, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        (pytest.fail if os.environ.get("EYE_TESTS_MUST_RUN") else pytest.skip)("promtool is not installed")
    (block,) = [one for one in BLOCKS if one.startswith(begins)]
    file = tmp_path / "prometheus.yml"
    file.write_text(block)

    done = subprocess.run(
        [promtool, "check", check, str(file)], capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_series_that_the_page_names_exists() -> None:
    named = set(re.findall(r"sorcerers_eye_(?:host|node)_[a-z0-9_]+", PAGE.read_text(encoding="utf-8")))

    assert named - {metric_name(metric) for metric in (*CATALOGUE, *LISTS)} == {
        "sorcerers_eye_node_up",
        "sorcerers_eye_node_info",
    }
