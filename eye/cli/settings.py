"""The configuration file: the same names as the options, in TOML.

    cookie_file = "cluster.cookie"      # for every command that has the option
    connect = ["10.0.0.5:4711"]

    [fetch]                             # for this command alone
    format = "table"

All of it is checked, whatever command is run, so that a mistake shows before it is needed. A path is
taken from the folder of the file, and `~` is this user's home.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import Command, did_you_mean
from eye.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eye.cli.options import Option


def default_path(environ: Mapping[str, str]) -> Path | None:
    """Say where the file of this user would be: in `$XDG_CONFIG_HOME`, or in `~/.config`."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    if os.path.isabs(configured):  # the XDG specification says that a relative path is to be ignored
        return Path(configured, "sorcerers_eye", "config.toml")
    home = os.path.expanduser("~")
    return Path(home, ".config", "sorcerers_eye", "config.toml") if os.path.isabs(home) else None


def defaults_for(command: click.Command, given: Path | None) -> dict[str, Any]:
    """Read the file, and give the values that it has for the command's options.

    Args:
        given: the file; None is this user's, if there is one.

    Raises:
        ConfigError: the file cannot be read, or something in it makes no sense.
    """
    path = given or default_path(os.environ)
    if path is None or (given is None and not os.path.isfile(path)):  # False, too, in a folder that shows nothing
        return {}
    return _Reader(path).read(command)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, command: click.Command) -> dict[str, Any]:
        from eye.cli.group import COMMANDS

        content = self._load()
        common = {
            key: value for key, value in content.items() if not (key in COMMANDS and isinstance(value, dict))
        }
        tables = {key: value for key, value in content.items() if key not in common}
        values: dict[str, Any] = {}
        for key, value in common.items():
            values |= self._common(command, key, value)
        for name, table in tables.items():
            own: dict[str, Any] = {}
            for key, value in table.items():
                own |= self._own(_settings(name), key, value, f"[{name}] {key}")
            if name == command.name:
                values |= own
        return values

    def _load(self) -> dict[str, Any]:
        import tomllib

        text = ""
        try:
            text = self._path.read_bytes().decode()
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            said = str(error).replace("at end of document", f"at line {text.count(chr(10)) + 1}, the last")
            raise ConfigError(f"{self._path} is not TOML: {_as_clause(said)}") from None
        except RecursionError:
            raise ConfigError(f"{self._path} is not TOML that can be read: it is nested too deeply") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{self._path} is not TOML: it is not UTF-8 text") from None
        except OSError as error:
            raise ConfigError(f"{self._path}: {(error.strerror or str(error)).lower()}") from None

    def _common(self, command: click.Command, key: str, value: Any) -> dict[str, Any]:
        """Take a key of the top level. It may be meant for other commands than this one."""
        from eye.cli.group import COMMANDS

        settings = command.settings() if isinstance(command, Command) else {}
        if _name(key) in settings:
            return self._own(settings, key, value, key)
        others = {name: option for other in COMMANDS for name, option in _settings(other).items()}
        if isinstance(value, dict) and _name(key) not in others:
            raise ConfigError(f"{self._path}: there is no setting {key!r}{did_you_mean(key, COMMANDS)}")
        self._own(others, key, value, key)
        return {}

    def _own(self, settings: dict[str, Option], key: str, value: Any, said: str) -> dict[str, Any]:
        option = settings.get(_name(key))
        if option is None:
            raise ConfigError(f"{self._path}: there is no setting {said!r}{did_you_mean(_name(key), settings)}")
        values = value if isinstance(value, list) else [value]
        if isinstance(value, list) and not option.multiple:
            raise ConfigError(f"{self._path}: {said} takes one value, not a list")
        taken = [self._convert(option, one, said) for one in values]
        return {option.name or "": tuple(taken) if option.multiple else taken[0]}

    def _convert(self, option: Option, value: Any, said: str) -> Any:
        wanted, kinds = _kind(option)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ConfigError(f"{self._path}: {said} must be {wanted}, not {value!r}")
        try:
            converted = option.type.convert(value, option, None)
        except click.UsageError as refused:
            raise ConfigError(f"{self._path}: {said}: {_as_clause(refused.message)}") from None
        if isinstance(option.type, click.Path) and value not in getattr(option.type, "words", ()):
            return self._path.absolute().parent / Path(converted).expanduser()
        return value


def _settings(name: str) -> dict[str, Option]:
    from eye.cli.group import LazyGroup

    command = LazyGroup(name="any").get_command(click.Context(click.Command("any")), name)
    return command.settings() if isinstance(command, Command) else {}


def _name(key: str) -> str:
    return key.replace("-", "_")


def _kind(option: Option) -> tuple[str, tuple[type, ...]]:
    if option.is_flag:
        return "true or false", (bool,)
    if isinstance(option.type, click.types.FloatParamType):
        return "a number", (int, float)
    if isinstance(option.type, click.types.IntParamType):
        return "a whole number", (int,)
    if getattr(option.type, "takes_numbers", False):
        return "a text or a whole number", (str, int)
    return "a text in quotes", (str,)


def _as_clause(sentence: str) -> str:
    return (sentence[:1].lower() + sentence[1:]).rstrip(".")
