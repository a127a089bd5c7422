"""Section 12 of otp.md: registries, and names that are keys in one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from eye.errors import (
    AlreadyRegistered,
    AlreadyStarted,
    BadChildSpec,
    NoProcess,
    NotRegistered,
    NotUnique,
    ServerExited,
    StartFailed,
)
from eye.supervision import (
    KILL,
    KILLED,
    ChildSpec,
    Down,
    Registered,
    Registry,
    Supervisor,
    System,
    Unregistered,
    Via,
    current,
)
from eye.supervision.entries import Entries
from eye.testing import drain
from tests.supervision.functions import attempt, use
from tests.supervision.kinds import both_kinds, os_processes_only
from tests.supervision.servers import (
    PATIENCE,
    Gate,
    Here,
    Log,
    Obedient,
    Send,
    child,
    crash,
    in_thread,
    named,
    seen,
    start,
)

if TYPE_CHECKING:
    from eye.supervision import Ref
    from eye.testing import ManualClock


def registry_of(system: System, keys: Any = "unique", **options: Any) -> Ref:
    ref = system.start(Registry, keys, name="registry", **options)
    assert ref is not None
    return ref


def refs(entries: tuple[Any, ...]) -> list[Ref]:
    return [entry.ref for entry in entries]


# ------------------------------------------------------------------------------- unique keys


def test_a_registered_process_is_found_with_its_value(system: System) -> None:
    registry, server = registry_of(system), start(system)

    use(server, Registry.register, "registry", "key", "value")

    assert Registry.lookup(registry, "key") == ((server, "value"),)
    assert use(server, Registry.lookup, "registry", "key") == ((server, "value"),)
    assert use(server, Registry.keys, "registry") == ("key",)
    assert use(server, Registry.values, "registry", "key") == ("value",)
    assert Registry.all(registry) == (("key", server, "value"),)
    assert Registry.count(registry) == 1
    assert Registry.lookup(registry, "other") == ()


def test_the_second_who_wants_a_unique_key_is_told_who_has_it(system: System) -> None:
    registry, first, second = registry_of(system), start(system), start(system)
    use(first, Registry.register, "registry", "key")

    refused = attempt(second, Registry.register, "registry", "key")
    again = attempt(first, Registry.register, "registry", "key")

    assert isinstance(refused, AlreadyRegistered)
    assert isinstance(again, AlreadyRegistered)
    assert refused.ref is again.ref is first
    assert refs(Registry.lookup(registry, "key")) == [first]


def test_what_one_took_back_another_may_have(system: System) -> None:
    registry, first, second = registry_of(system), start(system), start(system)
    use(first, Registry.register, "registry", "key")
    use(second, Registry.unregister, "registry", "key")  # nothing of its own: nothing happens
    assert refs(Registry.lookup(registry, "key")) == [first]

    use(first, Registry.unregister, "registry", "key")
    use(second, Registry.register, "registry", "key")

    assert refs(Registry.lookup(registry, "key")) == [second]
    assert use(first, Registry.keys, "registry") == ()


def test_only_its_owner_gives_an_entry_another_value(system: System) -> None:
    registry, owner, other = registry_of(system), start(system), start(system)
    use(owner, Registry.register, "registry", "key", 1)

    changed = use(owner, Registry.update_value, "registry", "key", str)
    refused = attempt(other, Registry.update_value, "registry", "key", str)

    assert changed == ("1", 1)
    assert isinstance(refused, NotRegistered)
    assert Registry.lookup(registry, "key") == ((owner, "1"),)


def test_plain_code_registers_others_and_says_whom(system: System) -> None:
    registry, server = registry_of(system), start(system)

    Registry.register(registry, "key", owner=server)
    assert Registry.keys(registry, server) == ("key",)
    Registry.unregister(registry, "key", owner=server)

    assert Registry.all(registry) == ()
    with pytest.raises(RuntimeError, match="say whom"):
        Registry.register(registry, "key")
    with pytest.raises(RuntimeError, match="plain code belongs to no system"):
        Registry.lookup("registry", "key")


def test_a_process_that_has_ended_cannot_be_registered(system: System) -> None:
    registry, server = registry_of(system), start(system)
    server.stop()

    with pytest.raises(NoProcess):
        Registry.register(registry, "key", owner=server)

    assert Registry.all(registry) == ()


def test_a_registry_that_is_not_there_is_an_error(system: System) -> None:
    registry, server = registry_of(system), start(system)

    assert isinstance(attempt(server, Registry.lookup, "regisrty", "key"), NoProcess)
    registry.stop()
    with pytest.raises(NoProcess):
        Registry.lookup(registry, "key")


def test_the_kind_of_keys_is_one_of_two(system: System) -> None:
    with pytest.raises(StartFailed) as failed:
        system.start(Registry, "many")

    assert isinstance(failed.value.__cause__, BadChildSpec)


def test_a_registry_keeps_notes_about_itself(system: System) -> None:
    registry = registry_of(system, meta={"version": 1})

    Registry.put_meta(registry, "colour", "green")

    assert Registry.get_meta(registry, "version") == 1
    assert Registry.get_meta(registry, "colour") == "green"
    assert Registry.get_meta(registry, "size", 0) == 0


# ---------------------------------------------------------------------------- duplicate keys


@both_kinds
def test_RG_02_one_process_may_have_a_duplicate_key_several_times_and_one_unregister_takes_all_of_its_own(
    system: System,
) -> None:
    registry, a, b = registry_of(system, "duplicate"), start(system), start(system)
    for ref, value in ((a, 1), (b, 2), (a, 3)):
        use(ref, Registry.register, "registry", "key", value)

    before = Registry.lookup(registry, "key")
    keys, values = use(a, Registry.keys, "registry"), use(a, Registry.values, "registry", "key")
    use(a, Registry.unregister, "registry", "key")

    assert before == ((a, 1), (b, 2), (a, 3))
    assert (keys, values) == (("key", "key"), (1, 3))
    assert Registry.lookup(registry, "key") == ((b, 2),)


def test_entries_of_one_value_can_be_taken_back_alone(system: System) -> None:
    registry, server = registry_of(system, "duplicate"), start(system)
    for value in (1, 2, 1, None):
        use(server, Registry.register, "registry", "key", value)

    use(server, Registry.unregister, "registry", "key", value=1)
    left = Registry.values(registry, "key", server)
    use(server, Registry.unregister, "registry", "key", value=None)

    assert left == (2, None)
    assert Registry.values(registry, "key", server) == (2,)


def test_a_duplicate_key_has_no_one_value_to_update(system: System) -> None:
    registry_of(system, "duplicate")
    server = start(system)
    use(server, Registry.register, "registry", "key", 1)

    assert isinstance(attempt(server, Registry.update_value, "registry", "key", str), NotUnique)


# ------------------------------------------------------------------------- owners that ended


@both_kinds
@pytest.mark.parametrize("keys", ["unique", "duplicate"])
def test_RG_03_the_entries_of_an_owner_that_ended_are_gone(system: System, keys: str) -> None:
    registry, server = registry_of(system, keys), start(system)
    for key in range(10):
        use(server, Registry.register, "registry", key)

    server.exit(KILL)
    server.join(PATIENCE)

    assert Registry.all(registry) == ()
    assert Registry.keys(registry, server) == ()


@both_kinds
def test_RG_03_its_unique_key_can_be_registered_at_once_and_a_call_by_it_finds_nobody(system: System) -> None:
    registry, watcher = registry_of(system), start(system)
    for turn in range(100 if Here.isolation == "thread" else 6):
        holder = start(system, name=Via("registry", "key"))
        holder.exit(KILL if turn % 2 else "shutdown")
        holder.join(PATIENCE)
        with pytest.raises(NoProcess):
            system.call(Via("registry", "key"), crash)

        use(watcher, Registry.register, "registry", "key")
        assert refs(Registry.lookup(registry, "key")) == [watcher]
        use(watcher, Registry.unregister, "registry", "key")


class Heir(Obedient):
    """Takes the key over when it hears that its owner has ended; notes whom it found there."""

    def handle_info(self, message: Any) -> None:
        if isinstance(message, Down):
            self.log.append(Registry.lookup("registry", "key"))
            Registry.register("registry", "key")


@both_kinds
def test_RG_03_whoever_hears_of_the_end_finds_the_key_free(system: System) -> None:
    registry_of(system)
    log = Log(system)
    heir = system.start(Heir, log, isolation=Here.isolation)
    assert heir is not None
    log.clear()
    for _ in range(20 if Here.isolation == "thread" else 3):
        server = start(system, name=Via("registry", "key"))
        server.monitor(heir)
        server.stop()
        drain(system)
        use(heir, Registry.unregister, "registry", "key")

    assert set(log.entries) == {()}


def test_an_end_that_meets_a_registration_leaves_no_entry_behind() -> None:
    with System() as system:
        registry = registry_of(system, "duplicate")
        for _ in range(300):
            server = start(system)
            registering = in_thread(lambda server=server: Registry.register(registry, "key", owner=server))
            server.kill()
            registering.exception(10)

            assert Registry.all(registry) == ()
            assert Registry.keys(registry, server) == ()


def test_of_many_who_want_a_key_at_once_one_gets_it() -> None:
    with System() as system:
        registry = registry_of(system)
        many = [start(system) for _ in range(8)]
        for key in range(50):
            barrier = threading.Barrier(len(many))

            def race(server: Ref, key: int = key, barrier: threading.Barrier = barrier) -> bool:
                barrier.wait(10)
                try:
                    Registry.register(registry, key, owner=server)
                except AlreadyRegistered:
                    return False
                return True

            races = [in_thread(lambda server=server: race(server)) for server in many]

            assert sum(each.result(10) for each in races) == 1
            assert len(Registry.lookup(registry, key)) == 1


# ------------------------------------------------------------------------------------- names


@both_kinds
def test_RG_04_a_key_serves_as_a_name_wherever_one_is_expected(system: System, clock: ManualClock) -> None:
    registry, watcher = registry_of(system), start(system)
    name = Via("registry", ("printer", 2), "on the second floor")

    server = start(system, name=name)
    system.cast(name, "cast")
    system.send(name, "sent")
    system.send_after(name, 1, "delayed")
    clock.advance(1)
    drain(system)
    system.monitor(name, watcher)
    system.call(name, Send(watcher, "called"))

    assert system.whereis(name) is server
    assert Registry.lookup(registry, ("printer", 2)) == ((server, "on the second floor"),)
    assert seen(server) == ["cast", "sent", "delayed"]
    server.stop()
    drain(system)
    assert [type(message) for message in seen(watcher)] == [str, Down]
    assert system.whereis(name) is None


@both_kinds
def test_RG_04_by_the_registrys_reference_too(system: System) -> None:
    registry = system.start(Registry)
    assert registry is not None

    server = start(system, name=Via(registry, "key"))

    assert system.whereis(Via(registry, "key")) is server
    assert server.path == f"/{registry}:key"


@both_kinds
def test_RG_04_a_second_start_is_told_who_has_the_name(system: System) -> None:
    registry_of(system)
    server = start(system, name=Via("registry", "key"))

    with pytest.raises(AlreadyStarted) as refused:
        start(system, name=Via("registry", "key"))

    assert refused.value.ref is server
    assert server.is_alive
    assert len(system.processes()) == 2


@both_kinds
def test_RG_04_a_duplicate_key_is_no_name(system: System) -> None:
    registry_of(system, "duplicate")

    with pytest.raises(NotUnique, match="duplicate keys"):
        start(system, name=Via("registry", "key"))
    with pytest.raises(NotUnique):
        system.whereis(Via("registry", "key"))

    assert len(system.processes()) == 1


def test_a_name_in_a_registry_that_is_not_there_is_nobodys(system: System) -> None:
    with pytest.raises(NoProcess):
        start(system, name=Via("nowhere", "key"))

    assert system.whereis(Via("nowhere", "key")) is None
    system.cast(Via("nowhere", "key"), "to nobody")
    assert system.processes() == ()


@both_kinds
def test_RG_04_a_supervised_child_has_the_name_again_after_a_restart(system: System) -> None:
    name = Via("registry", "key")
    system.start(Supervisor, [ChildSpec(Registry, name="registry"), child("a", name=name)])
    first = system.whereis(name)
    assert first is not None

    first.cast(crash)
    drain(system)

    second = system.whereis(name)
    assert second is not None
    assert second is not first


@both_kinds
def test_RG_04_a_process_that_lets_go_of_its_key_lets_go_of_its_name(system: System) -> None:
    registry_of(system)
    server = start(system, name=Via("registry", "key"))

    use(server, Registry.unregister, "registry", "key")
    second = start(system, name=Via("registry", "key"))
    server.stop()

    assert system.whereis(Via("registry", "key")) is second


@both_kinds
def test_RG_05_keys_that_python_holds_for_equal_are_one_key(system: System) -> None:
    registry, server = registry_of(system), start(system)

    use(server, Registry.register, "registry", 1)

    assert isinstance(attempt(server, Registry.register, "registry", 1.0), AlreadyRegistered)
    assert refs(Registry.lookup(registry, True)) == [server]


# ---------------------------------------------------------------------------------- dispatch


class NoteDown:
    """What is dispatched: notes which process runs it, and with what."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def __call__(self, entries: Any) -> None:
        self.log.append((current(), entries))


@both_kinds
def test_RG_06_dispatch_calls_with_the_entries_in_the_process_that_dispatches(system: System) -> None:
    registry_of(system, "duplicate")
    server, asker, log = start(system), start(system), Log(system)
    use(server, Registry.register, "registry", "key", 1)
    use(server, Registry.register, "registry", "key", 2)

    use(asker, Registry.dispatch, "registry", "key", NoteDown(log))

    assert log.entries == [(asker, ((server, 1), (server, 2)))]


def test_RG_06_plain_code_dispatches_in_its_own_thread(system: System) -> None:
    registry, server = registry_of(system, "duplicate"), start(system)
    use(server, Registry.register, "registry", "key", 1)
    calls: list[Any] = []

    Registry.dispatch(registry, "key", lambda entries: calls.append((threading.current_thread(), entries)))

    assert calls == [(threading.current_thread(), ((server, 1),))]


@both_kinds
def test_RG_06_dispatch_does_not_call_for_a_key_that_nobody_has(system: System) -> None:
    registry_of(system, "duplicate")
    asker = start(system)

    use(asker, Registry.dispatch, "registry", "key", crash)

    assert asker.is_alive


@both_kinds
def test_RG_06_what_a_dispatched_function_raises_reaches_whoever_dispatches(system: System) -> None:
    registry, asker = registry_of(system, "duplicate"), start(system)
    use(asker, Registry.register, "registry", "key")

    with pytest.raises(ServerExited) as failed:
        use(asker, Registry.dispatch, "registry", "key", crash)

    assert failed.value.reason.word == "Boom"
    assert registry.is_alive


# -------------------------------------------------------------------- the end of the registry


@both_kinds
def test_RG_07_owners_outlive_their_registry_and_its_replacement_has_their_entries(system: System) -> None:
    system.start(Supervisor, [ChildSpec(Registry, name="registry")])
    registry, server = named(system, "registry"), start(system)
    use(server, Registry.register, "registry", "key", 1)

    registry.exit(KILL)
    meanwhile = system.whereis(Via("registry", "key"))
    drain(system)
    use(server, Registry.register, "registry", "other", 2)

    replacement = named(system, "registry")
    assert replacement is not registry
    assert meanwhile is server
    assert Registry.all(replacement) == (("key", server, 1), ("other", server, 2))


@both_kinds
def test_RG_07_owners_that_end_while_there_is_no_registry_are_forgotten_too(system: System) -> None:
    registry, server = registry_of(system), start(system)
    use(server, Registry.register, "registry", "key")

    registry.stop()
    server.stop()

    assert Registry.all(registry_of(system)) == ()


def test_a_registry_of_the_same_name_but_other_keys_begins_empty(system: System) -> None:
    registry, server = registry_of(system), start(system)
    use(server, Registry.register, "registry", "key")
    registry.stop()

    assert Registry.all(registry_of(system, "duplicate")) == ()


def test_a_registry_without_a_name_leaves_nothing_behind(system: System) -> None:
    registry, server = system.start(Registry), start(system)
    assert registry is not None
    use(server, Registry.register, registry, "key")

    registry.stop()

    assert system.names._registries == {}


# --------------------------------------------------------------------------------- listeners


def test_listeners_hear_of_every_entry_that_comes_and_goes(system: System) -> None:
    inbox = system.inbox()
    registry_of(system, listeners=[inbox, "listener", "nobody"])
    listener, server = start(system, name="listener"), start(system)

    use(server, Registry.register, "registry", "a", 1)
    use(server, Registry.register, "registry", "b", 2)
    use(server, Registry.unregister, "registry", "a")
    server.exit(KILL)

    expected = [
        Registered("registry", "a", server, 1),
        Registered("registry", "b", server, 2),
        Unregistered("registry", "a", server),
        Unregistered("registry", "b", server),
    ]
    assert inbox.drain() == seen(listener) == expected
    assert [type(each) for each in seen(listener)] == [type(each) for each in expected]


def test_a_listener_may_be_a_server_that_ends(system: System) -> None:
    listener = start(system)
    registry, server = registry_of(system, listeners=[listener]), start(system)
    listener.stop()

    use(server, Registry.register, "registry", "key")

    assert refs(Registry.lookup(registry, "key")) == [server]


@os_processes_only
def test_what_cannot_be_told_to_a_listener_stops_nobody(
    system: System, isolation: Any, caplog: pytest.LogCaptureFixture
) -> None:
    listener = start(system)
    registry, server = registry_of(system, listeners=[listener]), system.start(Obedient)
    assert server is not None

    Registry.register(registry, lambda: "a key that cannot cross", owner=server)
    server.exit(KILL)

    assert server.join(PATIENCE) == KILLED
    assert Registry.all(registry) == ()
    assert seen(listener) == []
    assert "a listener is not told" in caplog.text


# ---------------------------------------------------- from where the table cannot be looked at


def test_whoever_cannot_see_the_table_asks_the_registry(system: System) -> None:
    registry, a, b = registry_of(system), start(system), start(system)
    published = registry.published
    registry.published = None  # as in an OS process of its own

    Registry.register(registry, "key", 1, owner=a)
    with pytest.raises(AlreadyRegistered) as refused:
        Registry.register(registry, "key", 2, owner=b)
    with pytest.raises(TypeError, match="unhashable"):
        Registry.lookup(registry, [])

    assert refused.value.ref is a
    assert use(a, Registry.update_value, registry, "key", str) == ("1", 1)
    assert Registry.lookup(registry, "key") == ((a, "1"),)
    Registry.unregister(registry, "key", owner=a)
    assert Registry.count(registry) == 0
    assert registry.handled > 0
    registry.published = published


def test_a_registry_takes_nothing_else_for_a_question(system: System) -> None:
    registry = registry_of(system)

    with pytest.raises(Exception, match="has no handle_call"):
        registry.call("nonsense")


def test_looking_up_waits_for_nobody(system: System) -> None:
    registry, server, gate = registry_of(system), start(system), Gate()
    use(server, Registry.register, "registry", "key")
    asking = registry.inquire(gate)
    gate.await_somebody()

    assert refs(Registry.lookup(registry, "key")) == [server]
    assert system.whereis(Via("registry", "key")) is server
    gate.open()
    assert asking.lock.acquire(timeout=10)


# --------------------------------------------------------------------------- for all histories


class FakeRef:
    """As much of a reference as a table looks at."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.exit_reason: Any = None

    @property
    def is_alive(self) -> bool:
        return self.exit_reason is None

    def __repr__(self) -> str:
        return self.name


class History(RuleBasedStateMachine):
    """The table against a plain list of (key, owner, value)."""

    keys_are: Any = "unique"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []
        self.table = Entries("registry", self.keys_are)
        self.table.listeners = (self,)  # type: ignore[assignment]
        self.owners = [FakeRef(name) for name in "abc"]
        self.model: list[tuple[Any, FakeRef, Any]] = []

    def deliver(self, news: Any) -> None:
        self.told.append(news)

    @rule(key=some.integers(0, 2), owner=some.integers(0, 2), value=some.integers(0, 2))
    def register(self, key: int, owner: int, value: int) -> None:
        ref: Any = self.owners[owner]
        taken = self.keys_are == "unique" and any(each[0] == key for each in self.model)
        if taken:
            with pytest.raises(AlreadyRegistered):
                self.table.register(key, value, ref)
        else:
            self.table.register(key, value, ref)
            self.model.append((key, ref, value))

    @rule(key=some.integers(0, 2), owner=some.integers(0, 2))
    def unregister(self, key: int, owner: int) -> None:
        ref: Any = self.owners[owner]
        self.table.unregister(key, ref)
        self.model = [each for each in self.model if each[:2] != (key, ref)]

    @rule(key=some.integers(0, 2), owner=some.integers(0, 2), value=some.integers(0, 2))
    def unregister_value(self, key: int, owner: int, value: int) -> None:
        ref: Any = self.owners[owner]
        self.table.unregister(key, ref, value)
        self.model = [each for each in self.model if each != (key, ref, value)]

    @rule(owner=some.integers(0, 2), strikes_out=some.booleans())
    def end(self, owner: int, strikes_out: bool) -> None:
        ref: Any = self.owners[owner]
        ref.exit_reason = KILL
        self.model = [each for each in self.model if each[1] is not ref]
        self.owners[owner] = FakeRef(ref.name + "'")
        if strikes_out:  # or not yet: then nobody may notice
            self.table.forget(ref)
        assert self.table.values(0, ref) == ()

    @invariant()
    def the_table_is_what_the_model_is(self) -> None:
        for key in range(3):
            expected = tuple(each[1:] for each in self.model if each[0] == key)
            assert self.table.lookup(key) == expected
            if self.keys_are == "unique":
                assert self.table.find(key) is (expected[0][0] if expected else None)
        for owner in self.owners:
            ref: Any = owner
            assert sorted(self.table.keys(ref)) == sorted(each[0] for each in self.model if each[1] is owner)
        assert self.table.count() == len(self.model)

    def teardown(self) -> None:
        for entry in self.table._by_owner.copy():
            self.table.forget(entry)
        came = [each for each in self.told if isinstance(each, Registered)]
        went = [each for each in self.told if isinstance(each, Unregistered)]
        assert len(came) == len(went)
        assert self.table._by_key == self.table._by_owner == {}


class DuplicateHistory(History):
    keys_are: Any = "duplicate"


TestUniqueHistories = History.TestCase
TestDuplicateHistories = DuplicateHistory.TestCase
for _case in (TestUniqueHistories, TestDuplicateHistories):
    _case.settings = settings(max_examples=50, deadline=None)


@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 3)), max_size=30))
def test_a_unique_key_never_has_two_owners(attempts: list[tuple[int, int]]) -> None:
    table = Entries("registry", "unique")
    owners: list[Any] = [FakeRef(str(number)) for number in range(4)]
    holders: dict[int, int] = {}

    for key, owner in attempts:
        if key not in holders:
            table.register(key, None, owners[owner])
            holders[key] = owner
            continue
        with pytest.raises(AlreadyRegistered) as refused:
            table.register(key, None, owners[owner])
        assert refused.value.ref is owners[holders[key]]
    assert {key: owners.index(ref) for key, ref, _ in table.all()} == holders
