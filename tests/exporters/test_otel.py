"""OpenTelemetry's own reader reads what nodes measure, and a real collector is pushed to by a real node."""

from __future__ import annotations

import gzip
import os
import queue
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult

from eye.errors import ConfigError
from eye.exporters.otel import Instruments, Pusher, endpoint_of, push
from eye.metrics.sample import About
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.testing import drain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eye.monitor.node_view import NodeView
    from eye.supervision import System
    from eye.testing import ManualClock

PATIENCE = 30.0


class Reading:
    """Some nodes, and what OpenTelemetry's reader in memory makes of them."""

    def __init__(self, *nodes: NodeView) -> None:
        self.nodes = list(nodes)
        self._reader = InMemoryMetricReader()
        provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self._instruments = Instruments(provider.get_meter("test"), lambda: self.nodes)

    def collect(self) -> dict[str, Any]:
        self._instruments.look()
        data = self._reader.get_metrics_data()
        assert data is not None
        return {one.name: one for each in data.resource_metrics[0].scope_metrics for one in each.metrics}


def points(metric: Any) -> list[tuple[dict[str, Any], float]]:
    return [(dict(point.attributes), point.value) for point in metric.data.data_points]


def test_every_metric_is_an_instrument_with_its_unit_and_words(make_node: Callable[..., NodeView]) -> None:
    told = Reading(make_node("a", process_restarts=3), make_node("b")).collect()

    memory, restarts = told["sorcerers_eye.host.memory_used"], told["sorcerers_eye.node.restarts"]
    assert (memory.unit, memory.description[:21]) == ("By", "Memory of the machine")
    assert points(memory) == [({"node": "a"}, 536870912), ({"node": "b"}, 536870912)]
    assert points(told["sorcerers_eye.host.cpu"]) == [({"node": "a"}, 0.2), ({"node": "b"}, 0.2)]
    assert (restarts.data.is_monotonic, points(restarts)[0]) == (True, ({"node": "a"}, 3))


def test_each_core_has_a_point(make_node: Callable[..., NodeView]) -> None:
    told = Reading(make_node("a", host_core_cpus=(0.25, 1.0))).collect()

    assert points(told["sorcerers_eye.host.core_cpus"]) == [
        ({"node": "a", "core": "0"}, 0.25),
        ({"node": "a", "core": "1"}, 1.0),
    ]


def test_names_that_change_all_the_time_do_not_fill_the_memory(
    make_node: Callable[..., NodeView], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("eye.exporters.otel.MOST_OWN", 3)
    reading = Reading()

    for number in range(10):
        reading.nodes = [make_node("a", custom={f"order_{number}": number, "order_0": 0})]
        told = reading.collect()

    assert [name for name in told if "order" in name] == ["sorcerers_eye.custom.order_0"]
    assert len(reading._instruments._made & {f"sorcerers_eye.custom.order_{number}" for number in range(10)}) == 3
    (said,) = (one.getMessage() for one in caplog.records if one.name == "eye.exporters")
    assert "further ones, as 'order_3', are not, until the next start" in said


class Collected:
    """Stands for the exporter: remembers which nodes were told."""

    told: ClassVar[list[set[str]]] = []

    def __init__(self, **_settings: Any) -> None:
        self._preferred_temporality = self._preferred_aggregation = None

    def export(self, data: Any, **_more: Any) -> MetricExportResult:
        metrics = [one for each in data.resource_metrics[0].scope_metrics for one in each.metrics]
        up = next(one for one in metrics if one.name == "sorcerers_eye.node.up")
        self.told.append({attributes["node"] for attributes, _ in points(up)} if up.data else set())
        return MetricExportResult.SUCCESS

    def shutdown(self, **_more: Any) -> None:
        pass


def test_nodes_that_come_and_go_leave_room_for_others(
    make_node: Callable[..., NodeView], system: System, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instrument of the SDK keeps 2,000 sets of attributes, and tells no others then."""
    monkeypatch.setattr("opentelemetry.exporter.otlp.proto.http.metric_exporter.OTLPMetricExporter", Collected)
    monkeypatch.setattr(Collected, "told", [])
    here: list[NodeView] = []
    system.start(Pusher, "watcher", lambda: here, "http://127.0.0.1:1", 10.0)
    drain(system)
    clock.advance(1.0)
    drain(system)

    for begin in range(0, 3000, 90):
        here[:] = [make_node(f"pod-{number}") for number in range(begin, begin + 90)]
        clock.advance(10.0)
        drain(system)

    assert [len(told) for told in Collected.told if told] == [90] * 34
    assert Collected.told[-1] == {node.name for node in here}


@pytest.mark.parametrize("status", ["down", "suspect", "connecting"])
def test_a_node_that_is_not_up_has_no_figures(status: str, make_node: Callable[..., NodeView]) -> None:
    told = Reading(make_node("a", status=status), make_node("b")).collect()

    assert points(told["sorcerers_eye.node.up"]) == [({"node": "a"}, 0), ({"node": "b"}, 1)]
    assert [attributes for attributes, _ in points(told["sorcerers_eye.host.cpu"])] == [{"node": "b"}]


def test_what_was_not_measured_has_no_point(make_node: Callable[..., NodeView]) -> None:
    told = Reading(make_node(host_cpu=None, host_load_1m=float("nan"))).collect()

    assert "sorcerers_eye.host.cpu" not in told
    assert "sorcerers_eye.host.load_1m" not in told


def test_own_figures_that_come_later_are_told_too(make_node: Callable[..., NodeView]) -> None:
    reading = Reading(make_node("a"))
    before = reading.collect()
    about = {"sent": About("Bytes that were sent", "bytes", "counter")}
    reading.nodes = [make_node("a", custom={"sent": 7}, about=about)]
    sent = reading.collect()["sorcerers_eye.custom.sent"]

    assert "sorcerers_eye.custom.sent" not in before
    assert (sent.unit, sent.description, sent.data.is_monotonic) == ("By", "Bytes that were sent", True)
    assert points(sent) == [({"node": "a"}, 7)]


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://collector:4318", "http://collector:4318/v1/metrics"),
        ("https://collector/", "https://collector/v1/metrics"),
        ("http://collector/otlp/v1/metrics", "http://collector/otlp/v1/metrics"),
    ],
)
def test_an_address_without_a_path_is_completed(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint


@pytest.mark.parametrize(
    "url", ["collector:4318", "grpc://collector:4317", "", "http://", "http://[::1", "http://a:99999"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="http://HOST:PORT"):
        endpoint_of(url)


# ----------------------------------------------------------------------------------------- for real


class Collector:
    """Takes OTLP over HTTP as the specification says, and keeps what came."""

    def __init__(self) -> None:
        came: queue.Queue[dict[str, Any]] = queue.Queue()
        self.came = came

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                request = ExportMetricsServiceRequest.FromString(body)
                self.send_response(200 if self.path == "/v1/metrics" else 404)
                self.end_headers()
                for one in request.resource_metrics:
                    resource = {each.key: each.value.string_value for each in one.resource.attributes}
                    metrics = {metric.name: metric for scope in one.scope_metrics for metric in scope.metrics}
                    came.put({"resource": resource, "metrics": metrics})

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "EYE_FOLDER": str(tmp_path / "run")}
    node = Node.start(NodeConfig("shop", interval=0.2), environ=environ)
    yield node
    node.stop()


@pytest.mark.e2e
@pytest.mark.parametrize("is_for_all", [False, True])
def test_a_collector_is_pushed_to_again_and_again(is_for_all: bool, node: Node, collector: Collector) -> None:
    node.gauge("orders", lambda: 7)
    push(node, collector.url, interval=0.2, is_for_all=is_for_all)

    names: set[str] = set()
    while "sorcerers_eye.custom.orders" not in names:
        told = collector.came.get(timeout=PATIENCE)
        names = set(told["metrics"])
    assert told["resource"]["service.name"] == "sorcerers_eye"
    assert told["resource"]["service.instance.id"] == "shop"
    (point,) = told["metrics"]["sorcerers_eye.node.memory_rss"].gauge.data_points
    assert point.as_int > 2**20
    assert [(one.key, one.value.string_value) for one in point.attributes] == [("node", "shop")]


@pytest.mark.e2e
def test_a_collector_that_is_away_harms_nobody(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    push(node, "http://127.0.0.1:1", interval=0.1)

    pusher = next(ref for ref in node.system.processes() if ref.id == "otlp")
    deadline = threading.Event()
    while "xport" not in caplog.text:
        assert not deadline.wait(0.05)
    assert pusher.is_alive
    assert node.is_alive


@pytest.mark.e2e
def test_start_pushes_what_its_node_measures(tmp_path: Path, collector: Collector) -> None:
    environ = {**os.environ, "EYE_FOLDER": str(tmp_path / "run"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [sys.executable, "-m", "eye.cli.main", "start", "--name", "shop", "--otlp", collector.url]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        told = collector.came.get(timeout=PATIENCE)
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE)

    assert "sorcerers_eye.host.memory_used" in told["metrics"]
    assert process.returncode == 0, said
    assert "Traceback" not in said


@pytest.mark.e2e
def test_start_tells_at_once_what_is_no_address(tmp_path: Path) -> None:
    environ = {**os.environ, "EYE_FOLDER": str(tmp_path / "run"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [sys.executable, "-m", "eye.cli.main", "start", "--name", "shop", "--otlp", "collector:4318"]

    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sorcerers_eye: --otlp: a collector's address is http://HOST:PORT")
