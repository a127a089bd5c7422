"""What of a server's state is taken back when a callback raises: GS-19 in detail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import ServerExited
from eye.supervision import Continue, GenServer, NoReply, ProcessExit
from tests.supervision.servers import PATIENCE, Boom

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import Caller, Reason, Ref, System


class Keeper(GenServer):
    """Carries out what it is sent, and leaves behind what `terminate` saw."""

    def init(self, left: list[dict[str, Any]], first: Any = None) -> Any:
        self.left, self.word, self.notes = left, "good", ["first"]
        return first

    def handle_continue(self, message: Callable[[Keeper], Any]) -> Any:
        return message(self)

    def handle_call(self, message: Callable[[Keeper], Any], caller: Caller) -> Any:
        return message(self)

    def handle_cast(self, message: Callable[[Keeper], Any]) -> Any:
        return message(self)

    def handle_info(self, message: Callable[[Keeper], Any]) -> Any:
        return message(self)

    def terminate(self, reason: Reason) -> None:
        self.left.append({name: value for name, value in vars(self).items() if name != "left"})


GOOD = {"word": "good", "notes": ["first"]}


def spoil(server: Keeper) -> None:
    server.word = "bad"
    server.extra = 1
    del server.notes
    raise Boom("boom")


def keep(system: System, *args: Any) -> tuple[Ref, list[dict[str, Any]]]:
    left: list[dict[str, Any]] = []
    ref = system.start(Keeper, left, *args)
    assert ref is not None
    return ref, left


@pytest.mark.parametrize("way", ["cast", "send", "call"])
def test_attributes_bound_again_are_as_before_new_ones_gone_and_deleted_ones_back(
    system: System, way: str
) -> None:
    ref, left = keep(system)

    if way == "call":
        with pytest.raises(ServerExited):
            ref.call(spoil)
    else:
        getattr(ref, way)(spoil)

    ref.join(PATIENCE)
    assert left == [GOOD]


def test_so_it_is_after_an_exit_from_deep_inside(system: System) -> None:
    def leave(server: Keeper) -> None:
        server.word = "bad"
        raise ProcessExit("enough")

    ref, left = keep(system)
    ref.cast(leave)

    ref.join(PATIENCE)
    assert left == [GOOD]


def test_what_is_changed_inside_a_list_stays_changed(system: System) -> None:
    def append(server: Keeper) -> None:
        server.notes.append("second")
        raise Boom

    ref, left = keep(system)
    ref.cast(append)

    ref.join(PATIENCE)
    assert left == [{"word": "good", "notes": ["first", "second"]}]


def test_the_first_step_and_each_of_a_chain_has_its_own_good_state(system: System) -> None:
    def one(server: Keeper) -> Continue:
        server.word = "one"
        return Continue(two)

    def two(server: Keeper) -> NoReply:
        server.word = "two"
        return NoReply(then=Continue(three))

    def three(server: Keeper) -> None:
        server.word = "three"
        raise Boom

    ref, left = keep(system, Continue(one))
    ref.join(PATIENCE)
    again, left_again = keep(system)
    again.cast(one)
    again.join(PATIENCE)

    assert [left[0]["word"], left_again[0]["word"]] == ["two", "two"]


def test_a_step_that_went_well_is_not_taken_back_by_a_later_crash(system: System) -> None:
    def step(server: Keeper) -> None:
        server.word = "stepped"

    ref, left = keep(system)
    ref.cast(lambda server: Continue(step))
    ref.cast(spoil)

    ref.join(PATIENCE)
    assert left == [{"word": "stepped", "notes": ["first"]}]


def test_what_the_framework_keeps_is_not_taken_back(system: System) -> None:
    def trap(server: Keeper) -> None:
        server.trap_exit = True
        raise Boom

    ref, left = keep(system)
    ref.cast(trap)

    ref.join(PATIENCE)
    assert ref.trap_exit
    assert left == [GOOD]  # and nothing of the framework's own is among the attributes


def test_the_report_shows_the_good_state_too(system: System, caplog: pytest.LogCaptureFixture) -> None:
    ref, _left = keep(system)
    with caplog.at_level(logging.ERROR, "eye.supervision"):
        ref.cast(spoil)
        ref.join(PATIENCE)

    [report] = [record for record in caplog.records if getattr(record, "report", "") == "server"]
    assert "word='good'" in report.getMessage()
