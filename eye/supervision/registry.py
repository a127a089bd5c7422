"""A registry: processes enter themselves under a key, and whoever knows the key finds them.

    system.start(Registry, "duplicate", name="listeners")

    Registry.register("listeners", "weather", {"since": 2019})       # in a process: itself
    for entry in Registry.lookup("listeners", "weather"):
        entry.ref.cast(Rain())
    Registry.dispatch("listeners", "weather", tell_them_all)

With "unique" keys a key belongs to one process at most, and can serve as its name: see `Via`. Entries live
as long as their owners. They outlive the `Registry` process itself, which only stands for them in the
tree: everything below is done in the thread that asks, straight in the table, and never waits for anybody.
(In an OS process of its own there is no table to look at: from there, the registry is asked.)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args

from eye.errors import BadChildSpec, EyeError, NotRegistered
from eye.supervision.answers import NOTHING
from eye.supervision.entries import Entries, Entry, Keys
from eye.supervision.gen_server import GenServer
from eye.supervision.names import find_here
from eye.supervision.ref import Ref, current

if TYPE_CHECKING:
    from eye.supervision.inbox import Inbox
    from eye.supervision.messages import Caller
    from eye.supervision.via import Name

R = TypeVar("R")


class Registry(GenServer):
    """Stands for a table of entries. Its functions take the registry's reference, or in a process its name."""

    def init(
        self,
        keys: Keys = "unique",
        *,
        listeners: Sequence[Ref | Inbox | Name] = (),
        meta: Mapping[Any, Any] | None = None,
    ) -> None:
        """Take over the table that an earlier registry of this name left, or begin an empty one.

        Args:
            keys: "unique" or "duplicate".
            listeners: who gets a `Registered` or `Unregistered` for every entry that comes or goes.
            meta: what `get_meta` answers from the beginning.
        """
        if keys not in get_args(Keys):
            raise BadChildSpec(f"registry {self.ref.id!r}: keys must be 'unique' or 'duplicate', not {keys!r}")
        entries = self.system.names.open_registry(self.ref, keys)
        entries.listeners = tuple(listeners)
        entries.find_listener = self.system.names.find
        for key, value in (meta or {}).items():
            entries.put_meta(key, value)
        self.ref.published = self._entries = entries

    def handle_call(self, message: Any, caller: Caller) -> Any:
        if not isinstance(message, _Do):
            return super().handle_call(message, caller)
        try:
            return message.what(self._entries, *message.arguments)
        except (EyeError, TypeError) as error:  # TypeError: a key that cannot be one
            return _Refused(error)

    # ------------------------------------------------------------------------- registering

    @staticmethod
    def register(registry: Ref | Name, key: Hashable, value: Any = None, *, owner: Ref | None = None) -> None:
        """Enter the running process, or `owner`, under `key`.

        With duplicate keys one process may register a key several times.

        Raises:
            AlreadyRegistered: the unique key belongs to a live process, maybe to this one.
            NoProcess: there is no such registry, or the owner has ended.
        """
        _do(registry, Entries.register, key, value, _or_me(owner))

    @staticmethod
    def unregister(registry: Ref | Name, key: Hashable, *, value: Any = NOTHING, owner: Ref | None = None) -> None:
        """Take back all that the running process (or `owner`) registered under `key`.

        Args:
            value: where given, only the entries with this value.
        """
        if value is NOTHING:
            _do(registry, Entries.unregister, key, _or_me(owner))
        else:
            _do(registry, Entries.unregister, key, _or_me(owner), value)

    @staticmethod
    def update_value(registry: Ref | Name, key: Hashable, fn: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Give the running process's entry another value: `fn` of the present one. Unique keys only.

        Returns:
            The new value and the old.

        Raises:
            NotRegistered: the key is not the running process's.
            NotUnique: the registry has duplicate keys.
        """
        me = _or_me(None)
        mine = _do(registry, Entries.values, key, me)
        if not mine:
            raise NotRegistered(str(registry), key, str(me))
        old = mine[0]
        new = fn(old)
        _do(registry, Entries.replace, key, new, me)
        return new, old

    # ---------------------------------------------------------------------------- reading

    @staticmethod
    def lookup(registry: Ref | Name, key: Hashable) -> tuple[Entry, ...]:
        """List who registered `key`, with the values, in the order they did."""
        return _do(registry, Entries.lookup, key)

    @staticmethod
    def dispatch(registry: Ref | Name, key: Hashable, fn: Callable[[tuple[Entry, ...]], Any]) -> None:
        """Call `fn` with the entries of `key`, here and now; not at all where there are none.

        What `fn` raises reaches whoever dispatches.
        """
        entries = _do(registry, Entries.lookup, key)
        if entries:
            fn(entries)

    @staticmethod
    def keys(registry: Ref | Name, owner: Ref | None = None) -> tuple[Any, ...]:
        """List the keys of the running process, or of `owner`, each as often as it was registered."""
        return _do(registry, Entries.keys, _or_me(owner))

    @staticmethod
    def values(registry: Ref | Name, key: Hashable, owner: Ref | None = None) -> tuple[Any, ...]:
        """List the values that the running process, or `owner`, registered under `key`."""
        return _do(registry, Entries.values, key, _or_me(owner))

    @staticmethod
    def all(registry: Ref | Name) -> tuple[tuple[Any, Ref, Any], ...]:
        """List every entry, as key, process and value: for whatever one wants to select."""
        return _do(registry, Entries.all)

    @staticmethod
    def count(registry: Ref | Name) -> int:
        """Count the entries."""
        return _do(registry, Entries.count)

    @staticmethod
    def put_meta(registry: Ref | Name, key: Hashable, value: Any) -> None:
        """Note something about the registry itself, for whoever uses it."""
        _do(registry, Entries.put_meta, key, value)

    @staticmethod
    def get_meta(registry: Ref | Name, key: Hashable, default: Any = None) -> Any:
        """Read what was noted, or `default`."""
        return _do(registry, Entries.get_meta, key, default)


class _Do(NamedTuple):
    """To the registry, from an OS process that cannot see the table: do this with it, and answer the result."""

    what: Callable[..., Any]
    arguments: tuple[Any, ...]


class _Refused(NamedTuple):
    """A request that was refused: the error is the asker's, the registry lives on."""

    error: Exception


def _do(registry: Ref | Name, what: Callable[..., R], *arguments: Any) -> R:
    ref = find_here(registry, "its entries")
    entries = getattr(ref, "published", None)
    if isinstance(entries, Entries):
        return what(entries, *arguments)
    answer = ref.call(_Do(what, arguments))  # ended, or in another OS process
    if isinstance(answer, _Refused):
        raise answer.error
    return answer  # type: ignore[no-any-return]


def _or_me(owner: Ref | None) -> Ref:
    if owner is not None:
        return owner
    me = current()
    if me is None:
        raise RuntimeError("plain code is no process, so say whom to register: owner=…")
    return me
