"""What is wrong with a command line is one sentence and an exit code; what is right is help."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

import eye
from eye.cli.group import COMMANDS, make_group
from eye.cli.options import SHARED, Command
from eye.errors import BadAddress, EyeError, UnknownNode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

import click

WRONG_USAGE = [
    (["fecth"], "there is no command 'fecth'; did you mean 'fetch'?"),
    (["xyzzy"], "there is no command 'xyzzy'."),
    (["fetch", "--metrics", "cpu"], "did you mean '--metric'?"),
    (["fetch", "--metric", "cup"], "unknown metric 'cup'"),
    (["fetch", "--metric", "cup"], "Did you mean 'cpu'?"),
    (["fetch", "--node", "web-[12"], "bad glob 'web-[12': the '[' at character 5 is never closed"),
    (["fetch", "--node", ""], "empty glob"),
    (["fetch", "--scope", "both"], "--scope"),
    (["fetch", "--format", "xml"], "'prometheus'"),
    (["fetch", "--watch", "often"], "--watch: 'often' is not a number of seconds"),
    (["fetch", "--watch", "0"], "--watch"),
    (["fetch", "--timeout", "nan"], "--timeout: 'nan' is not a number of seconds"),
    (["fetch", "--connect", "nowhere"], "'nowhere'"),
    (["fetch", "--connect", "127.0.0.1:0"], "nobody listens on port 0"),
    (["--connect", "nowhere", "nodes"], "'nowhere'"),
    (["--log-level", "loud", "fetch"], "--log-level"),
    (["fetch", "extra"], "extra"),
    (["fetch", "--config", "missing.toml"], "missing.toml: no such file or directory"),
    (["start"], "--name"),
    (["start", "--name", "a b"], "not 'a b'"),
    (["start", "--name", "a", "--listen", "127.0.0.1:99999"], "--listen"),
    (["start", "--name", "a", "--web", "0.0.0.0:http"], "--web"),
    (["start", "--name", "a", "--discover", "telepathy"], "--discover"),
    (["start", "--name", "a", "--allow", "everything"], "--allow"),
    (["start", "--name", "a", "--interval", "0"], "--interval"),
    (["start", "--name", "a", "--connect", ":0"], "port 0"),
    (["web", "--port", "70000"], "--port"),
    (["web", "--port", "0.0.0.0:80"], "'0.0.0.0:80' is not a valid whole number"),
    (["start", "--name", "a", "--web-login", "none"], "--web-login goes with --web [HOST:]PORT"),
    (["start", "--name", "a", "--web-links"], "--web-links goes with --web [HOST:]PORT"),
    (["history", "--since", "9" * 400], "since must be a duration"),
    (["alerts", "test", "--since", "1s"], "it must be 1m to 366d, not '1s'"),
    (["alerts", "silence", "cpu["], "bad glob 'cpu[': the '[' at character 4 is never closed"),
    (["alerts", "--alerts", "missing.toml"], "missing.toml: no such file or directory"),
    (["kill", "a"], "'PROCESS'"),
    (["alerts", "dance"], "check FILE, test [FILE] or silence RULE, not 'dance'"),
    (["alerts", "check"], "check FILE"),
    (["alerts", "check", "missing.toml"], "missing.toml: no such file or directory"),
    (["alerts", "silence", "cpu", "--for", "soon"], "'soon' is no duration, such as 30s"),
    (["start", "--name", "a", "--alerts", "missing.toml"], "missing.toml: no such file or directory"),
    (["demo", "--nodes", "0"], "--nodes"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG_USAGE)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    run: Callable[..., Any], arguments: list[str], says: str
) -> None:
    ran = run(*arguments)

    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("sorcerers_eye: ")
    assert ran.err.count("\n") == 1
    assert says.lower() in ran.err.lower()
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("command", ["nodes", "tree", "kill a b", "tree a"])
def test_without_a_cluster_there_is_nothing_to_show(run: Callable[..., Any], command: str) -> None:
    ran = run(*command.split())

    assert (ran.code, ran.out) == (1, "")
    assert "no node was found on this machine; start one with `sorcerers_eye start --name NAME`" in ran.err


def test_no_arguments_are_answered_with_the_help(run: Callable[..., Any]) -> None:
    ran = run()

    assert ran.code == 2
    assert "Usage: sorcerers_eye" in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example(run: Callable[..., Any], command: str) -> None:
    ran = run(command, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: sorcerers_eye {command}" in ran.out
    assert f"\n  sorcerers_eye {command}" in ran.out
    for option in SHARED:
        assert option.opts[-1] in ran.out
    assert "--version" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_of_commands_says_what_the_commands_say(command: str) -> None:
    found = make_group().get_command(click.Context(click.Command("any")), command)

    assert isinstance(found, Command)
    assert found.name == command


def test_the_help_lists_every_command(run: Callable[..., Any]) -> None:
    ran = run("--help")

    assert ran.code == 0
    for name, short in COMMANDS.items():
        assert f"  {name}" in ran.out
        assert short in ran.out


@pytest.mark.parametrize("arguments", [["--version"], ["fetch", "--version"], ["start", "--version"]])
def test_the_version_is_told_anywhere(run: Callable[..., Any], arguments: list[str]) -> None:
    assert run(*arguments) == (0, f"sorcerers_eye {eye.__version__}\n", "")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (EyeError("the sky is falling"), 1, "the sky is falling\n"),
        (UnknownNode("x", "a, b"), 1, "no node named 'x'; known are: a, b\n"),
        (BadAddress("that is none"), 2, "that is none\n"),
        (KeyboardInterrupt(), 130, None),
        (
            RuntimeError("a mistake of ours\nin two lines"),
            1,
            "unexpected happened: RuntimeError: a mistake of ours.",
        ),
    ],
)
def test_what_a_command_raises_becomes_an_exit_code(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, says: str | None
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("eye.cli.forms.Form.write", fail)

    ran = run("fetch")

    assert ran.code == code
    assert "Traceback" not in ran.err
    assert (says in ran.err) if says else (ran.err.count("\n") == 1)  # the line that says «alone»


@pytest.mark.parametrize("arguments", [["--log-level", "debug", "fetch"], ["fetch", "--log-level", "DEBUG"]])
def test_the_traceback_is_there_for_whoever_asks(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("eye.cli.forms.Form.write", fail)

    ran = run(*arguments)

    assert ran.code == 1
    assert "Traceback (most recent call last)" in ran.err
    assert "RuntimeError: a mistake of ours" in ran.err


def test_a_stdout_that_is_closed_is_no_error(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)

    assert run("fetch").code == 0


def test_options_of_the_web_view_in_the_environment_may_be_meant_for_others(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYE_WEB_LOGIN", "none")

    ran = run("start", "--name", "a b")

    assert (ran.code, "--web-login" in ran.err) == (2, False)
    assert "not 'a b'" in ran.err


def test_a_file_that_is_nested_too_deeply_is_told(run: Callable[..., Any], home: Path) -> None:
    deep = home / "deep.toml"
    deep.write_text(f"x = {'[' * 5000}{']' * 5000}")

    for arguments in (
        ["alerts", "check", str(home / "deep.toml")],
        ["nodes", "--config", str(home / "deep.toml")],
    ):
        ran = run(*arguments)

        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert "nested too deeply" in ran.err
