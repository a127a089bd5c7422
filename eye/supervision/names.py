"""Names for processes: who is called what, in one system.

A name belongs to at most one live process, and is free again the moment that process ends, before
anybody is told of the end. Names that are keys in a registry lie in the tables kept here too.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from eye.errors import AlreadyRegistered, AlreadyStarted, NoProcess
from eye.supervision.entries import Entries
from eye.supervision.reasons import NOPROC
from eye.supervision.ref import Ref, current
from eye.supervision.via import Via

if TYPE_CHECKING:
    from eye.supervision.entries import Keys
    from eye.supervision.via import Name


class Names:
    """The unique names of one system, and the tables of its registries."""

    def __init__(self) -> None:
        self._holders: dict[str, Ref] = {}
        self._registries: dict[str | Ref, Entries] = {}
        self._lock = threading.Lock()

    def claim(self, name: Name, ref: Ref) -> None:
        """Give the name to a process.

        Raises:
            AlreadyStarted: somebody live has it.
            NoProcess: it is a name in a registry that does not exist.
            NotUnique: it is a name in a registry where one key may belong to many.
        """
        if isinstance(name, Via):
            self._claim_via(name, ref)
            return
        with self._lock:
            holder = self._holders.get(name)
            if holder is not None and holder.is_alive:
                raise AlreadyStarted(name, holder)
            self._holders[name] = ref

    def _claim_via(self, name: Via, ref: Ref) -> None:
        entries = self._entries(name)
        if entries is None:
            raise NoProcess(str(name.registry), f"register {name.key!r}", NOPROC)
        entries.find(name.key)  # one that cannot name anybody says so
        try:
            entries.register(name.key, name.value, ref)
        except AlreadyRegistered as error:
            raise AlreadyStarted(str(name), error.ref) from None

    def release(self, ref: Ref) -> None:
        """Take back the name of a process that has ended, and whatever it registered."""
        name = ref.name
        if name is not None and not isinstance(name, Via):
            with self._lock:
                if self._holders.get(name) is ref:
                    del self._holders[name]
        if self._registries:
            self._registries.pop(ref, None)  # of a registry without a name, the table itself
            for entries in tuple(self._registries.values()):
                entries.forget(ref)

    def find(self, name: Name) -> Ref | None:
        """Answer who has the name now: nobody that has ended."""
        if isinstance(name, Via):
            entries = self._entries(name)
            return self._find_partition(name) if entries is None else entries.find(name.key)
        holder = self._holders.get(name)
        return holder if holder is not None and holder.is_alive else None

    def _find_partition(self, via: Via) -> Ref | None:
        """Answer which partition of a `PartitionSupervisor` a key leads to."""
        supervisor = via.registry if isinstance(via.registry, Ref) else self.find(via.registry)
        find_key = getattr(None if supervisor is None else supervisor.published, "find_key", None)
        return None if find_key is None else find_key(via.key)

    def all(self) -> dict[str, Ref]:
        """List the words that name somebody. What is named by a registry, that registry lists."""
        with self._lock:
            return dict(self._holders)

    # ------------------------------------------------------------------------- registries

    def open_registry(self, registry: Ref, keys: Keys) -> Entries:
        """Answer the table of a registry: the one that its predecessor of the same name left, or a new one."""
        name = registry.name if isinstance(registry.name, str) else registry
        with self._lock:
            entries = self._registries.get(name)
            if entries is None or entries.keys_are != keys:
                entries = self._registries[name] = Entries(str(registry.name or registry), keys)
            return entries

    def _entries(self, via: Via) -> Entries | None:
        registry = via.registry
        if isinstance(registry, Ref):
            return self._registries.get(registry.name if isinstance(registry.name, str) else registry)
        return self._registries.get(registry)


def find_here(target: Ref | Name, request: str) -> Ref:
    """Answer whom a name means in the system of the running process.

    Raises:
        NoProcess: nobody; the error says that this was for `request`.
    """
    if not isinstance(target, (str, Via)):
        return target
    me = current()
    if me is None:
        raise RuntimeError(f"plain code belongs to no system, so {str(target)!r} names nobody; hand in a Ref")
    ref = me.system.whereis(target)
    if ref is None:
        raise NoProcess(str(target), request, NOPROC)
    return ref
