"""Who asks, and for whom: what a node writes down of those who have it do something."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from eye.cluster import codec, dispatch
from eye.cluster.dispatch import asked_by, asking, on_behalf_of
from eye.cluster.interconnect import Method
from eye.errors import DecodeRefused

WHO = Method("desk", "who", (), str)


class Desk:
    """Answers who asked."""

    exposed = (WHO,)

    def who(self) -> str:
        return asked_by()


def answer_to(body: bytes, peer: str = "web@10.0.0.5") -> Any:
    with asking(peer):
        reply = dispatch.reply_to(dispatch.table_of([Desk()]), body, lambda *crashed: None)
    return dispatch.understand(WHO, reply).value


def test_a_node_learns_for_whom_another_asks() -> None:
    with on_behalf_of("the web view, for alice at 10.0.0.9"):
        body = dispatch.ask(WHO, ())

    assert answer_to(body) == "web@10.0.0.5, for the web view, for alice at 10.0.0.9"
    assert answer_to(dispatch.ask(WHO, ())) == "web@10.0.0.5"
    assert asked_by() == "nobody"


def test_on_the_same_node_it_is_said_alike() -> None:
    with on_behalf_of("alice"), on_behalf_of("bob"):
        assert asked_by() == "bob"
    with on_behalf_of("alice"):
        assert asked_by() == "alice"


def test_a_name_writes_no_line_of_its_own_into_the_log() -> None:
    forged = codec.encode(("desk", "who", (), {"for": "alice\n12:00 all is well\x1b[2J" + "x" * 10_000}))

    told = answer_to(forged)

    assert told.startswith("web@10.0.0.5, for alice?12:00 all is well?[2J")
    assert len(told) < 200


@pytest.mark.parametrize("kwds", [{"for": 1}, {"for": "a", "more": 1}, {"other": "a"}])
def test_nothing_else_goes_by_name(kwds: dict[str, Any]) -> None:
    with pytest.raises(DecodeRefused):
        dispatch.read_request(msgspec.msgpack.encode(("desk", "who", (), kwds)))
