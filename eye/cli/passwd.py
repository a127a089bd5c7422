"""`sorcerers_eye passwd`: give somebody a password for the web view."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from eye.cli.options import Shared
from eye.cli.options import command as make_command

_EXAMPLE = """\
sorcerers_eye passwd people alice
sorcerers_eye start --name a --web 0.0.0.0:8080 --web-login basic:people"""

_HELP = """Give somebody a password for the web view.

NAME's line in FILE is written, or written anew: a hash (scrypt), never the password. It is asked for twice, or
read from stdin when that is no terminal. A web view that runs takes it over when it is started again.
"""

_SHORTEST = 8  # characters


@make_command("passwd", help=_HELP, example=_EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("name")
def command(shared: Shared, file: Path, name: str) -> int:
    del shared
    from eye.cli.screen import news
    from eye.web.secret_files import set_password

    if sys.stdin.isatty():
        password = click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if len(password) < _SHORTEST:
        raise click.UsageError(f"a password has at least {_SHORTEST} characters")
    set_password(file, name, password)
    news(f"{name} has a password in {file}; say --web-login basic:{file} where the view is served")
    return 0
