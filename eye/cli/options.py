"""Options: where each value comes from, and those that every command has.

A value is taken from the first that has it: the option, `EYE_<COMMAND>_<OPTION>`, `EYE_<OPTION>`, the
configuration file (the command's table, then its top level), the default. The shared options may also
stand before the command's name.
"""

from __future__ import annotations

import os
from copy import copy
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PROGRAM = "sorcerers_eye"
LOG_LEVELS = ("debug", "info", "warning", "error")


class Shared:
    """What the shared options say. Every command is given it."""

    def __init__(self) -> None:
        self.before: dict[str, Any] = {}  # options that stood before the command's name
        self.cookie_file: Path | None = None
        self.connect: tuple[str, ...] = ()
        self.tls = "auto"
        self.tls_cert: Path | None = None
        self.tls_key: Path | None = None
        self.tls_ca: Path | None = None
        self.log_level = "warning"
        self.log_level_is_given = False

    @property
    def wants_traceback(self) -> bool:
        """Whether an unexpected error is to be shown in full."""
        return "debug" in (self.log_level, self.before.get("log_level"))


class Option(click.Option):
    """An option that has its variables, and says in an error which of them was wrong."""

    @property
    def key(self) -> str:
        """What the option is called in the configuration file: `log_level` for `--log-level`."""
        return self.opts[-1].lstrip("-").replace("-", "_")

    def variables(self, command: str) -> list[str]:
        """Name the environment variables of this option for a command, the one that wins first."""
        return [f"EYE_{command.upper()}_{self.key.upper()}", f"EYE_{self.key.upper()}"]

    def get_error_hint(self, ctx: click.Context | None) -> str:
        if ctx is not None and ctx.get_parameter_source(self.name or "") is ParameterSource.ENVIRONMENT:
            names = [self.envvar] if isinstance(self.envvar, str) else self.envvar or []
            return next((name for name in names if os.environ.get(name)), self.opts[-1])
        return " / ".join(self.opts)


class _SharedOption(Option):
    """An option that may stand before the command's name as well; of lists, both parts count."""

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        value, source = super().consume_value(ctx, opts)
        before = ctx.obj.before.get(self.name)
        if before and source is ParameterSource.COMMANDLINE and self.multiple:
            return (*before, *value), source
        if before and source is not ParameterSource.COMMANDLINE:
            return before, ParameterSource.COMMANDLINE
        return value, source


class Command(click.Command):
    """A command with the shared options, the variables of its own ones, and an example in its help."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [*map(copy, SHARED), version_option()]
        self._example = example
        for option in self.params:
            if isinstance(option, Option) and option.name != "version":
                option.envvar = option.variables(self.name or "")

    def settings(self) -> dict[str, Option]:
        """Give the options that may stand in the configuration file, by their keys."""
        return {
            option.key: option
            for option in self.params
            if isinstance(option, Option) and not option.hidden and option.name not in ("config", "version")
        }

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        everywhere = {"--version", "--help", *(option.opts[-1] for option in SHARED)}
        own = [param for param in self.get_params(ctx) if param.opts[-1] not in everywhere]
        shared = [param for param in self.get_params(ctx) if param.opts[-1] in everywhere]
        for title, params in (("Options", own), ("Options of every command", shared)):
            records = [record for param in params if (record := param.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Example" if "\n" not in self._example else "Examples"):
            for line in self._example.splitlines():
                formatter.write(f"  {line}\n")


class Seconds(click.FloatRange):
    """A duration in seconds, within limits. «nan» is none."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        if not isfinite(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return super().convert(seconds, param, ctx)


class Whole(click.IntRange):
    """A whole number, within limits. click would call it an «integer range»."""

    name = "whole number"


def command(name: str, *, help: str, example: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a command of a function. It is given a `Shared` first, then its options by name."""

    def decorate(function: Callable[..., Any]) -> Command:
        made = click.command(
            name,
            cls=Command,
            help=help,
            example=example,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )(click.pass_obj(function))
        assert isinstance(made, Command)
        return made

    return decorate


def option(*declarations: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option."""
    return click.option(*declarations, cls=Option, **attributes)


def timeout_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option that says how long it waits."""
    return option(
        "--timeout",
        type=Seconds(min=0.05, max=60),
        metavar="SECONDS",
        default=2.0,
        show_default=True,
        help="How long to wait for answers.",
    )


def format_option(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option that says how it prints; the first format is the default."""
    return option(
        "--format", type=click.Choice(formats), default=formats[0], show_default=True, help="How to print it."
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest what was probably meant: `; did you mean 'fetch'?`, or nothing."""
    from difflib import get_close_matches  # only somebody who mistyped pays for it

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value:
        import eye

        click.echo(f"{PROGRAM} {eye.__version__}")
        ctx.exit()


def version_option() -> Option:
    """Make the option that says which version this is."""
    return Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Say which version this is.",
    )


def _take_config(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    del param
    from eye.cli.settings import defaults_for

    ctx.default_map = defaults_for(ctx.command, value)


def _take(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    setattr(ctx.obj, param.name or "", value)


def _take_log_level(ctx: click.Context, param: click.Parameter, value: str) -> None:
    ctx.obj.log_level = value
    ctx.obj.log_level_is_given = ctx.get_parameter_source(param.name or "") is not ParameterSource.DEFAULT


SHARED: tuple[Option, ...] = (
    _SharedOption(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_take_config,
        help="The configuration file.  [default: sorcerers_eye/config.toml in ~/.config]",
    ),
    _SharedOption(
        ["--cookie-file"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=_take,
        help="The secret that the nodes of a cluster share.  [default: sorcerers_eye/cookie in ~/.config]",
    ),
    _SharedOption(
        ["--connect"],
        multiple=True,
        metavar="HOST:PORT",
        expose_value=False,
        callback=_take,
        help="Where a node is that is not found by itself. May be repeated.",
    ),
    _SharedOption(
        ["--tls"],
        type=click.Choice(("auto", "always", "off")),
        default="auto",
        show_default="auto: beyond this machine",
        expose_value=False,
        callback=_take,
        help="Where connections between nodes are encrypted.",
    ),
    *(
        _SharedOption(
            [f"--tls-{what}"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_take,
            help=f"{said} (PEM), in place of the one derived from the cookie.",
        )
        for what, said in (
            ("cert", "This node's certificate"),
            ("key", "Its key"),
            ("ca", "The authority that signs the certificates"),
        )
    ),
    _SharedOption(
        ["--log-level"],
        type=click.Choice(LOG_LEVELS, case_sensitive=False),
        default="warning",
        show_default=True,
        expose_value=False,
        callback=_take_log_level,
        help="How much is told on stderr of what goes on inside.",
    ),
)
