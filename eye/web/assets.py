"""The browser's files: one module, one stylesheet, one picture. Read once, served from memory.

Every file has two addresses. Under `static/DIGEST/` it may be kept for ever, for the digest is that of all
files together: modules import each other by relative name, so they must be of one moment, and they are,
because they lie in one folder. Under `static/` a page elsewhere can name it (`static/element.js`), and
its browser asks each time whether it is still the same.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "static"
# Not asked from `mimetypes`: what .js is there depends on the machine.
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """A file as it is sent."""

    body: bytes
    content_type: str


class Assets(NamedTuple):
    """All files by name, and the digest that stands for exactly these."""

    files: dict[str, Asset]
    digest: str


@cache
def load() -> Assets:
    """Read the files that belong to this version of the package."""
    files = {
        path.name: Asset(path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }
    mark = sha256()
    for name, asset in files.items():
        mark.update(f"{name}:{len(asset.body)}:".encode())
        mark.update(asset.body)
    return Assets(files, mark.hexdigest()[:16])
