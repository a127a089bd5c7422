"""`sorcerers_eye`: from the arguments to the exit code.

    0  fine                      2  wrong usage
    1  failed                    3  some node did not answer

Whatever goes wrong is one sentence on stderr. A reader that goes away (`| head -1`) is no error.
"""

from __future__ import annotations

import errno
import gc
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from eye.cli.options import PROGRAM, Shared
from eye.cli.screen import hush, tell
from eye.errors import BadAddress, BadNodeName, BadRules, ConfigError, EyeError, UnknownMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

FINE, FAILED, WRONG_USAGE, NO_ANSWER, INTERRUPTED = 0, 1, 2, 3, 130

_CANNOT_BE_WRITTEN = (errno.EPIPE, errno.ENOSPC, errno.EFBIG, errno.EIO)
_WRONG_USAGE = (ConfigError, BadAddress, BadNodeName, BadRules, UnknownMetric)


_MANY = 10_000
"""Objects that are new, after which Python looks among them for garbage; of itself it does after 700."""


def run() -> NoReturn:
    """Run the program: what the console scripts call."""
    gc.set_threshold(_MANY, *gc.get_threshold()[1:])  # most are of modules that are loaded, and no garbage
    code = execute()
    gc.freeze()  # it all goes with the process, and need not be gone through several times before
    sys.exit(code)


def execute(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line, and answer its exit code. Nothing is raised."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without «●» gets a question mark, no traceback
    try:
        code = _execute(list(sys.argv[1:] if arguments is None else arguments))
        _flush()
    except BrokenPipeError:  # on stdout or stderr, even while an error was being told
        hush()
        return FINE
    except OSError as error:  # the disk is full, say
        hush()
        return _say(f"cannot write the result: {(error.strerror or str(error)).lower()}")
    return code


def _execute(arguments: list[str]) -> int:
    from eye.cli.group import make_group

    shared = Shared()
    try:
        group = make_group()
        with group.make_context(PROGRAM, arguments, obj=shared) as ctx:
            return int(group.invoke(ctx) or FINE)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        _tell_wrong_usage(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except OSError as error:
        if error.errno in _CANNOT_BE_WRITTEN:
            raise
        return _tell_unexpected(error, shared)
    except EyeError as error:
        _say(str(error))
        _point(error)
        return WRONG_USAGE if isinstance(error, _WRONG_USAGE) else FAILED
    # The outermost edge: a person at a terminal is told in one sentence, and where to find the rest.
    except Exception as error:  # noqa: BLE001
        return _tell_unexpected(error, shared)


def _tell_unexpected(error: Exception, shared: Shared) -> int:
    if shared.wants_traceback:
        import traceback

        traceback.print_exception(error)
        return FAILED
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return _say(f"something unexpected happened: {said}. With --log-level debug you see the traceback")


def _tell_wrong_usage(error: click.ClickException) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    message = " ".join(error.format_message().split())
    message = (message[:1].lower() + message[1:]).rstrip(".")
    ctx = getattr(error, "ctx", None)
    end = "" if message.endswith("?") else "."
    _say(f"{message}{end} See {ctx.command_path if ctx is not None else PROGRAM} --help")
    _point(error)


def _point(error: Exception) -> None:
    """Show the characters that are wrong, where the error knows them."""
    for line in getattr(error, "pointed", "").splitlines():
        click.echo(f"    {line}", err=True)


def _say(sentence: str) -> int:
    tell(sentence)
    return FAILED


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


if __name__ == "__main__":
    run()
