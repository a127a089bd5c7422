"""What crosses comes back as it went; what must not cross is refused; nothing that comes breaks anything."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eye import errors
from eye.cluster import codec, dispatch
from eye.cluster.interconnect import Method
from eye.cluster.node import Member, NodeInfo, Status
from eye.cluster.registry import Digest
from eye.errors import DecodeRefused, EncodeRefused, RemoteError, WireError

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=40,
)
MEMBER = Member("a", "127.0.0.1:1", "boot", 1.5, Status.SUSPECT, 2.5, None, "silent")


@given(PLAIN)
def test_plain_data_comes_back_as_it_went(value: Any) -> None:
    assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (MEMBER, Member),
        (NodeInfo("a", "b", "c", 1.0), NodeInfo),
        (Digest(MEMBER.info, 1.0, 3, (MEMBER,), None), Digest),
        (Digest(MEMBER.info, 1.0, 3), Digest),
    ],
)
def test_typed_values_come_back_as_themselves(value: Any, type_: type) -> None:
    assert codec.decode(codec.encode(value), type_) == value


@pytest.mark.parametrize("value", [object(), 2**64, -(2**64), "\ud800", {"a": [object()]}, type, 1j])
def test_what_is_no_data_is_refused(value: Any) -> None:
    with pytest.raises(EncodeRefused, match="cannot send this value: "):
        codec.encode(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(EncodeRefused, match="nested deeper than 100 values"):
        codec.encode(endless)


@settings(max_examples=500)
@given(
    st.binary(max_size=200), st.sampled_from([Any, Digest, list[Member], tuple[str, int], dict[str, Any], Status])
)
def test_random_bytes_never_raise_anything_but_a_wire_error(body: bytes, wanted: Any) -> None:
    try:
        codec.decode(body, wanted)
    except WireError:
        pass


@settings(max_examples=500)
@given(PLAIN, st.data())
def test_damaged_bytes_never_raise_anything_but_a_wire_error(value: Any, data: st.DataObject) -> None:
    body = bytearray(codec.encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        codec.decode(bytes(body))
    except WireError:
        pass


@pytest.mark.parametrize(
    "begin",
    [
        b"\x91",
        b"\x81\xa1a",
        b"\xdc\x00\x01",
        b"\xdd\x00\x00\x00\x01",
        b"\xde\x00\x01\xa1a",
        b"\xdf\x00\x00\x00\x01\x01",
    ],
)
@pytest.mark.parametrize("wanted", [Any, msgspec.Raw, tuple[str, msgspec.Raw], Digest])
def test_deep_nesting_is_refused_before_it_can_exhaust_the_stack(begin: bytes, wanted: Any) -> None:
    outcomes: list[BaseException] = []

    def decode() -> None:
        for depth in (101, 1000, 100_000):
            try:
                codec.decode(begin * depth + b"\xc0", wanted)
            except DecodeRefused as refused:
                outcomes.append(refused)

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=decode)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()

    assert len(outcomes) == 3
    assert all("nested deeper than 100 values" in str(outcome) for outcome in outcomes)


def test_nesting_as_deep_as_allowed_and_any_width_is_fine() -> None:
    value: Any = None
    for _ in range(codec.MAX_DEPTH):
        value = [value]
    wide = [[number, {"k": [b"\x91" * 200, "x" * 300, -1, 1.5]}] for number in range(500)]

    assert codec.decode(codec.encode(value)) == value
    assert codec.decode(codec.encode(wide)) == wide


@given(PLAIN)
def test_the_depth_that_is_counted_is_the_depth_there_is(value: Any) -> None:
    def depth(value: Any) -> int:
        if isinstance(value, dict):
            return 1 + max(map(depth, value.values()), default=0)
        return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0

    nested: Any = value
    for _ in range(codec.MAX_DEPTH - max(1, depth(value))):
        nested = [nested, None]

    assert codec.decode(codec.encode(nested)) == nested
    if depth(value):
        # An empty container at the bottom costs no stack, and is not counted.
        with pytest.raises(EncodeRefused):
            codec.encode([[nested, None], None])


# ---------------------------------------------------------------------------------------- errors

_GIVEN: dict[str, Any] = {"seconds": 1.5, "size": 2, "limit": 1, "at": 3, "count": 5, "most": 4, "ago": 9.5}
_GIVEN |= {"kept": 3.5, "problems": ((1, 2, "text", "text"),)}

EYE_ERRORS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.EyeError)
]


@pytest.mark.parametrize("kind", EYE_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_arrives_as_itself(kind: type[errors.EyeError]) -> None:
    own = kind.__init__
    names = inspect.signature(own).parameters.values() if inspect.isfunction(own) else ()
    wanted = [_GIVEN.get(one.name, "text") for one in names if one.name != "self"]
    error = kind(*(wanted or ["text"]))

    said = codec.decode(codec.encode(codec.describe_error(error)), tuple[str, tuple[Any, ...]])
    revived = codec.revive_error(*said)

    assert type(revived) is kind
    assert str(revived) == str(error)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("k"), LookupError(), TimeoutError("t")])
def test_what_a_caller_may_catch_arrives_as_itself(error: Exception) -> None:
    revived = codec.revive_error(*codec.describe_error(error))

    assert type(revived) is type(error)
    assert revived.args == error.args


@pytest.mark.parametrize("error", [OSError(2, "no"), ZeroDivisionError("by zero"), SystemExit(3), MemoryError()])
def test_any_other_error_arrives_as_a_remote_error(error: BaseException) -> None:
    revived = codec.revive_error(*codec.describe_error(error))

    assert type(revived) is RemoteError
    assert type(error).__name__ in str(revived)


@given(st.text(), st.lists(PLAIN, max_size=4))
def test_whatever_a_peer_says_went_wrong_is_an_error_that_can_be_printed(kind: str, args: list[Any]) -> None:
    for name in (
        kind,
        "ValueError",
        "eye.errors.NameTaken",
        "eye.errors.DeadlineExceeded",
        "eye.errors.FrameTooLarge",
    ):
        assert isinstance(str(codec.revive_error(name, tuple(args))), str)


def test_an_error_may_be_registered() -> None:
    class OrderRefused(Exception):
        pass

    codec.register_error(OrderRefused)

    assert type(codec.revive_error(*codec.describe_error(OrderRefused("sold out")))) is OrderRefused


# -------------------------------------------------------------------------------------- requests


class Counter:
    exposed = (Method("counter", "add", (int, int), int),)

    def add(self, one: int, other: int) -> int:
        return one + other


TABLE = dispatch.table_of([Counter()])
ADD = Counter.exposed[0]


def no_crash(method: str, error: Exception) -> None:
    raise AssertionError(method) from error


def test_a_request_and_its_reply() -> None:
    reply = dispatch.reply_to(TABLE, dispatch.ask(ADD, (1, 2)), no_crash)

    assert dispatch.understand(ADD, reply).get() == 3
    assert codec.decode(reply) == ["#RETURN", 3]
    assert codec.decode(dispatch.ask(ADD, (1, 2))) == ["counter", "add", [1, 2], {}]


@settings(max_examples=300)
@given(
    st.binary(max_size=100)
    | PLAIN.map(codec.encode)
    | st.tuples(st.text(), st.text(), PLAIN, PLAIN).map(codec.encode)
)
def test_a_request_of_random_bytes_is_refused_or_answered(body: bytes) -> None:
    try:
        reply = dispatch.reply_to(TABLE, body, no_crash)
    except WireError:
        return
    assert isinstance(dispatch.understand(ADD, reply).error, Exception)


@settings(max_examples=300)
@given(st.binary(max_size=100) | PLAIN.map(codec.encode) | st.tuples(st.just("#ERROR"), PLAIN).map(codec.encode))
def test_a_reply_of_random_bytes_is_an_answer_of_some_kind(reply: bytes) -> None:
    answer = dispatch.understand(ADD, reply)

    assert answer.error is not None or isinstance(answer.value, int)
