"""Where a value comes from: option, environment, file, default, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest

from eye.cli import fetch, options
from eye.cli.group import COMMANDS, make_group
from eye.cli.options import Command, Shared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Parse a `fetch`, and answer what it was told."""
    got: dict[str, Any] = {}

    def listen(shared: Shared, **values: Any) -> None:
        got.update(values, connect=shared.connect, cookie_file=shared.cookie_file, log_level=shared.log_level)

    monkeypatch.setattr(fetch.command, "callback", click.pass_obj(listen))

    def parse(*arguments: str) -> dict[str, Any]:
        got.clear()
        with make_group().make_context("sorcerers_eye", list(arguments), obj=Shared()) as ctx:
            ctx.command.invoke(ctx)
        return got

    return parse


@pytest.fixture
def config(home: Path) -> Callable[[str], Path]:
    """Write this user's configuration file."""

    def write(text: str) -> Path:
        path = home / "config" / "sorcerers_eye" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


LAYERS = ["option", "EYE_FETCH_TIMEOUT", "EYE_TIMEOUT", "[fetch]", "top", "default"]


@pytest.mark.parametrize("strongest", range(len(LAYERS)), ids=LAYERS)
def test_the_first_that_has_a_value_gives_it(
    heard: Callable[..., Any],
    config: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    strongest: int,
) -> None:
    said = {layer: 10.0 + number for number, layer in enumerate(LAYERS) if number >= strongest}
    said["default"] = 2.0
    for name in ("EYE_FETCH_TIMEOUT", "EYE_TIMEOUT"):
        if name in said:
            monkeypatch.setenv(name, str(said[name]))
    lines = [f"timeout = {said['top']}"] if "top" in said else []
    lines += ["[fetch]", f"timeout = {said['[fetch]']}"] if "[fetch]" in said else []
    config("\n".join(lines))
    arguments = ["--timeout", str(said["option"])] if "option" in said else []

    assert heard("fetch", *arguments)["timeout"] == said[LAYERS[strongest]]


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        (["--log-level", "info", "fetch"], "log_level", "info"),
        (["fetch", "--log-level", "info"], "log_level", "info"),
        (["--log-level", "info", "fetch", "--log-level", "error"], "log_level", "error"),
        (["--connect", "a:1", "fetch"], "connect", ("a:1",)),
        (["--connect", "a:1", "fetch", "--connect", "b:1"], "connect", ("a:1", "b:1")),
        (["fetch"], "connect", ()),
    ],
)
def test_shared_options_stand_before_or_after_the_command(
    heard: Callable[..., Any], arguments: list[str], key: str, value: Any
) -> None:
    assert heard(*arguments)[key] == value


def test_before_the_command_is_stronger_than_the_environment(
    heard: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYE_LOG_LEVEL", "error")
    monkeypatch.setenv("EYE_CONNECT", "c:1 d:1")

    assert heard("--log-level", "info", "fetch")["log_level"] == "info"
    assert heard("fetch")["log_level"] == "error"
    assert heard("fetch")["connect"] == ("c:1", "d:1")


@pytest.mark.parametrize("how", ["before", "after", "environment"])
def test_the_file_may_be_another(
    heard: Callable[..., Any], home: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    other = home / "other.toml"
    other.write_text("[fetch]\nformat = 'table'\n")
    if how == "environment":
        monkeypatch.setenv("EYE_CONFIG", str(other))
    given = [] if how == "environment" else ["--config", str(other)]
    arguments = [*given, "fetch"] if how == "before" else ["fetch", *given]

    assert heard(*arguments)["format"] == "table"


def test_all_kinds_of_values_are_taken(
    heard: Callable[..., Any], config: Callable[[str], Path], home: Path
) -> None:
    path = config(
        'log-level = "info"\nconnect = ["a:1", "b:1"]\ncookie_file = "here"\n'
        '[fetch]\nnode = "web-*"\nmetric = ["cpu", "memory"]\nwatch = 2\n[start]\nname = "x"\nweb = 8080\n'
    )

    got = heard("fetch")

    assert got["log_level"] == "info"
    assert got["connect"] == ("a:1", "b:1")
    assert got["cookie_file"] == path.parent / "here"
    assert (got["node"], got["metric"], got["watch"]) == (("web-*",), ("cpu", "memory"), 2.0)


def test_a_folder_of_which_nothing_can_be_told_has_no_file(
    heard: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/" + "x" * 5000)

    assert heard("fetch")["timeout"] == 2.0


def test_the_home_folder_may_be_written_short(
    heard: Callable[..., Any], config: Callable[[str], Path], home: Path
) -> None:
    config('cookie_file = "~/cookie"')

    assert heard("fetch")["cookie_file"] == home / "cookie"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("timeot = 3", "there is no setting 'timeot'; did you mean 'timeout'?"),
        ("config = 'x'", "there is no setting 'config'"),
        ("[fetch]\ninterval = 3", "there is no setting '[fetch] interval'"),
        ("[fetsch]\ntimeout = 3", "there is no setting 'fetsch'; did you mean 'fetch'?"),
        ("[fetch]\ntimeout = 'long'", "[fetch] timeout must be a number, not 'long'"),
        ("timeout = true", "timeout must be a number, not True"),
        ("timeout = [1, 2]", "timeout takes one value, not a list"),
        ("timeout = -1", "timeout: -1.0 is not in the range"),
        ("[fetch]\nformat = 'xml'", "[fetch] format: 'xml' is not one of"),
        ("[fetch]\nnode = 5", "[fetch] node must be a text in quotes, not 5"),
        ("[fetch]\nnode = ['web-[']", "[fetch] node: bad glob 'web-['"),
        ("[web]\nno_browser = 'yes'", "[web] no_browser must be true or false, not 'yes'"),
        ("[start]\nweb = 'x y'", "[start] web: an address is"),
        ("[demo]\nnodes = 2.5", "[demo] nodes must be a whole number, not 2.5"),
        ("timeout = ", "is not TOML: invalid value (at line 1"),
        ("a = 1\na = 2", "(at line 2"),
        ("a = 1\nb = 1 2\nc = 3", "(at line 2"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(
    run: Callable[..., Any], config: Callable[[str], Path], text: str, says: str
) -> None:
    path = config(text)

    ran = run("fetch")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert str(path) in ran.err
    assert says in ran.err


def test_a_file_that_is_no_text_or_no_file(run: Callable[..., Any], home: Path) -> None:
    (home / "bytes").write_bytes(b"\xff\xfe\x00")

    assert "it is not UTF-8 text" in run("fetch", "--config", str(home / "bytes")).err
    assert "is a directory" in run("fetch", "--config", str(home)).err


def test_help_is_given_whatever_the_file_says(run: Callable[..., Any], config: Callable[[str], Path]) -> None:
    config("this is no TOML")

    assert run("fetch", "--help").code == 0
    assert run("--version").code == 0


def test_one_commands_variables_are_not_anothers() -> None:
    found = make_group()
    ctx = click.Context(click.Command("any"))
    commands = {name: found.get_command(ctx, name) for name in COMMANDS}

    for name, command in commands.items():
        assert isinstance(command, Command)
        for option in command.settings().values():
            assert option.envvar == [f"EYE_{name.upper()}_{option.key.upper()}", f"EYE_{option.key.upper()}"]
    assert all(option.envvar is None for option in options.SHARED)
