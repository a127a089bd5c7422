"""One server or supervisor many times over, so that it is no bottleneck; a key says which of them is meant.

    workers = system.start(PartitionSupervisor, DynamicSupervisor, partitions=8, name="workers")
    near = PartitionSupervisor.whereis(workers, customer.id)          # always the same for this customer
    DynamicSupervisor.start_child(near, (Session, customer))
    system.call(Via("workers", customer.id), request)                 # the same, as a name

A whole number goes by its remainder, any other key by a hash that is equal in every OS process and on every
machine (Python salts its own `hash`). Looking up asks nobody: it reads what the supervisor publishes.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eye.errors import BadChildSpec, BadPartitionKey, NoProcess
from eye.supervision.child_spec import Child, Strategy, as_child_spec
from eye.supervision.children import Published
from eye.supervision.reasons import NOPROC
from eye.supervision.ref import Ref
from eye.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from eye.supervision.delay import Delay

WithArguments = Callable[[tuple[Any, ...], int], Sequence[Any]]
"""Makes the arguments of one partition from those of the spec and the partition's number."""


def count_cores() -> int:
    """Ask the operating system for its logical cores. The one place below `eye.metrics` that does."""
    return os.cpu_count() or 1


class PartitionSupervisor(Supervisor):
    """Keeps `partitions` copies of one child running, with the ids 0, 1, 2, …"""

    def init(  # type: ignore[override]  # one child for all the partitions: that is the difference
        self,
        child: Child,
        *,
        partitions: int | None = None,
        with_arguments: WithArguments | None = None,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
        delay: Delay | None = None,
    ) -> Any:
        """Start the partitions in order.

        Args:
            child: what each partition runs: a spec, a class, or (class, *arguments).
            partitions: how many; unless given, one for each core.
            with_arguments: called with the spec's arguments and the partition's number, answers that
                partition's arguments.
            strategy, max_restarts, max_seconds, delay: as for any supervisor.
        """
        count = count_cores() if partitions is None else partitions
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise BadChildSpec(f"partitions must be a whole number >= 1 or None, not {partitions!r}")
        spec = as_child_spec(child)
        if spec.name is not None:
            raise BadChildSpec(
                f"child {spec.id!r}: a name belongs to one process, so the child of a PartitionSupervisor can "
                f"have none, not {spec.name!r}; name the supervisor, and find partitions by key"
            )
        make = with_arguments or (lambda args, _number: args)
        children = [replace(spec, id=number, args=tuple(make(spec.args, number))) for number in range(count)]
        self._partitions = count
        return super().init(
            children, strategy=strategy, max_restarts=max_restarts, max_seconds=max_seconds, delay=delay
        )

    def take_charge(self, strategy: Strategy, children: Any) -> None:
        super().take_charge(strategy, children)
        self.ref.published = PublishedPartitions(self.ref.published, self._partitions)

    @staticmethod
    def whereis(supervisor: Ref, key: Any) -> Ref | None:
        """Find the process that is responsible for `key`; None while that partition is between two lives.

        Raises:
            NoProcess: the supervisor is gone, or is no PartitionSupervisor.
            BadPartitionKey: the key would not be the same in another OS process.
        """
        return _published(supervisor, key).find_key(key)

    @staticmethod
    def partitions(supervisor: Ref) -> int:
        """Say how many partitions there are.

        Raises:
            NoProcess: the supervisor is gone, or is no PartitionSupervisor.
        """
        return _published(supervisor, "partitions").partitions


class PublishedPartitions(Published):
    """What a supervisor of partitions shows, the number of them included."""

    __slots__ = ("partitions",)

    def __init__(self, published: Published, partitions: int) -> None:
        super().__init__(
            published.strategy, published._window, published._records, published._departed, published._clock
        )
        self.partitions = partitions

    def find_key(self, key: Any) -> Ref | None:
        """Find the live process that is responsible for `key`."""
        return self.process_of(partition_of(key, self.partitions))


def _published(supervisor: Ref, key: Any) -> PublishedPartitions:
    published = supervisor.published
    if not isinstance(published, PublishedPartitions):
        raise NoProcess(str(supervisor), f"the partition of {key!r}", NOPROC)
    return published


def partition_of(key: Any, partitions: int) -> int:
    """Say which of so many partitions a key belongs to.

    A whole number goes by the remainder of its absolute value, as in Elixir; what Python holds to be equal to
    one (`True`, 3.0) goes with it. A process goes by its serial. Anything else goes by how it is written.

    Raises:
        BadPartitionKey: how it is written differs from one OS process to the next.
    """
    number = _whole(key)
    return abs(number) % partitions if number is not None else zlib.crc32(_written(key)) % partitions


def _whole(key: Any) -> int | None:
    if isinstance(key, Ref):
        return key.serial
    return int(key) if isinstance(key, (int, float)) and key == key // 1 else None


def _written(key: Any) -> bytes:
    if isinstance(key, tuple):
        return b"(%s)" % b",".join(map(_written, key))
    if (number := _whole(key)) is not None:
        return b"%d" % number
    text = repr(key)
    # A set's order and an object's address are nobody else's.
    if isinstance(key, (set, frozenset)) or (" at 0x" in text and not isinstance(key, (str, bytes))):
        raise BadPartitionKey(text)
    return text.encode("utf-8", "surrogatepass")


__all__ = ["PartitionSupervisor", "count_cores", "partition_of"]
