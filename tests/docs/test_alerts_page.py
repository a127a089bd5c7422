"""The page on alerts: its rule files are ones, and what it shows of `alerts check` is what that says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eye.alerts import rule_file
from eye.cli.main import execute

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
FILES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", FILES)
def test_the_rule_files_of_the_page_are_understood(text: str) -> None:
    assert rule_file.read(text, "the page").rules


def test_every_key_of_a_rule_and_every_kind_of_sink_is_on_the_page() -> None:
    from eye.alerts.kinds import KINDS

    wanted = {
        *rule_file.OF_RULE,
        *rule_file.OF_SILENCE,
        *KINDS,
        *(one for kind in KINDS.values() for one in kind.options),
    }

    assert [one for one in sorted(wanted) if f"`{one}`" not in PAGE] == []


def test_what_is_said_of_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.search(r"\$ sorcerers_eye alerts check rules.toml\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    path = tmp_path / "rules.toml"
    path.write_text('[rules.busy]\nwhen = "cpu > 90 for tea"\n')

    code = execute(["alerts", "check", str(path)])

    assert code == 2
    assert capsys.readouterr().err.replace(f"{tmp_path}/", "") == shown[1]
