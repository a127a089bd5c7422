"""Files that say who may look or act: never on a command line, where every user of the machine could read it.

    a token       one line: the token itself, or sha256: and its digest. Made at random where there is none
    passwords     a line for each person, NAME:HASH, as `sorcerers_eye passwd FILE NAME` writes it

Like the cookie, they are this user's alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
from pathlib import Path

from eye.cluster.security import create_private, read_private
from eye.errors import ConfigError, CookieUnusable, SecretUnusable

SHORTEST = 16
"""Characters of a token."""

_NAME = re.compile(r"[^\s:]{1,100}")
_HASH = re.compile(r"(scrypt:\d+:\d+:\d+|pbkdf2:\w+:\d+)\$[^$]+\$[0-9a-f]+")
_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})")


class Token:
    """One secret for all who may. Neither `str` nor `repr` shows it."""

    kind = "token"

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def name_of(self, name: str, secret: str) -> str | None:
        """Answer who that is, if the secret is right. The name does not matter."""
        del name
        given = hashlib.sha256(secret.encode(errors="replace")).digest()
        return "token" if hmac.compare_digest(given, self._digest) else None

    def mark(self, name: str) -> str | None:
        """Answer what changes when the secret does; None if there is no such person."""
        return self._digest.hex() if name == "token" else None


class Passwords:
    """People with passwords, of which only hashes are known."""

    kind = "basic"

    def __init__(self, hashes: dict[str, str]) -> None:
        self._hashes = hashes
        self._nobody = hash_of("nobody has this password")

    def name_of(self, name: str, secret: str) -> str | None:
        """Answer who that is, if the password is right. It takes the same time for who is not known."""
        from werkzeug.security import check_password_hash

        is_right = check_password_hash(self._hashes.get(name, self._nobody), secret)
        return name if is_right and name in self._hashes else None

    def mark(self, name: str) -> str | None:
        return self._hashes.get(name)


def hash_of(password: str) -> str:
    """Hash a password (scrypt)."""
    from werkzeug.security import generate_password_hash

    return generate_password_hash(password)


def load(way: str) -> Token | Passwords | None:
    """Read who may: `token:FILE`, `basic:FILE` or `none`.

    Raises:
        ConfigError: it is none of these.
        SecretUnusable: the file cannot be used. The sentence says what to do.
    """
    kind, _, place = way.partition(":")
    if way == "none":
        return None
    if kind not in ("token", "basic") or not place:
        raise ConfigError(f"create_blueprint: login must be token:FILE, basic:FILE or none, not {way!r}")
    path = Path(place).expanduser()
    return load_passwords(path) if kind == "basic" else Token(_digest_of(_token_line(path), path))


def load_token(path: Path) -> str:
    """Read a token itself; make the file, with a random one, if there is none.

    Raises:
        SecretUnusable: the file cannot be used, or has only a digest.
    """
    line = _token_line(path)
    if line.startswith("sha256:"):
        raise SecretUnusable(str(path), "here the token itself is needed, not its digest")
    return line


def _token_line(path: Path) -> str:
    if not os.path.lexists(path):
        try:
            create_private(path)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            problem = (
                f"there is none, and it cannot be made: {why}. Make it where that can be read, or name another"
            )
            raise SecretUnusable(str(path), problem) from None
    lines = _lines(path)
    if len(lines) != 1 or len(lines[0]) < SHORTEST:
        raise SecretUnusable(str(path), f"a token is one line of at least {SHORTEST} characters")
    return lines[0]


def load_passwords(path: Path) -> Passwords:
    """Read people and their passwords' hashes."""
    hashes = {}
    for number, line in enumerate(_lines(path), start=1):
        name, _, hashed = line.partition(":")
        if not _NAME.fullmatch(name) or not _HASH.fullmatch(hashed):
            problem = f"line {number} is not NAME:HASH with a hash of scrypt or pbkdf2"
            raise SecretUnusable(str(path), f"{problem}; sorcerers_eye passwd writes them")
        hashes[name] = hashed
    if not hashes:
        raise SecretUnusable(str(path), "it names nobody; sorcerers_eye passwd FILE NAME does")
    return Passwords(hashes)


def set_password(path: Path, name: str, password: str) -> None:
    """Write a person's line, in place of the one there was.

    Raises:
        SecretUnusable: the name or the file cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise SecretUnusable(str(path), f"a name has no blank and no colon, unlike {name!r:.60}")
    there = _lines(path) if os.path.lexists(path) else []
    kept = [line for line in there if line.partition(":")[0] != name]
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write("".join(f"{line}\n" for line in [*kept, f"{name}:{hash_of(password)}"]))
        os.replace(aside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)  # half of it may be there, on a disk that is full
        raise SecretUnusable(str(path), (error.strerror or str(error)).lower()) from None


def _digest_of(line: str, path: Path) -> bytes:
    if line.startswith("sha256:"):
        found = _DIGEST.fullmatch(line)
        if found is None:
            raise SecretUnusable(str(path), "after sha256: come 64 digits of 0-9 and a-f")
        return bytes.fromhex(found[1])
    return hashlib.sha256(line.encode()).digest()


def _lines(path: Path) -> list[str]:
    try:
        text = read_private(path)
    except CookieUnusable as refused:
        raise SecretUnusable(str(path), str(refused)) from None
    except UnicodeDecodeError:
        raise SecretUnusable(str(path), "it is not text") from None
    except OSError as error:
        raise SecretUnusable(str(path), (error.strerror or str(error)).lower()) from None
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
