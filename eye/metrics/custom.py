"""A program's own figures: what they may be called, what is said of them, and what is believed of another node.

    node.gauge("orders", lambda: len(queue), help="Orders that wait", unit="count")

A sample carries them as `custom`, by their names; what they are (`About`) goes along once, and whoever reads
remembers it (`complete`). Wherever a metric is named they may be named too: as `orders`, or as `custom.orders`,
which is understood even of a node that has not said anything yet.

What comes from another node is checked as strictly as what the program here says: names end up in queries, in
files and on screens.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from eye.errors import BadMetric
from eye.metrics.catalogue import CATALOGUE, Kind, Metric, Scope, Unit
from eye.metrics.sample import About

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Protocol

    from eye.metrics.sample import Sample

    class Telling(Protocol):
        """Whatever tells own figures: a sample, or a view of a node."""

        @property
        def custom(self) -> Mapping[str, int | float]: ...
        @property
        def about(self) -> Mapping[str, About] | None: ...


MOST = 100
"""Own figures of one node."""

LONGEST_NAME, LONGEST_HELP = 64, 200

PREFIX = f"{Scope.CUSTOM.value}."

_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
_ENDINGS = ("_total", "_count", "_sum", "_bucket", "_info")  # each means something else to Prometheus
_TAKEN = {"and", "or", "not", "status", "node", "host", "address", "process", "custom"}
_TAKEN |= {"mem", "load", "procs", "memory_percent", "mem_percent"}  # what filters call others
_TAKEN |= {word for metric in CATALOGUE for word in (metric.name, metric.field, metric.json_name)}
_MOST_EXACT = 2**53


def described(name: str, help: str, unit: str, kind: Kind) -> About:
    """Check what a program says of a figure of its own.

    Raises:
        BadMetric: the name, the unit or the words cannot be used.
    """
    if not is_name(name):
        raise BadMetric(name, f"a name has small letters, digits and _, a letter first, at most {LONGEST_NAME}")
    if name in _TAKEN:
        raise BadMetric(name, "this name means something else already")
    ending = next((one for one in _ENDINGS if name.endswith(one)), None)
    if ending is not None:
        raise BadMetric(name, f"leave out {ending!r}: Prometheus reads something else from it")
    units = [one.value for one in Unit]
    if unit and unit not in units:
        raise BadMetric(name, f"a unit is one of {', '.join(units)}, or empty, not {unit!r}")
    if len(help) > LONGEST_HELP:
        raise BadMetric(name, f"its help has at most {LONGEST_HELP} characters, not {len(help)}")
    return About(help, unit or Unit.NUMBER.value, kind.value)


def is_name(name: object) -> bool:
    """Say whether an own figure may be called that."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def as_figure(value: Any) -> int | float | None:
    """Make a figure of what a program's function returned; None where it is None, or not finite.

    Raises:
        TypeError, ValueError: it is not a number at all.
    """
    if isinstance(value, int):
        return int(value) if abs(value) <= _MOST_EXACT else float(value)
    if value is None:
        return None
    if isinstance(value, (str, bytes)):
        raise TypeError(f"a number is expected, not {value!r}")
    number = float(value)
    return number if isfinite(number) else None


def metric(name: str, about: About | None = None) -> Metric:
    """Write the line that the catalogue would have for an own figure."""
    about = about or About()
    unit, kind = _one_of(Unit, about.unit, Unit.NUMBER), _one_of(Kind, about.kind, Kind.GAUGE)
    words = about.help or f"{name}, as the node's own program tells it"
    return Metric(name, Scope.CUSTOM, name, unit, kind, name.replace("_", " ").title(), words)


def metrics_of(nodes: Iterable[Telling]) -> tuple[Metric, ...]:
    """List the own figures of some nodes, by name; where two describe one name differently, the first counts."""
    found: dict[str, Metric] = {}
    for node in nodes:
        about = node.about or {}
        for name in (*about, *node.custom):  # what a node tells of, but cannot tell just now, too
            if name not in found:
                found[name] = metric(name, about.get(name))
    return tuple(found[name] for name in sorted(found))


def complete(sample: Sample, before: Sample | None) -> Sample:
    """Take in a sample from the wire: leave out what may not be, put in what was said of it before.

    Args:
        before: the sample of that node that was taken in last, if there was one.
    """
    known = before if before is not None and before.boot == sample.boot else None
    if not sample.custom and not sample.about and (known is None or not known.about):
        return sample
    about = sample.about
    if about is None and known is not None:
        about = known.about
        if sample.custom.keys() == known.custom.keys() and all(map(isfinite, sample.custom.values())):
            return replace(sample, about=about)  # nearly always: its names were looked at before
    elif about is not None:
        about = {name: one._replace(help=one.help[:LONGEST_HELP]) for name, one in about.items() if is_name(name)}
    return replace(sample, custom=allowed(sample.custom), about=about and _first(about))


def allowed(told: Mapping[str, Any]) -> dict[str, int | float]:
    """Take in figures from the wire: those whose names may be, that are numbers, and so many at most."""
    return _first({name: value for name, value in told.items() if is_name(name) and isfinite(value)})


def _first(named: dict[str, Any]) -> dict[str, Any]:
    return named if len(named) <= MOST else dict(list(named.items())[:MOST])


def _one_of(kind: Any, said: str, otherwise: Any) -> Any:
    try:
        return kind(said)
    except ValueError:  # of a newer version
        return otherwise
