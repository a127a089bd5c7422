"""`sorcerers_eye history`: what was, from the database, and what is said where there is none."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from eye.history.database import default_file, url_of
from eye.history.sql_store import SqlStore
from eye.history.store import Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran


@pytest.fixture
def kept(home: Path) -> Path:
    """A history in the user's own folder: ten minutes of two nodes until now."""
    file = default_file({"HOME": str(home)})
    store = SqlStore(url_of(str(file)), time.time)
    begin = time.time() - 600
    store.write(
        [
            Row(
                node,
                begin + at,
                {"host.cpu": 0.9 if at > 300 else 0.1, "host.memory": 2.0**29, "custom.orders": 7.0},
            )
            for node in ("web-1", "db-1")
            for at in range(600)
        ]
    )
    store.close()
    return file


def test_by_default_the_last_hour_of_all_nodes_is_told(run: Callable[..., Ran], kept: Path) -> None:
    ran = run("history")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Node: db-1\nTIME              CPU LOAD")
    assert "\n\nNode: web-1\n" in ran.out
    assert "512MB" in ran.out


def test_as_json(run: Callable[..., Ran], kept: Path) -> None:
    ran = run(
        "history", "--format", "json", "--node", "web-*", "--metric", "orders", "--since", "10m", "--step", "1m"
    )

    told = json.loads(ran.out)
    (series,) = told["series"]
    assert (told["version"], told["step"], series["node"], series["metric"]) == (1, 60.0, "web-1", "custom.orders")
    assert {tuple(point[1:]) for point in series["points"]} == {(7.0, 7.0, 7.0)}


def test_as_csv_of_the_moments_that_a_filter_means(run: Callable[..., Ran], kept: Path) -> None:
    ran = run("history", "--format", "csv", "--metric", "cpu", "--filter", "cpu>50 web", "--step", "10s")

    lines = ran.out.splitlines()
    assert lines[0] == "at,node,metric,unit,mean,min,max"
    assert {line.split(",")[1] for line in lines[1:]} == {"web-1"}
    assert 28 <= len(lines[1:]) <= 32


def test_as_pictures_without_an_escape_code(run: Callable[..., Ran], kept: Path) -> None:
    ran = run("history", "--plot", "--metric", "cpu")

    assert ran.out.count("CPU Load") == 2
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "\x1b" not in ran.out


def test_a_time_of_which_nothing_is_known(run: Callable[..., Ran], kept: Path) -> None:
    ran = run("history", "--since", "2h", "--until", "1h")

    assert (ran.code, ran.out) == (0, "")
    assert "nothing is known of that time" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--node", "nope"), 1, "no node in the history is called 'nope'; known are: db-1, web-1"),
        (("--since", "yesterday"), 2, "since must be a duration such as"),
        (("--since", "1h", "--until", "2h"), 2, "since must be before until"),
        (("--step", "0"), 2, "step must be a duration"),
        (("--metric", "colour"), 2, "unknown metric 'colour'"),
        (("--filter", "status:down"), 2, "of the past it is not known what the status"),
        (("--filter", "cpu>"), 2, "a number is expected"),
        (("--plot", "--format", "json"), 2, "plot is a picture"),
        (("--history", "off"), 2, "history is off"),
        (("--history", "mysql://db/eye"), 2, "history must be off, a file"),
        (("--history", "/nowhere/at/all"), 1, "nothing has been kept there yet"),
    ],
)
def test_what_cannot_be_told_is_said_in_a_sentence(
    run: Callable[..., Ran], kept: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ran = run("history", *arguments)

    assert ran.code == code
    assert says in ran.err
    assert ran.out == ""


def test_where_nothing_was_kept_that_is_said(run: Callable[..., Ran], home: Path) -> None:
    ran = run("history")

    assert ran.code == 1
    assert "nothing has been kept there yet" in ran.err


def test_an_empty_history_is_said_to_be_empty(run: Callable[..., Ran], tmp_path: Path) -> None:
    store = SqlStore(url_of(str(tmp_path / "empty.sqlite3")), time.time)
    store.open()
    store.close()

    ran = run("history", "--history", str(tmp_path / "empty.sqlite3"))

    assert ran.code == 1
    assert "nothing has been kept at" in ran.err


def test_the_place_is_a_variable_too(
    run: Callable[..., Ran], kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = kept.rename(tmp_path / "elsewhere.sqlite3")
    monkeypatch.setenv("EYE_HISTORY", str(moved))

    assert run("history").code == 0


def test_without_sqlalchemy_its_extra_is_named(
    run: Callable[..., Ran], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eye.history.database.find_spec", lambda name: None)

    ran = run("history")

    assert ran.code == 1
    assert "pip install 'sorcerers-eye[history]'" in ran.err
