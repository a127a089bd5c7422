"""The pure parts of the browser's side, by Node's own test runner; a filter means the same there as here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from eye.metrics.filters import parse
from eye.monitor.node_view import NodeView
from eye.web.nodes import nodes_document
from tests.metrics.test_filters import ALL, MEANS

HERE = Path(__file__).parent
MEANING = HERE.parents[1] / "eye" / "web" / "browser" / "meaning.js"


def run_node(*arguments: str, said: str = "") -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine")
    run = subprocess.run([node, *arguments], input=said, capture_output=True, text=True, timeout=50, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_browsers_pure_modules() -> None:
    files = sorted(str(path) for path in (HERE / "js").glob("*.test.mjs"))
    assert files

    run_node("--test", *files)


def test_a_filter_means_the_same_nodes_in_the_browser() -> None:
    views = [
        NodeView(
            name=one.name,
            status=one.status,
            address=one.address,
            seen_at=None,
            since=0.0,
            reason=None,
            boot="0123456789abcdef",
            host=one.host,
            process=one.process,
            round_trip=None,
        )
        for one in ALL
    ]
    questions = {
        "nodes": {node["node"]: node for node in nodes_document(views, 0.0)["nodes"]},
        "filters": {text: parse(text).data for text in MEANS},
    }
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ meaning }} from {json.dumps(MEANING.as_uri())};
        const {{ nodes, filters }} = JSON.parse(readFileSync(0, "utf8"));
        const named = (data) => Object.keys(nodes).filter((name) => meaning(data)(nodes[name]));
        const said = Object.entries(filters).map(([text, data]) => [text, named(data)]);
        console.log(JSON.stringify(Object.fromEntries(said)));
    """

    meant = json.loads(run_node("--input-type=module", "-e", script, said=json.dumps(questions)))

    assert {text: set(names) for text, names in meant.items()} == {
        text: set(names.split()) for text, names in MEANS.items()
    }
