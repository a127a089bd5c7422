"""What processes on different nodes send each other: plain data, and values of the types that were made known.

    @crosses
    class Total(NamedTuple):
        since: float

A message of such a type arrives as one, on every node whose program has made it known too (under the same name);
its fields are read as the types that they are annotated with. Whatever lies inside plain data is plain data:
a tuple arrives as a list. Anything else is refused where it is sent. Nothing that arrives is ever executed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

from eye.cluster import codec
from eye.errors import DecodeRefused, EncodeRefused
from eye.supervision.reasons import NOCONNECTION, NOPROC, Crash, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", bound=type)

_LONGEST_TEXT = 20_000  # characters of a traceback, or of a detail that is told as its text


class Parcel(msgspec.Struct, frozen=True):
    """A value, packed: the name of its type, None for plain data, and MessagePack."""

    kind: str | None
    body: bytes


class ToldReason(msgspec.Struct, frozen=True):
    """An exit reason, packed. A detail that is no plain data goes as its text."""

    word: str
    detail: bytes
    traceback: str | None = None  # of a crash


@overload
def crosses(kind: T) -> T: ...
@overload
def crosses(kind: str) -> Callable[[T], T]: ...
def crosses(kind: Any) -> Any:
    """Make a type known, so that its values cross to other nodes: a dataclass, `NamedTuple` or `msgspec.Struct`.

    It goes by its module and name, or by the name that is given: `@crosses("shop.Total")`, where the module is
    called differently in different programs.

    Raises:
        EncodeRefused: it is none of these, or one of its fields has a type that cannot cross.
    """
    if isinstance(kind, str):
        return lambda given: _make_known(given, kind)
    return _make_known(kind, f"{kind.__module__}.{kind.__qualname__}")


def _make_known(kind: Any, name: str) -> Any:
    if not _is_typed(kind):
        raise EncodeRefused(f"{name} cannot cross: it is no dataclass, NamedTuple or msgspec.Struct")
    _names[kind] = name
    _kinds[name] = kind
    return kind


def pack(value: Any) -> Parcel:
    """Pack a value.

    Raises:
        EncodeRefused: it is neither plain data nor of a type that was made known.
    """
    kind = _names.get(type(value))
    if kind is None and _is_typed(type(value)):
        name = type(value).__qualname__
        raise EncodeRefused(f"cannot send this {name}: make the type known with @crosses, on both nodes")
    return Parcel(kind, codec.encode(value, "this message"))


def unpack(parcel: Parcel) -> Any:
    """Unpack a value.

    Raises:
        DecodeRefused: its type is not known here, or is another here.
    """
    if parcel.kind is None:
        return codec.decode(parcel.body)
    kind = _kinds.get(parcel.kind)
    if kind is None:
        raise DecodeRefused(f"type {parcel.kind} is not known here: make it known with @crosses, on both nodes")
    try:
        return codec.decode(parcel.body, kind)
    except (TypeError, NameError) as error:  # its annotations cannot be read
        raise DecodeRefused(f"type {parcel.kind} cannot be read here: {error}") from None


def pack_reason(reason: Reason) -> ToldReason:
    """Pack an exit reason; whatever it is, something of it crosses."""
    traceback = reason.traceback[-_LONGEST_TEXT:] if isinstance(reason, Crash) else None
    try:
        detail = codec.encode(reason.detail)
    except EncodeRefused:
        detail = b""
    if not detail or len(detail) > _LONGEST_TEXT:
        detail = codec.encode(_text(reason.detail))
    return ToldReason(reason.word[:_LONGEST_TEXT], detail, traceback)


def unpack_reason(told: ToldReason) -> Reason:
    """Unpack an exit reason."""
    detail = codec.decode(told.detail)
    if told.traceback is not None:
        return Crash(told.word, detail, told.traceback)
    same = _SAME.get(told.word) if detail is None else None
    return same or Reason(told.word, detail)


def _text(value: Any) -> str:
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - a stranger's __str__ must not keep an exit from being told
        text = f"<{type(value).__name__}>"
    return text.encode(errors="replace").decode()[:_LONGEST_TEXT]


def _is_typed(kind: type) -> bool:
    is_named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return is_named_tuple or dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct)


_SAME = {one.word: one for one in (NOPROC, NOCONNECTION)}  # told apart by identity
_names: dict[type, str] = {}
_kinds: dict[str, type] = {}
