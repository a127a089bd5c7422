"""Known types to bytes and back: MessagePack through msgspec, never pickle.

What crosses is plain data (None, truth values, numbers, text, bytes, lists, maps) and the typed values
that a `Method` names: msgspec writes those as plain data too, and builds them on arrival only if they
are exactly what the method takes or gives. So a peer can send nothing but data, and nothing that it
sends decides which class is made of it.

Errors cross as a kind and its arguments. A few kinds that a caller may want to catch (`ValueError`,
`KeyError`, `LookupError`, `TimeoutError`, the classes of `eye.errors`, and what `register_error` adds)
arrive as themselves; all others as `RemoteError`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from eye import errors
from eye.errors import DecodeRefused, EncodeRefused, EyeError, RemoteError

MAX_DEPTH = 100  # values within values
_LONGEST_TEXT = 2000  # characters of an error's text
_MOST_ARGUMENTS, _DEEPEST_ARGUMENT = (
    100,
    2,
)  # of tuples among an error's arguments


def encode(value: Any, what: str = "this value") -> bytes:
    """Turn a value into bytes. `what` says in the error what it was.

    Raises:
        EncodeRefused: when something in it is neither plain data nor a typed value, or when it is nested
            deeper than `MAX_DEPTH`.
    """
    try:
        body = _encoder.encode(value)
        _check_depth(body)
        return body
    except (TypeError, ValueError, OverflowError, RecursionError) as refused:
        raise EncodeRefused(f"cannot send {what}: {_sentence(refused)}") from None


def decode(body: bytes, wanted: Any = Any) -> Any:
    """Turn bytes into a value of the wanted type.

    Raises:
        DecodeRefused: when they are no MessagePack, or another type, or nested deeper than `MAX_DEPTH`.
    """
    try:
        _check_depth(body)
        return _decoder(wanted).decode(body)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as refused:
        raise DecodeRefused(_sentence(refused)) from None


def decode_part(part: msgspec.Raw, wanted: Any = Any) -> Any:
    """Turn a part that `decode` left as it came into a value of the wanted type.

    Raises:
        DecodeRefused: as `decode` does.
    """
    try:
        return _decoder(wanted).decode(part)  # how deep it is nested has been seen with the whole
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as refused:
        raise DecodeRefused(_sentence(refused)) from None


def describe_error(error: BaseException) -> tuple[str, tuple[Any, ...]]:
    """Say what an error is in plain data: its kind and its arguments.

    An argument that is no plain data goes as its text.
    """
    return _name_of(type(error)), tuple(_plain(argument) for argument in _arguments_of(error))


def revive_error(kind: str, args: tuple[Any, ...]) -> Exception:
    """Make the error again, as itself if its kind is known here, else as a `RemoteError`."""
    known = _revivable.get(kind)
    if known is not None:
        try:
            revived = known(*map(_tupled, args))
            str(revived)  # an error that cannot even be printed helps nobody
        except (TypeError, ValueError, AttributeError):
            pass  # the other side has another version of the class
        else:
            return revived
    return RemoteError(kind, ", ".join(map(str, args))[:_LONGEST_TEXT])


def register_error(kind: type[Exception]) -> type[Exception]:
    """Let errors of this class arrive as themselves. Its `args` must be what its `__init__` takes."""
    _revivable[_name_of(kind)] = kind
    return kind


def is_known(error: BaseException) -> bool:
    """Whether this error arrives as itself."""
    return _revivable.get(_name_of(type(error))) is type(error)


def _refuse(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} is neither plain data nor a type made for crossing")


_encoder = msgspec.msgpack.Encoder(enc_hook=_refuse)


@cache
def _decoder(wanted: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(wanted)


def _sentence(refused: BaseException) -> str:
    if isinstance(refused, RecursionError):
        return f"nested deeper than {MAX_DEPTH} values"
    text = str(refused)
    return (text[:1].lower() + text[1:]).replace("\n", " ")[:_LONGEST_TEXT]


def _name_of(kind: type[BaseException]) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _arguments_of(error: BaseException) -> tuple[Any, ...]:
    # Not `args`: OSError, and so TimeoutError, keeps only two of three there, but pickles all.
    reduced = error.__reduce__()
    made_of = reduced[1] if isinstance(reduced, tuple) and len(reduced) > 1 else error.args
    return made_of if isinstance(made_of, tuple) else error.args


def _plain(argument: Any, depth: int = 0) -> Any:
    if isinstance(argument, tuple) and depth < _DEEPEST_ARGUMENT:
        return tuple(_plain(one, depth + 1) for one in argument[:_MOST_ARGUMENTS])
    if argument is None or isinstance(argument, bool | int | float):
        return argument if _fits(argument) else str(argument)
    return str(argument).encode(errors="replace").decode()[:_LONGEST_TEXT]


def _tupled(argument: Any) -> Any:
    return tuple(map(_tupled, argument)) if isinstance(argument, list) else argument


def _fits(number: float | None) -> bool:
    return not isinstance(number, int) or -(2**63) <= number < 2**64


_revivable: dict[str, type[Exception]] = {}
for _kind in (ValueError, KeyError, LookupError, TimeoutError):
    register_error(_kind)
for _kind in vars(errors).values():
    if isinstance(_kind, type) and issubclass(_kind, EyeError):
        register_error(_kind)


# -------------------------------------------------------------------------------------------------
# How deep are values within values? msgspec goes down the C stack, one call for each level, and
# trusts Python's recursion limit to stop it: on a thread with a small stack, or from Python 3.12 on
# (where C may recurse 10,000 deep), 100 kB of b"\x91" ended the whole process (msgspec 0.22). So
# somebody has to count first. Nesting to depth n takes at least n bytes that begin a container, and
# counting those costs next to nothing; only where there are many is the structure walked through.

_BEGINS_NO_CONTAINER = bytes(set(range(256)) - set(range(0x80, 0xA0)) - {0xDC, 0xDD, 0xDE, 0xDF})
_FIXED = {0xC0: 0, 0xC1: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
_FIXED |= {0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}
_SIZED = {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)}
_SIZED |= {0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)}  # first byte: (bytes of its length, bytes besides)
_CONTAINERS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}  # (bytes of its count, values each)


def _check_depth(body: bytes) -> None:
    if len(body) > MAX_DEPTH and len(body.translate(None, _BEGINS_NO_CONTAINER)) > MAX_DEPTH:
        _walk(body)


def _walk(body: bytes) -> None:
    left: list[int] = []  # values still to come, in each open container
    at, end = 0, len(body)
    while at < end:
        first = body[at]
        at += 1
        inside = 0
        if first < 0x80 or first >= 0xE0:
            pass  # a small number
        elif first < 0x90:
            inside = 2 * (first & 0x0F)
        elif first < 0xA0:
            inside = first & 0x0F
        elif first < 0xC0:
            at += first & 0x1F
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _SIZED:
            wide, besides = _SIZED[first]
            at += wide + besides + int.from_bytes(body[at : at + wide], "big")
        else:
            wide, each = _CONTAINERS[first]
            inside = each * int.from_bytes(body[at : at + wide], "big")
            at += wide
        if inside:
            left.append(inside)
            if len(left) > MAX_DEPTH:  # told as msgspec tells it
                raise RecursionError
            continue
        while left:
            left[-1] -= 1
            if left[-1]:
                break
            left.pop()
