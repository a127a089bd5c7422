"""A crash as a value: its text, and what it holds on to."""

from __future__ import annotations

import copy
import pickle
import traceback
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from eye.supervision import Crash
from tests.supervision.servers import PATIENCE, Boom, Obedient, crash, start

if TYPE_CHECKING:
    from eye.supervision import System


def crash_of(error: BaseException) -> Crash:
    try:
        raise error
    except BaseException as caught:
        return Crash.of(caught)


def test_the_text_of_the_traceback_is_written_when_it_is_read_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    usual = traceback.format_exception
    monkeypatch.setattr(traceback, "format_exception", lambda *args: written.append(1) or usual(*args))

    reason = crash_of(Boom("boom"))
    before = len(written)
    texts = {reason.traceback, reason.traceback}

    assert (before, len(written)) == (0, 1)
    assert "in crash_of" in texts.pop()
    assert not texts


def test_a_crash_is_equal_to_another_of_the_same_class_and_message_and_unequal_to_a_bare_reason() -> None:
    reason = crash_of(Boom("boom"))

    assert reason == Crash("Boom", "boom", "some other text")
    assert len({reason, Crash("Boom", "boom")}) == 1
    assert reason != Crash("Boom", "bang")


@pytest.mark.parametrize("way", [lambda it: pickle.loads(pickle.dumps(it)), copy.deepcopy], ids=["pickle", "copy"])
def test_a_copy_has_the_text_and_not_the_exception(way: Any) -> None:
    reason = crash_of(Boom(lambda: "cannot be pickled"))

    again = way(reason)

    assert again == reason
    assert again.traceback == reason.traceback != ""
    assert again.exception is None


def test_an_exception_that_cannot_be_written_still_ends_its_process(system: System) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def fall_silent(_server: Obedient) -> None:
        raise Mute

    ref = start(system)
    ref.cast(fall_silent)

    reason = ref.join(PATIENCE)
    assert str(reason) == "Mute: <its message cannot be written>"


def test_a_reason_that_is_kept_does_not_keep_the_dead_servers_state(system: System) -> None:
    class Big:
        pass

    bigs = []

    def fill_up_and_crash(server: Obedient) -> None:
        server.big, local = Big(), Big()
        bigs.extend([weakref.ref(server.big), weakref.ref(local)])
        try:
            crash(server)
        except Boom as error:
            raise ValueError("no better") from error

    ref = start(system)
    thread = ref.call(lambda _me: __import__("threading").current_thread())
    ref.cast(fill_up_and_crash)
    reason = ref.join(PATIENCE)
    system.stop()
    thread.join(PATIENCE)

    assert [big() for big in bigs] == [None, None]
    assert "in fill_up_and_crash" in reason.traceback
    assert "boom" in reason.traceback  # and what it came from
