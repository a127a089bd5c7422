"""Writes the files that browsers get, eye/web/static, from those that people read, eye/web/browser.

    python docs/shorten.py           after every change there
    python docs/shorten.py --check   says what is out of date, and ends with 1

The sources are plain modules that run as they are. A browser gets one: the modules that `element.js` imports, each
once and after those it needs itself, without what only people need: comments, spaces, long names, `const`. For
that a name at the top of a module must be its alone, and is imported as it is called; and what `_OURS` names must
be no member of anything but our own objects. The results are part of the repository, so that an installation needs
neither this script nor `tdewolff-minify` (in the extra `test`, of one version: another would write other bytes).
"""

from __future__ import annotations

import itertools
import re
import string
import sys
from pathlib import Path

import minify  # the package tdewolff-minify

_WEB = Path(__file__).parent.parent / "eye" / "web"
SOURCES, RESULTS = _WEB / "browser", _WEB / "static"
FIRST = "element.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)
_LETTERS = [*string.ascii_letters, *map("".join, itertools.product(string.ascii_letters, repeat=2))]
_VARIABLE = re.compile(r"--(?!eye-)([\w-]+):")
_STYLE = (
    (r"/\*.*?\*/", ""),
    (r"\s+", " "),
    (r"(?<=[{};,>]) | (?=[{};,>!])", ""),
    (r"(?<=[a-z]): (?=[^{}]*[;})])", ":"),
    (r";}", "}"),
    (r'="([a-z]+)"\]', r"=\1]"),
    (r"::(before|after)", r":\1"),
)
_PRIVATE = re.compile(r"#([a-zA-Z_]\w*)(?=[\s(=;,.?)\]}\[&|<>+*/:!-])")
_CONST = re.compile(r"(^\s*|\bfor \()const (?=[\w\[{])", re.MULTILINE)
_OURS = r"""again allow broken cluster collect connection element followers heard hides isFolded moment
    on[A-Z]\w+ pulse receipt refused retry server upTo"""
_OUR = re.compile(rf"(?<=[.{{,])({'|'.join(_OURS.split())})(?![\w\s'\"`-])")


def shortened() -> dict[str, bytes]:
    """Make what each served file must contain, by name."""
    pictures = {path.name: _short(path.read_text("utf-8"), "image/svg+xml") for path in SOURCES.glob("*.svg")}
    sheets = {path.name: _short_style(path.read_text("utf-8")) for path in SOURCES.glob("*.css")}
    whole = _CONST.sub(r"\1let ", one_module(SOURCES / FIRST))
    script = _short(f"(()=>{{{whole}}})()", "application/javascript")
    made = {FIRST: _short_names(_short_names(script, _PRIVATE, "#"), _OUR, ""), **sheets}
    variables = sorted(set(_VARIABLE.findall("".join(sheets.values()))))
    any_variable = re.compile(rf"--({'|'.join(variables)})(?![\w-])")
    made = {name: _short_names(text, any_variable, "--", variables) for name, text in made.items()}
    return {name: text.encode() + b"\n" for name, text in (made | pictures).items()}


def one_module(first: Path) -> str:
    """Join a module and those that it imports into one text."""
    texts: dict[Path, str] = {}

    def add(path: Path) -> None:
        if path in texts:
            return
        text = path.read_text("utf-8")
        texts[path] = ""  # a circle of imports ends here
        for name in _IMPORT.findall(text):
            add(path.parent / name)
        whole = re.sub(r"^export (?!\{)", "", _IMPORT.sub("", text), flags=re.MULTILINE)
        left = re.search(r"^(import|export)\b.*", whole, re.MULTILINE)
        assert left is None, f"{path.name}: write {left and left[0]!r} as the other modules do"
        texts[path] = texts.pop(path) or _with_arrows(whole)  # moved behind what it needs

    add(first)
    return "".join(texts.values())


def _with_arrows(text: str, indent: str = "") -> str:
    """Write functions as arrows, which are shorter. Those within a function come first there: so they count."""

    def arrow(found: re.Match[str]) -> str:
        is_async, name, arguments, body = found.groups(default="")
        within = _functions(indent + "  ")
        inner = "".join(each[0] for each in within.finditer(body))
        whole = _with_arrows(inner, indent + "  ") + within.sub("", body) if inner else body
        return f"{indent}const {name} = {is_async}{arguments} => {{\n{whole}{indent}}};\n"

    return _functions(indent).sub(arrow, text)


def _functions(indent: str) -> re.Pattern[str]:
    opening = rf"^{indent}(async )?function (\w+)(\([^\n]*\)) {{\n"
    return re.compile(rf"{opening}(.*?)^{indent}}}\n", re.MULTILINE | re.DOTALL)


def _short(text: str, kind: str) -> str:
    return minify.string(kind, text)


def _short_style(text: str) -> str:
    """The package leaves nested rules as they are, blanks and all."""
    for pattern, short in _STYLE:
        text = re.sub(pattern, short, text, flags=re.DOTALL)
    return text.strip()


def _short_names(text: str, any_name: re.Pattern[str], before: str, known: list[str] | None = None) -> str:
    """Private names are a class's own affair; variables of the style are ours unless they begin with `eye-`."""
    names = dict(zip(known or [], _LETTERS, strict=False))
    return any_name.sub(lambda found: before + names.setdefault(found[1], _LETTERS[len(names)]), text)


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
