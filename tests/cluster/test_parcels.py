"""What may cross from node to node, what arrives of it, and that nothing else does."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.cluster.parcels import Parcel, ToldReason, crosses, pack, pack_reason, unpack, unpack_reason
from eye.errors import DecodeRefused, EncodeRefused
from eye.supervision import NOPROC, Crash, Reason, Request


@crosses
class Total(NamedTuple):
    since: float
    of: list[str]


@crosses("shop.Line")
@dataclasses.dataclass(frozen=True)
class Line(Request[int]):
    item: str
    count: int = 1


@crosses
class Basket(msgspec.Struct):
    lines: list[Line]


class Stranger(NamedTuple):
    x: int


class Vain(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [Total(1.5, ["a"]), Line("pen", 3), Basket([Line("pen"), Line("ink", 2)])])
def test_a_value_of_a_known_type_arrives_as_one(value: Any) -> None:
    assert unpack(pack(value)) == value


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_plain_data_arrives_as_it_is(value: Any) -> None:
    assert unpack(pack(value)) == value


def test_tuples_arrive_as_lists() -> None:
    assert unpack(pack(("a", (1, 2)))) == ["a", [1, 2]]


@pytest.mark.parametrize("value", [object(), lambda: 0, Stranger(1), [object()], {"x": print}])
def test_anything_else_is_refused_where_it_is_sent(value: Any) -> None:
    with pytest.raises(EncodeRefused, match="cannot send"):
        pack(value)


def test_a_type_that_is_not_known_here_is_refused_with_the_remedy() -> None:
    with pytest.raises(DecodeRefused, match="@crosses, on both nodes"):
        unpack(Parcel("no.such.Type", b"\x90"))


def test_a_value_that_is_not_of_its_type_is_refused() -> None:
    with pytest.raises(DecodeRefused):
        unpack(Parcel("shop.Line", pack(["pen", "many"]).body))


def test_only_typed_records_can_be_made_known() -> None:
    with pytest.raises(EncodeRefused, match="no dataclass"):
        crosses(int)


@pytest.mark.parametrize(
    "reason",
    [Reason("normal"), Reason("shutdown", "gone fishing"), Reason("exit", [1, {"x": None}]), NOPROC,
     Crash("ValueError", "no such disk", "Traceback: …")],
)  # fmt: skip
def test_a_reason_arrives_unchanged(reason: Reason) -> None:
    told = unpack_reason(pack_reason(reason))

    assert told == reason
    assert type(told) is type(reason)
    assert getattr(told, "traceback", None) == getattr(reason, "traceback", None)


def test_a_reason_that_cannot_cross_arrives_as_its_text() -> None:
    assert unpack_reason(pack_reason(Reason("exit", ValueError("x" * 50_000)))).detail == "x" * 20_000
    assert unpack_reason(pack_reason(Reason("exit", Vain()))).detail == "<Vain>"
    assert unpack_reason(pack_reason(Crash.of(Vain()))).word == "Vain"


@given(st.text(), st.binary(), st.none() | st.text())
def test_whatever_a_peer_says_is_a_reason_or_refused(word: str, detail: bytes, traceback: str | None) -> None:
    try:
        unpack_reason(ToldReason(word, detail, traceback))
    except DecodeRefused:
        pass
