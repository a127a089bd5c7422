"""Child specs and exit reasons: what is read, what is refused and with which words."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eye.errors import BadChildSpec
from eye.supervision import ChildSpec, Crash, GenServer, ProcessExit, Reason, Restart, Shutdown, Supervisor
from eye.supervision.child_spec import AutoShutdown, as_child_spec, as_child_specs
from eye.supervision.reasons import NORMAL, SHUTDOWN, as_reason, is_clean, shutdown


class Worker(GenServer):
    pass


@pytest.mark.parametrize(
    ("child", "spec"),
    [
        (Worker, ChildSpec(Worker, id="Worker")),
        ((Worker, 1, "two"), ChildSpec(Worker, args=(1, "two"), id="Worker")),
        (ChildSpec(Worker, id=7), ChildSpec(Worker, id=7)),
        (Supervisor, ChildSpec(Supervisor, id="Supervisor")),
    ],
)
def test_what_may_stand_in_a_list_of_children(child: Any, spec: ChildSpec) -> None:
    assert as_child_spec(child) == spec


@pytest.mark.parametrize(
    ("child", "says"),
    [
        (42, r"a child must be a ChildSpec, a class or \(class, \*arguments\), not 42"),
        ((), "a child must be"),
        (ChildSpec("Worker"), "start must be a class or a function, not 'Worker'"),  # type: ignore[arg-type]
        (ChildSpec(Worker, args=[1]), r"child 'Worker': args must be a tuple, not \[1\]"),  # type: ignore[arg-type]
        (ChildSpec(Worker, kwargs=[1]), r"kwargs must be a mapping, not \[1\]"),  # type: ignore[arg-type]
        (ChildSpec(Worker, id=[1]), "id must be hashable"),
        (ChildSpec(Worker, name=1), "name must be a string, a Via or None, not 1"),  # type: ignore[arg-type]
        (ChildSpec(Worker, restart="always"), "restart must be a Restart, not 'always'"),  # type: ignore[arg-type]
        (ChildSpec(Worker, shutdown="5s"), r"shutdown must be seconds >= 0, .* not '5s'"),  # type: ignore[arg-type]
        (ChildSpec(Worker, shutdown=-1), "shutdown must be seconds >= 0"),
        (ChildSpec(Worker, shutdown=True), "shutdown must be seconds >= 0"),
        (ChildSpec(Worker, shutdown=float("nan")), "shutdown must be seconds >= 0"),
        (ChildSpec(Worker, significant=True), "a permanent child always comes back"),
    ],
)
def test_what_may_not_and_what_is_said_of_it(child: Any, says: str) -> None:
    with pytest.raises(BadChildSpec, match=says):
        as_child_spec(child)


limits = some.one_of(some.none(), some.floats(0, 1e6), some.integers(0, 10**6), some.sampled_from(Shutdown))


@given(some.sampled_from(Restart), limits, some.one_of(some.integers(), some.text(), some.tuples(some.text())))
def test_a_spec_that_was_read_reads_as_itself(restart: Restart, limit: Any, id_: Any) -> None:
    spec = as_child_spec(ChildSpec(Worker, id=id_, restart=restart, shutdown=limit))

    assert as_child_spec(spec) is spec
    assert spec.id == id_


@given(some.lists(some.integers(0, 5), max_size=8))
def test_ids_have_to_differ(ids: list[int]) -> None:
    children = [ChildSpec(Worker, id=id_) for id_ in ids]

    if len(set(ids)) == len(ids):
        assert [spec.id for spec in as_child_specs(children, AutoShutdown.NEVER)] == ids
    else:
        with pytest.raises(BadChildSpec, match="two children have the id"):
            as_child_specs(children, AutoShutdown.NEVER)


# --------------------------------------------------------------------------------- reasons


def raised() -> ValueError:
    try:
        raise ValueError("boom")
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    ("value", "text", "clean"),
    [
        ("normal", "normal", True),
        ("shutdown", "shutdown", True),
        (shutdown("tired"), "shutdown: tired", True),
        ("odd", "odd", False),
        (42, "exit: 42", False),
        (None, "exit", False),
        (raised(), "ValueError: boom", False),
        (SystemExit(), "SystemExit", False),
        (Crash("normal"), "normal", False),
        (ProcessExit("x"), "ProcessExit: x", False),
    ],
)
def test_anything_can_be_an_exit_reason(value: Any, text: str, clean: bool) -> None:
    reason = as_reason(value)

    assert str(reason) == text
    assert is_clean(reason) is clean
    assert as_reason(reason) is reason


def test_a_crash_keeps_the_exception_and_its_traceback() -> None:
    error = raised()

    crash = Crash.of(error)

    assert crash.exception is error
    assert 'raise ValueError("boom")' in crash.traceback
    assert crash == Crash("ValueError", "boom")  # where it came from does not make it another reason
    assert crash != Reason("ValueError", "boom")


@given(some.text(), some.one_of(some.none(), some.text(), some.integers(), some.tuples(some.integers())))
def test_reasons_are_values(word: str, detail: Any) -> None:
    reason = Reason(word, detail)

    assert reason == Reason(word, detail)
    assert hash(reason) == hash(Reason(word, detail))
    assert pickle.loads(pickle.dumps(reason)) == reason
    assert copy.copy(reason) == reason
    assert is_clean(reason) == (word in ("normal", "shutdown"))


def test_the_words_are_themselves() -> None:
    assert (as_reason("normal"), as_reason("shutdown")) == (NORMAL, SHUTDOWN)
