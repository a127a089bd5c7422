"""Section 14 of otp.md, TA-04: one child many times over, and which of them a key leads to."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eye.errors import BadPartitionKey, NoProcess, StartFailed
from eye.supervision import (
    SHUTDOWN,
    ChildSpec,
    Delay,
    DynamicSupervisor,
    PartitionSupervisor,
    Ref,
    Strategy,
    Supervisor,
    Via,
)
from eye.supervision.partition_supervisor import count_cores, partition_of
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import PATIENCE, Here, Obedient, child, crash, named, own_id, start

if TYPE_CHECKING:
    from eye.supervision import System


def partitioned(system: System, spec: Any = None, **options: Any) -> Ref:
    obedient = ChildSpec(Obedient, isolation=Here.isolation)
    ref = system.start(PartitionSupervisor, spec or obedient, **options)
    assert ref is not None
    return ref


def found(supervisor: Ref, key: Any) -> Ref:
    ref = PartitionSupervisor.whereis(supervisor, key)
    assert ref is not None
    return ref


@both_kinds
def test_TA_04_a_key_always_leads_to_the_same_partition_and_numbers_go_by_remainder(system: System) -> None:
    top = partitioned(system, partitions=3)

    refs = [found(top, number) for number in range(3)]

    assert len(set(refs)) == 3
    for key in (0, 7, -5, 3**50, "a customer", ("eu", 4), b"raw", None, 2.5):
        assert found(top, key) is found(top, key)
        assert found(top, key) in refs
    assert [refs.index(found(top, key)) for key in (3, 7, -5, 11)] == [0, 1, 2, 2]


@both_kinds
def test_TA_04_the_listing_shows_the_ids_from_0(system: System) -> None:
    top, pools = partitioned(system, partitions=3), partitioned(system, DynamicSupervisor, partitions=3)

    assert [one.id for one in PartitionSupervisor.which_children(pools)] == [0, 1, 2]
    assert PartitionSupervisor.count_children(pools) == (3, 3, 3, 0)
    assert [one.id for one in PartitionSupervisor.which_children(top)] == [0, 1, 2]
    assert PartitionSupervisor.count_children(top) == (3, 3, 0, 3)
    assert PartitionSupervisor.partitions(top) == 3
    assert found(top, 2).path.endswith("/2")


@both_kinds
def test_TA_04_a_key_can_stand_where_a_name_does(system: System) -> None:
    top = partitioned(system, partitions=3, name="parts")

    assert system.call(Via("parts", 4), own_id) == 1
    assert system.whereis(Via(top, 5)) is found(top, 2)
    with pytest.raises(NoProcess):
        system.call(Via("nobody", 4), own_id)
    with pytest.raises(NoProcess):
        system.call(Via(start(system, name="no supervisor"), 4), own_id)


def test_there_is_one_partition_for_each_core_unless_told_otherwise(system: System) -> None:
    assert PartitionSupervisor.partitions(partitioned(system)) == count_cores()


def test_a_partition_is_given_arguments_of_its_own_at_every_start(system: System) -> None:
    class Takes(Obedient):
        def init(self, *args: Any) -> None:
            super().init()
            self.args = args

    top = partitioned(system, (Takes, "shared"), partitions=2, with_arguments=lambda args, number: (number, *args))
    found(top, 1).cast(crash)
    drain(system)

    assert [found(top, n).call(lambda me: me.args) for n in range(2)] == [(0, "shared"), (1, "shared")]


def test_a_partition_that_crashed_is_replaced_and_its_keys_lead_to_the_replacement(
    system: System, clock: ManualClock
) -> None:
    top = partitioned(system, partitions=2, delay=Delay(first=1.0, jitter=0))
    old, other = found(top, 1), found(top, 0)

    old.cast(crash)
    drain(system)
    meanwhile = PartitionSupervisor.whereis(top, 1)
    clock.advance(1)
    drain(system)

    assert meanwhile is None
    assert found(top, 1) is not old
    assert found(top, 0) is other


def test_the_budget_is_passed_on_and_the_partitions_share_it(system: System) -> None:
    top = partitioned(system, partitions=4, max_restarts=2, max_seconds=60)

    for key in range(3):
        found(top, key).cast(crash)
        drain(system)

    assert top.join(PATIENCE) == SHUTDOWN
    with pytest.raises(NoProcess):
        PartitionSupervisor.whereis(top, 1)


def test_the_strategy_is_passed_on(system: System) -> None:
    top = partitioned(system, partitions=3, strategy=Strategy.ONE_FOR_ALL)
    before = {found(top, n) for n in range(3)}

    found(top, 1).cast(crash)
    drain(system)

    assert before.isdisjoint(found(top, n) for n in range(3))


def test_it_is_a_supervisor_like_any_other_below_a_supervisor(system: System) -> None:
    spec = ChildSpec(PartitionSupervisor, args=(DynamicSupervisor,), kwargs={"partitions": 2}, name="pools")
    top = system.start(Supervisor, [spec])
    assert top is not None
    worker = DynamicSupervisor.start_child(found(named(system, "pools"), "job"), child("w"))

    assert Supervisor.count_children(top).supervisors == 1
    named(system, "pools").exit("kill")
    drain(system)
    assert worker is not None
    assert not worker.is_alive
    assert PartitionSupervisor.count_children(named(system, "pools")).active == 2


@pytest.mark.parametrize(
    ("spec", "options", "says"),
    [
        (Obedient, {"partitions": 0}, "partitions must be a whole number >= 1 or None, not 0"),
        (Obedient, {"partitions": True}, "partitions must be"),
        (Obedient, {"partitions": 2.5}, "partitions must be"),
        (ChildSpec(Obedient, name="one"), {"partitions": 2}, "a name belongs to one process"),
    ],
)
def test_what_cannot_be_partitioned_is_refused(
    system: System, spec: Any, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(StartFailed, match=says):
        partitioned(system, spec, **options)


def test_who_is_no_partition_supervisor_has_no_partitions(system: System) -> None:
    for other in (start(system), system.start(Supervisor)):
        assert other is not None
        with pytest.raises(NoProcess):
            PartitionSupervisor.whereis(other, 1)


# ------------------------------------------------------------------------------------- the keys

plain = some.one_of(some.integers(), some.text(), some.binary(), some.none(), some.booleans(), some.floats())
keys = some.recursive(plain, lambda part: some.lists(part, max_size=3).map(tuple), max_leaves=5)


@settings(deadline=None)
@given(keys, keys, some.integers(1, 20))
def test_equal_keys_lead_to_the_same_partition_and_every_key_to_one_that_exists(
    key: Any, other: Any, partitions: int
) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
    if key == other:
        assert partition_of(key, partitions) == partition_of(other, partitions)


def test_numbers_that_are_equal_are_one_key_also_within_a_tuple() -> None:
    assert partition_of(3.0, 1000) == partition_of(3, 1000)
    assert partition_of(("x", True), 1000) == partition_of(("x", 1), 1000)


def test_a_process_can_be_a_key(system: System) -> None:
    top, me = partitioned(system, partitions=5), start(system)

    assert found(top, me) is found(top, me.serial)


def test_words_are_spread_over_the_partitions() -> None:
    counts = Counter(partition_of(f"customer-{n}", 8) for n in range(8000))

    assert len(counts) == 8
    assert max(counts.values()) < 1.3 * min(counts.values())


def test_a_key_leads_to_the_same_partition_in_every_os_process() -> None:
    code = (
        "from eye.supervision.partition_supervisor import partition_of as p;"
        "print([p(key, 997) for key in ('a', b'a', None, 2.5, ('eu', 4, 'x'), 'é')])"
    )
    home = Path(__file__).parents[2]

    def run(seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=home, env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True, text=True, timeout=50, check=True,
        )  # fmt: skip
        return done.stdout

    here = [partition_of(key, 997) for key in ("a", b"a", None, 2.5, ("eu", 4, "x"), "é")]
    assert run("1") == run("2") == f"{here}\n"


@pytest.mark.parametrize(
    "key", [object(), frozenset("ab"), (1, object()), lambda: None], ids=lambda one: type(one).__name__
)
def test_a_key_that_another_os_process_would_not_know_is_refused(key: Any) -> None:
    with pytest.raises(BadPartitionKey, match="differs from one OS process to the next"):
        partition_of(key, 3)
