"""Writes the files that browsers get, eye/web/static, from those that people read, eye/web/browser.

    python docs/shorten.py           after every change there
    python docs/shorten.py --check   says what is out of date, and ends with 1

The sources are plain modules that run as they are; what is left out is what a browser does not need: comments,
spaces, long local names. The results are part of the repository, so that an installation needs neither this
script nor `tdewolff-minify` (in the extra `test`, of one version: another would write other bytes).
"""

from __future__ import annotations

import sys
from pathlib import Path

import minify  # the package tdewolff-minify

_WEB = Path(__file__).parent.parent / "eye" / "web"
SOURCES, RESULTS = _WEB / "browser", _WEB / "static"
_TYPES = {".js": "application/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def shortened() -> dict[str, bytes]:
    """Make what each served file must contain, by name."""
    return {
        path.name: minify.string(_TYPES[path.suffix], path.read_text(encoding="utf-8")).encode() + b"\n"
        for path in sorted(SOURCES.iterdir())
        if path.suffix in _TYPES
    }


def out_of_date() -> list[str]:
    """Name the files of which source and result differ."""
    wanted = shortened()
    there = {path.name: path.read_bytes() for path in RESULTS.iterdir() if path.is_file()}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def main() -> int:
    """Write, or check."""
    differing = out_of_date()
    if "--check" in sys.argv:
        print("\n".join(differing) or "all is up to date")
        return 1 if differing else 0
    wanted = shortened()
    for name in differing:
        if name in wanted:
            (RESULTS / name).write_bytes(wanted[name])
        else:
            (RESULTS / name).unlink()
    print(f"{len(wanted)} files, {sum(map(len, wanted.values())):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
