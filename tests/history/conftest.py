"""Samples as they come in, and a store that fails when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from eye.errors import HistoryError
from eye.history.memory_store import MemoryStore
from eye.metrics.sample import HostReading, ProcessReading, Sample

NOON = 1_800_014_400.0
_HOST = HostReading("orthanc", 512 * 2**20, 2 * 2**30, 0.2, 2, 0.42, 100, 7200.0)
_PROCESS = ProcessReading(4242, 46 * 2**20, 0.007, 12, 17, 0, 60.0)


@dataclass(frozen=True)
class Heard:
    """What a collector tells: `eye.monitor.samples.Seen`."""

    node: str
    sample: Sample
    at: float


@pytest.fixture(scope="session")
def heard() -> Callable[..., Heard]:
    def make(node: str, at: float, cpu: float = 0.2, late: float = 0.0, **changes: Any) -> Heard:
        sample = Sample(node, "boot-1", at, replace(_HOST, cpu=cpu), _PROCESS)
        return Heard(node, replace(sample, **changes), at + late)

    return make


class Failing(MemoryStore):
    """Keeps its promises, but for that of a moment when `error` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.error: HistoryError | None = None
        self.tries = 0

    def _check(self) -> None:
        self.tries += 1
        if self.error is not None:
            raise self.error

    def write(self, *args: Any) -> None:
        self._check()
        super().write(*args)

    def claim(self, *args: Any) -> frozenset[str]:
        self._check()
        return super().claim(*args)


@pytest.fixture
def store() -> Failing:
    return Failing()
