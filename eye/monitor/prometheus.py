r"""The nodes as Prometheus reads them: text exposition format 0.0.4.

    # HELP sorcerers_eye_host_memory_used_bytes Memory of the machine that is in use: …
    # TYPE sorcerers_eye_host_memory_used_bytes gauge
    sorcerers_eye_host_memory_used_bytes{node="mystic-node-1"} 536870912

Names are made from the catalogue by Prometheus' conventions: base units, a share is a `_ratio`, a
counter ends in `_total`, and nothing but a histogram in `_count`. Only a node that is up has figures:
the server stamps what it scrapes with the time of the scrape, and an old figure would look new.
`sorcerers_eye_node_up` says 0 of the others, so that an alert on silence has something to fire on.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from eye.metrics.catalogue import CATALOGUE, LISTS, Kind, Metric, Unit
from eye.metrics.custom import metrics_of
from eye.monitor.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eye.monitor.node_view import NodeView

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX = "sorcerers_eye"
_SUFFIX = {
    Unit.BYTES: "_bytes",
    Unit.SHARE: "_ratio",
    Unit.SPEED: "_bytes_per_second",
    Unit.SECONDS: "_seconds",
    Unit.COUNT: "",
    Unit.NUMBER: "",
}


EVERYTHING = tuple(metric for metric in (*CATALOGUE, *LISTS) if metric.unit is not Unit.SPEED)
"""What is told unless somebody asks for less. Not speeds: Prometheus makes them of the totals, over any time."""


def prometheus(
    nodes: Iterable[NodeView],
    now: float,
    metrics: Iterable[Metric] | None = None,
    alerts: Iterable[Mapping[str, Any]] = (),
) -> str:
    """Write the nodes in the text exposition format; `CONTENT_TYPE` is its content type.

    Args:
        now: not used (every exporter is called alike); Prometheus stamps what it scrapes itself.
        metrics: only these; None is the whole catalogue, and what the nodes' own programs tell.
        alerts: records of `View.alerts`; those that are over are left out.
    """
    by_name = {node.name: node for node in nodes}  # the same series twice would void the whole scrape
    ordered = [by_name[name] for name in sorted(by_name)]
    chosen = (*EVERYTHING, *metrics_of(ordered)) if metrics is None else metrics
    families = [*_about_nodes(ordered), *_measured(ordered, chosen), _alerts(alerts)]
    return "".join(line for family in families for line in family)


def metric_name(metric: Metric) -> str:
    """Name a metric of the catalogue as Prometheus does: `sorcerers_eye_host_cpu_ratio`."""
    stem = metric.name if metric.field.endswith("_count") else metric.field.removesuffix("_rate")
    stem = stem.removesuffix("s") if metric.each else stem
    unit = _SUFFIX[metric.unit]
    suffix = "_total" if metric.kind is Kind.COUNTER else ""
    return f"{_PREFIX}_{metric.scope.value}_{stem.removesuffix(unit)}{unit}{suffix}"


def _about_nodes(nodes: Sequence[NodeView]) -> Iterator[list[str]]:
    yield _family(
        f"{_PREFIX}_node_up",
        "gauge",
        "Whether the node answers (1) or is connecting, suspect or down (0)",
        [(_labels(node=node.name), int(node.status == "up")) for node in nodes],
    )
    yield _family(
        f"{_PREFIX}_node_last_seen_timestamp_seconds",
        "gauge",
        "When the node last answered, in seconds since 1970",
        [(_labels(node=node.name), node.seen_at) for node in nodes],
    )
    yield _family(
        f"{_PREFIX}_node_info",
        "gauge",
        "Always 1; where the node listens, its machine, whose memory and CPU are told, and its Python",
        [(_info(node), 1) for node in nodes if node.host is not None and node.status == "up"],
    )


def _info(node: NodeView) -> str:
    assert node.host is not None
    python = node.process.python if node.process is not None else ""
    return _labels(
        node=node.name, address=node.address, host=node.host.name, source=node.host.source, python=python
    )


def _alerts(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Write what our rules say, with the labels that Prometheus gives to its own `ALERTS`."""
    return _family(
        f"{_PREFIX}_alerts",
        "gauge",
        "Always 1; an alert of a rule of this view, pending or firing",
        [
            (
                _labels(
                    alertname=record["rule"],
                    alertstate=record["state"],
                    node=record["node"],
                    severity=record["severity"],
                    silenced=str(record["silenced"]).lower(),
                ),
                1,
            )
            for record in records
            if record["state"] != "resolved"
        ],
    )


def _measured(nodes: Sequence[NodeView], metrics: Iterable[Metric]) -> Iterator[list[str]]:
    live = [(_labels(node=node.name), node) for node in nodes if node.status == "up"]
    named: dict[str, Metric] = {}
    for metric in metrics:
        # Two own figures may come to one name (`queue` in bytes, and `queue_bytes`), which would void the scrape.
        named.setdefault(metric_name(metric), metric)
    for name, metric in named.items():
        samples: list[tuple[str, float | int | None]] = (
            [one for _, node in live for one in _samples_of_each(metric, node)]
            if metric.each
            else [(labels, metric.read(node)) for labels, node in live]
        )
        yield _family(name, metric.kind.value, metric.help, samples)


def _samples_of_each(metric: Metric, node: NodeView) -> Iterable[tuple[str, float]]:
    values = metric.read_each(node) or ()
    return [(_labels(**{"node": node.name, metric.each: str(at)}), value) for at, value in enumerate(values)]


def _family(name: str, kind: str, words: str, samples: list[tuple[str, float | int | None]]) -> list[str]:
    lines = [f"{name}{labels} {_number(value)}\n" for labels, value in samples if value is not None]
    escaped = clean(words).replace("\\", r"\\")
    return [f"# HELP {name} {escaped}\n", f"# TYPE {name} {kind}\n", *lines] if lines else []


def _labels(**values: str) -> str:
    return "{" + ",".join(f'{key}="{_escape(value)}"' for key, value in values.items()) + "}"


def _escape(value: str) -> str:
    return clean(value).replace("\\", r"\\").replace('"', r"\"")


def _number(value: float | int) -> str:
    if isinstance(value, int):
        return str(value)
    return repr(value) if isfinite(value) else {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[repr(value)]
