"""A question as bytes, and the answer as bytes: the shape that `multiprocessing.managers` gave them.

    request   (service, method, arguments, {})      BaseManager's (ident, methodname, args, kwds), where kwds is
                                                    {"for": TEXT}, on whose behalf it is asked, or nothing
    reply     ('#RETURN', value)                    the method returned
              ('#ERROR', (kind, arguments))         it raised, or could not be asked

`ask` and `understand` are the asking side, `reply_to` the answering one. Nothing in here waits.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from eye.cluster import codec, frames
from eye.cluster.interconnect import Answer
from eye.errors import DecodeRefused, EncodeRefused, FrameTooLarge, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from eye.cluster.interconnect import Method, Service

# What is served: service name -> (the object, its methods by name, None). BaseManager keeps its
# shared objects in just this shape (`Server.id_to_obj`), and the engine uses that very table.
Table = dict[str, tuple[Any, "Mapping[str, Method]", None]]

_asker = threading.local()
_LONGEST_NAME = 120  # characters of whom something is asked for

_Request = tuple[str, str, msgspec.Raw, dict[str, msgspec.Raw]]
_Reply = tuple[str, msgspec.Raw]
_Error = tuple[str, tuple[Any, ...]]


def asked_by() -> str:
    """Say who asked for what this thread carries out: an address, a process of this machine; else «nobody».

    Where the other side named somebody on whose behalf it asks, that is said too. It is what that node claims.
    """
    who, behalf = getattr(_asker, "who", None), getattr(_asker, "behalf", "")
    return f"{who}, for {behalf}" if who and behalf else who or behalf or "nobody"


@contextmanager
def on_behalf_of(whom: str) -> Iterator[None]:
    """Ask, on this thread, for somebody: a person at a web view. The node that is asked writes it down."""
    before = getattr(_asker, "behalf", "")
    _asker.behalf = "".join(letter if letter.isprintable() else "?" for letter in whom[:_LONGEST_NAME])
    try:
        yield
    finally:
        _asker.behalf = before


@contextmanager
def asking(who: str) -> Iterator[None]:
    """Carry out, on this thread, what this peer asks for."""
    _asker.who = who
    try:
        yield
    finally:
        del _asker.who


def interrupt(table: Table) -> None:
    """Tell the services that their engine closes, so that whoever waits in them returns at once."""
    for service in {id(one[0]): one[0] for one in table.values()}.values():
        stop_waiting = getattr(service, "interrupt", None)
        if stop_waiting is not None:
            stop_waiting()


def table_of(services: Iterable[Service]) -> Table:
    """Put what the services expose into one table."""
    table: Table = {}
    for service in services:
        for method in service.exposed:
            _, methods, _ = table.setdefault(method.service, (service, {}, None))
            methods[method.name] = method  # type: ignore[index]
    return table


def ask(method: Method, args: tuple[Any, ...]) -> bytes:
    """Write the request.

    Raises:
        EncodeRefused, FrameTooLarge: when an argument may not cross.
    """
    if len(args) != len(method.takes):
        raise EncodeRefused(f"{method} takes {len(method.takes)} arguments, not {len(args)}")
    behalf = getattr(_asker, "behalf", "")
    kwds = {"for": behalf} if behalf else {}
    return _bounded(codec.encode((method.service, method.name, args, kwds), f"the arguments of {method}"))


def understand(method: Method, reply: bytes) -> Answer:
    """Read the reply to a request."""
    try:
        kind, payload = codec.decode(reply, _Reply)
        if kind == "#RETURN":
            return Answer(codec.decode_part(payload, method.gives))
        if kind == "#ERROR":
            return Answer(error=codec.revive_error(*codec.decode_part(payload, _Error)))
    except DecodeRefused as refused:
        return Answer(error=DecodeRefused(f"the answer to {method} is not what it should be: {refused}"))
    return Answer(error=DecodeRefused(f"the answer to {method} begins with {kind!r}"))


def read_request(body: bytes) -> tuple[str, str, msgspec.Raw, str]:
    """Take a request apart: the service, the method, the arguments as they came, and for whom it is asked.

    Raises:
        DecodeRefused: when it is no request.
    """
    service, name, args, kwds = codec.decode(body, _Request)
    behalf = codec.decode_part(kwds.pop("for"), str) if "for" in kwds else ""
    if kwds:
        raise DecodeRefused(f"{service}.{name} takes no arguments by name")
    return service, name, args, behalf


def reply_to(table: Table, body: bytes, crashed: Callable[[str, Exception], None]) -> bytes:
    """Carry out a request and write the reply. Runs the service's method on this thread.

    An error of the method goes back to whoever asked; `crashed` is told of those that arrive there as
    a `RemoteError`, for they are likely to be mistakes in the method.

    Raises:
        DecodeRefused: when the body is no request at all.
    """
    service, name, args, behalf = read_request(body)
    _, methods, _ = table.get(service, (None, {}, None))
    if name not in methods:
        return error_reply(LookupError(f"this node has no method {service}.{name}"))
    method = methods[name]
    try:
        values = codec.decode_part(args, tuple[method.takes])  # type: ignore[name-defined]
    except DecodeRefused as refused:
        return error_reply(DecodeRefused(f"{method} got other arguments than it takes: {refused}"))
    try:
        with on_behalf_of(behalf):
            answer = getattr(table[service][0], name)(*values)
        return _bounded(codec.encode(("#RETURN", answer), f"the answer of {method}"))
    # Whatever the method raises belongs to the caller; the thread goes on answering.
    except Exception as error:  # noqa: BLE001
        if not codec.is_known(error):
            crashed(str(method), error)
        return error_reply(error)


def error_reply(error: Exception) -> bytes:
    """Write the reply that says what went wrong."""
    try:
        return _bounded(codec.encode(("#ERROR", codec.describe_error(error))))
    except WireError as refused:
        return codec.encode(("#ERROR", codec.describe_error(refused)))


def _bounded(body: bytes) -> bytes:
    if len(body) > frames.AFTER_PROOF:
        raise FrameTooLarge(len(body), frames.AFTER_PROOF)
    return body
