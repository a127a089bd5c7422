"""Four askers, and a server that ends two thousand times: every question is settled, and the books balance."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pykka
import pytest

from eye.errors import CallFailed, CallTimeout, NoProcess, ServerExited
from eye.supervision import KILL, ChildSpec, Continue, GenServer, Supervisor, System
from tests.supervision.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.supervision import Inbox, Ref

DEADLINE = 20.0
"""Seconds that each question has, far more than it needs: who is forgotten runs into it."""


class Answering(GenServer):
    """Says that it is there, and answers each number with the next."""

    def init(self, began: Inbox) -> Continue:
        return Continue(began)  # once it runs: whoever is killed in `init` has not been restarted

    def handle_continue(self, message: Inbox) -> None:
        message.send(self.ref)

    def handle_call(self, message: int, caller: Any) -> int:
        return message + 1

    def handle_cast(self, message: str) -> None:
        raise ValueError(message)


def by_name(system: System, number: int) -> Any:
    return system.call("it", number, DEADLINE)


def by_reference(system: System, number: int) -> Any:
    ref = system.whereis("it")
    return number + 1 if ref is None else ref.call(number, DEADLINE)


def by_pykka(system: System, number: int) -> Any:
    ref = system.whereis("it")
    return number + 1 if ref is None else ref.actor_ref.ask(number, timeout=DEADLINE)


class Asker:
    """Asks until it is told that all is over, and keeps account of what came of it."""

    def __init__(self, system: System, ask: Callable[[System, int], Any], is_over: threading.Event) -> None:
        self.asked = 0
        self.results: Counter[str] = Counter()
        self.longest = 0.0
        self._system, self._ask, self._is_over = system, ask, is_over
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self._is_over.is_set():
            self.asked += 1
            began = time.monotonic()
            result = self._result_of(self.asked)
            self.longest = max(self.longest, time.monotonic() - began)
            self.results[result] += 1

    def _result_of(self, number: int) -> str:
        try:
            return "answered" if self._ask(self._system, number) == number + 1 else "answered wrongly"
        except (NoProcess, ServerExited) as error:
            return type(error).__name__
        except pykka.ActorDeadError:
            return "NoProcess"
        except (CallTimeout, pykka.Timeout):
            return "forgotten"
        except CallFailed as error:
            return repr(error)


@pytest.fixture
def _often_switched() -> Iterator[None]:
    """Let threads take turns every 50 microseconds: what can go wrong between two steps, then does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(usual)


def end_again_and_again(system: System, times: int, end: Callable[[Ref], None], isolation: Any) -> list[Asker]:
    """End the server so many times while four ask it; answer the askers once they have come to their end."""
    began, is_over = system.inbox(), threading.Event()
    spec = ChildSpec(Answering, args=(began,), name="it", isolation=isolation)
    system.start(Supervisor, [spec], max_restarts=10 * times)
    askers = [Asker(system, ask, is_over) for ask in (by_name, by_name, by_reference, by_pykka)]
    for _ in range(times):
        end(began.get(DEADLINE))
    began.get(DEADLINE)
    is_over.set()
    for asker in askers:
        asker.thread.join(2 * DEADLINE)
    return askers


@pytest.mark.timeout(180)  # a few seconds, but they grow on a busy machine
@pytest.mark.usefixtures("_often_switched")
@pytest.mark.parametrize("isolation", KINDS)
@pytest.mark.parametrize("how", ["killed", "crashed"])
def test_every_question_is_settled_while_the_server_ends_and_is_restarted(how: str, isolation: str) -> None:
    times = 100 if isolation == "process" else {"killed": 2000, "crashed": 500}[how]

    def end(ref: Ref) -> None:
        ref.exit(KILL) if how == "killed" else ref.cast("enough")

    with System() as system:
        system.is_quiet = True
        askers = end_again_and_again(system, times, end, isolation)

    assert not [asker for asker in askers if asker.thread.is_alive()], "somebody waits for ever"
    assert system.restarts == times
    for asker in askers:
        assert set(asker.results) <= {"answered", "NoProcess", "ServerExited"}, asker.results
        assert sum(asker.results.values()) == asker.asked
        assert asker.longest < DEADLINE
    assert sum(asker.results["answered"] for asker in askers) > 0
    assert sum(asker.results["ServerExited"] for asker in askers) > 0


def test_an_asker_who_is_not_answered_would_be_found_out() -> None:
    is_over = threading.Event()

    def never(_system: System, _number: int) -> Any:
        is_over.set()
        raise CallTimeout("it", "1", "timeout")

    with System() as system:
        asker = Asker(system, never, is_over)
        asker.thread.join(DEADLINE)

    assert asker.results == {"forgotten": 1}
