"""This machine alone: what `fetch` shows where there is no cluster."""

from __future__ import annotations

import time

from eye.clock import SystemClock
from eye.cluster.node import Status
from eye.metrics.psutil_probe import PsutilProbe
from eye.monitor.node_view import NodeView

_WINDOW = 0.1  # seconds between the two looks that a share of CPU needs


class ThisMachine:
    """Reads this machine, as if it were a node under its host name."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._probe = PsutilProbe(self._clock)
        self._probe.read_host()
        time.sleep(_WINDOW)

    def read(self) -> tuple[float, NodeView]:
        """Look, and say when."""
        host = self._probe.read_host()
        now = self._clock.now()
        return now, NodeView(
            name=host.name,
            status=Status.UP.value,
            address="",
            seen_at=now,
            since=now - host.uptime,
            reason=None,
            boot="",
            host=host,
            process=None,
            round_trip=None,
        )
