"""The nodes as OpenTelemetry metrics, pushed to a collector over OTLP/HTTP. It needs the extra `otel`.

    from eye.exporters.otel import push
    push(node, "http://collector.example:4318")                 # the node itself, every 10 seconds
    push(node, "http://collector.example:4318", is_for_all=True)  # all nodes that it sees

Each metric of the catalogue, and each figure of a program's own, is an observable instrument (`Instruments`): it
is read from the nodes when it is its time, so nothing is counted twice. Names are `sorcerers_eye.host.memory_used`
and so on, units those of UCUM, and every point has the attribute `node`. Only nodes that are up have figures;
`sorcerers_eye.node.up` says 0 of the others.

A process in the node's tree pushes them (`Pusher`). A collector that is away costs points, and nothing else: the
SDK logs it. Nothing global is set: a program that has OpenTelemetry of its own goes on with that.
"""

from __future__ import annotations

import logging
from functools import partial
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from eye.errors import ConfigError
from eye.metrics.catalogue import CATALOGUE, LISTS, Kind, Metric, Unit
from eye.metrics.custom import metrics_of
from eye.supervision.child_spec import ChildSpec
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opentelemetry.metrics import CallbackOptions, Meter, Observation

    from eye.monitor.node import Node
    from eye.monitor.node_view import NodeView
    from eye.supervision.reasons import Reason

_log = logging.getLogger("eye.exporters")

SCOPE = "sorcerers_eye"
PATH = "/v1/metrics"
"""Where a collector takes metrics, by the OTLP specification; what an address without a path means."""

_UNITS = {
    Unit.BYTES: "By",
    Unit.SPEED: "By/s",
    Unit.SHARE: "1",
    Unit.SECONDS: "s",
    Unit.COUNT: "1",
    Unit.NUMBER: "1",
}
MOST_OWN = 1000
"""Instruments of own figures, in one life: the SDK takes none back."""

_MOST_GONE = 100  # nodes that are there no more; or a quarter of those that are
_MISSING = "OpenTelemetry is not installed; pip install 'sorcerers-eye[otel]'"


class Instruments:
    """An observable instrument for everything that nodes measure."""

    def __init__(self, meter: Meter, nodes: Callable[[], Iterable[NodeView]]) -> None:
        """`nodes` answers those that are told of, as they are at the moment."""
        self._meter, self._nodes = meter, nodes
        self._seen: tuple[NodeView, ...] = ()
        self._made: set[str] = set()
        self._told: set[str] = set()  # nodes, ever
        meter.create_observable_gauge(
            f"{SCOPE}.node.up", [self._observe_up], "1", "Whether the node answers (1), or not (0)"
        )
        for metric in (*CATALOGUE, *LISTS):
            self._make(metric)
        self._most, self._is_told = len(self._made) + MOST_OWN, False

    def look(self) -> None:
        """Take the nodes as they are now; what a reader collects until the next look is that."""
        self._seen = tuple(self._nodes())
        self._told.update(node.name for node in self._seen)
        for metric in metrics_of(self._seen):
            if len(self._made) < self._most:
                self._make(metric)
            elif not self._is_told and _name(metric) not in self._made:
                self._is_told = True
                _log.warning(
                    "%d figures of programs' own are pushed; further ones, as %r, are not, until the next start. "
                    "A name is for what stays the same", MOST_OWN, metric.name,
                )  # fmt: skip

    @property
    def is_worn(self) -> bool:
        """Whether others are to be made instead: an instrument keeps 2,000 nodes, those that have gone, too."""
        return len(self._told) - len(self._seen) > max(_MOST_GONE, len(self._seen) // 4)

    def _make(self, metric: Metric) -> None:
        name = _name(metric)
        if name in self._made:
            return
        self._made.add(name)
        meter = self._meter
        create = meter.create_observable_counter if metric.kind is Kind.COUNTER else meter.create_observable_gauge
        create(name, [partial(self._observe, metric)], _UNITS[metric.unit], metric.help)

    def _observe_up(self, _options: CallbackOptions) -> Iterator[Observation]:
        from opentelemetry.metrics import Observation

        for node in self._seen:
            yield Observation(int(node.status == "up"), {"node": node.name})

    def _observe(self, metric: Metric, _options: CallbackOptions) -> Iterator[Observation]:
        from opentelemetry.metrics import Observation

        for node in self._seen:
            if node.status != "up":
                continue
            values = metric.read_each(node) or () if metric.each else (metric.read(node),)
            for at, value in enumerate(values):
                attributes = {"node": node.name} | ({metric.each: str(at)} if metric.each else {})
                if value is not None and isfinite(value):
                    yield Observation(value, attributes)


def _name(metric: Metric) -> str:
    return f"{SCOPE}.{metric.scope.value}.{metric.field}"


def push(node: Node, url: str, *, interval: float = 10.0, is_for_all: bool = False) -> None:
    """Push metrics to a collector, from the node's tree, until it stops.

    Args:
        node: whose view is told.
        url: the collector's address; `/v1/metrics` is added where it has no path.
        interval: seconds from one push to the next.
        is_for_all: all nodes that this one sees, instead of itself alone. Then the others need not push.

    Raises:
        ConfigError: it is no address of HTTP, or OpenTelemetry is not installed.
    """
    endpoint = endpoint_of(url)
    try:
        import opentelemetry.exporter.otlp.proto.http.metric_exporter
        import opentelemetry.sdk.metrics  # noqa: F401
    except ImportError:
        raise ConfigError(_MISSING) from None
    view = node.view

    def everybody() -> Iterable[NodeView]:
        view.look(2 * interval)
        return view.nodes()

    def own() -> Iterable[NodeView]:
        return () if (me := view.own()) is None else (me,)

    nodes = everybody if is_for_all else own
    node.add_view(
        # A push that hangs is not waited for: what it could still tell is not worth a slow goodbye.
        ChildSpec(Pusher, id="otlp", args=(node.name, nodes, endpoint, interval), shutdown=1.0)
    )


def endpoint_of(url: str) -> str:
    """Complete the address of a collector.

    Raises:
        ConfigError: it is no address of HTTP.
    """
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that there is not
        is_whole = False
    if not is_whole:
        raise ConfigError(f"--otlp: a collector's address is http://HOST:PORT or https://HOST:PORT, not {url!r}")
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{PATH}"


class Beat(NamedTuple):
    """It is time to push."""


class Pusher(GenServer):
    """Pushes what nodes measure to a collector, at every beat."""

    def init(self, name: str, nodes: Callable[[], Iterable[NodeView]], endpoint: str, interval: float) -> None:
        """Set OpenTelemetry up, for this process alone; see `push`."""
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        self._name, self._nodes, self._interval = name, nodes, interval
        self._exporter = OTLPMetricExporter(endpoint=endpoint, timeout=min(interval, 10.0))
        self._make_instruments()
        self.system.send_after(self.ref, min(interval, 1.0), Beat())  # there is a first sample by then

    def _make_instruments(self) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource

        # No period of its own: this process keeps the time, and a supervisor keeps this process.
        self._reader = PeriodicExportingMetricReader(self._exporter, export_interval_millis=inf)
        resource = Resource.create({"service.name": SCOPE, "service.instance.id": self._name})
        provider = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        self._instruments = Instruments(provider.get_meter(SCOPE), self._nodes)

    def handle_info(self, message: Any) -> Any:
        if not isinstance(message, Beat):
            return super().handle_info(message)
        self.system.send_after(self.ref, self._interval, Beat())
        if self._instruments.is_worn:
            self._make_instruments()
        self._instruments.look()
        self._reader.collect()
        return None

    def terminate(self, reason: Reason) -> None:
        self._exporter.shutdown()
