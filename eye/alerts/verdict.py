"""What a condition says of a node: true, false, or that nobody knows.

A filter takes what is not known for false, for it has to show a node or not. An alert must not: a node that has
fallen silent is no proof that its CPU has calmed down. So here a comparison without a figure is None, and
«not», «and», «or» go on with that as Kleene's logic does: false and unknown is false, true or unknown is true.

A condition is compiled once, into functions of `Facts`, for it is asked of every node at every beat.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.alerts.wording import WRITTEN, plain, span
from eye.metrics import custom
from eye.metrics.catalogue import CATALOGUE, Metric, Scope, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


class Facts(NamedTuple):
    """What is known of one node at one moment.

    `figures` are by the keys of metrics (`host.cpu`), in base units, and those of `Growth.name`; what is not
    there, or None, nobody knows. `is_silent` says that nothing comes from the node, whatever its status.
    """

    node: str
    status: str
    figures: dict[str, Any]  # numbers, or None
    is_silent: bool = False
    address: str = ""
    host: str = ""
    reason: str = ""


class Growth(NamedTuple):
    """By how much a counter grew in the last `seconds`: a figure that has to be kept count of."""

    counter: str
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.counter} in {self.seconds:g}"


class Leaf(NamedTuple):
    """One comparison of a condition: whether it holds, its figure, and how that is said."""

    holds: Callable[[Facts], bool | None]
    figure: Callable[[Facts], float | None]
    say: Callable[[Facts], str]
    is_state: bool  # said of the node itself, without a figure


def compile_test(data: list[Any]) -> Callable[[Facts], bool | None]:
    """Make a function of the meaning of a condition (`filters.Condition.data`)."""
    kind = data[0]
    if kind in ("all", "any"):
        return _several([compile_test(one) for one in data[1:]], decides=kind == "any")
    if kind == "not":
        inner = compile_test(data[1])
        return lambda facts: None if (said := inner(facts)) is None else not said
    return _leaf(data).holds


def leaves(data: list[Any]) -> list[Leaf]:
    """List the comparisons of a condition that say something of it, as they stand; not those under a «not»."""
    return [_leaf(one) for one in _positive(data) if one[0] not in ("match", "true")]


def needs(data: list[Any]) -> tuple[set[Metric], set[Growth]]:
    """Say which metrics a condition reads, and of which counters it wants the growth."""
    metrics: set[Metric] = set()
    growths: set[Growth] = set()
    for one in _all(data):
        if one[0] == "compare":
            metrics.add(metric_of(one[1], one[2]))
        elif one[0] == "share":
            metrics |= {_of_field(one[1], one[2]), _of_field("host", one[3])}
        elif one[0] == "grew":
            counter = metric_of(one[1], one[2])
            metrics.add(counter)
            growths.add(Growth(counter.key, one[5]))
    return metrics, growths


# ------------------------------------------------------------------------------------ within


def _all(data: list[Any]) -> Iterator[list[Any]]:
    if data[0] in ("all", "any", "not"):
        for one in data[1:]:
            yield from _all(one)
    else:
        yield data


def _positive(data: list[Any]) -> Iterator[list[Any]]:
    if data[0] in ("all", "any"):
        for one in data[1:]:
            yield from _positive(one)
    elif data[0] != "not":
        yield data


def _several(tests: list[Callable[[Facts], bool | None]], *, decides: bool) -> Callable[[Facts], bool | None]:
    """Join tests: one that says `decides` decides; else one that does not know; else they all say the other."""

    def test(facts: Facts) -> bool | None:
        answer: bool | None = not decides
        for one in tests:
            said = one(facts)
            if said is decides:
                return decides
            if said is None:
                answer = None
        return answer

    return test


def _leaf(data: list[Any]) -> Leaf:
    return _LEAVES[data[0]](data)


def _nothing(_facts: Facts) -> None:
    return None


def _true(_data: list[Any]) -> Leaf:
    return Leaf(lambda facts: True, _nothing, lambda facts: "", is_state=True)


def _status(data: list[Any]) -> Leaf:
    wanted = data[1]

    def say(facts: Facts) -> str:
        return f"{facts.status} ({facts.reason})" if facts.reason else facts.status

    return Leaf(lambda facts: facts.status == wanted, _nothing, say, is_state=True)


def _absent(_data: list[Any]) -> Leaf:
    return Leaf(lambda facts: facts.is_silent, _nothing, lambda facts: "says nothing", is_state=True)


def _match(data: list[Any]) -> Leaf:
    field = operator.attrgetter(data[1])
    search = re.compile(data[2], re.IGNORECASE | re.DOTALL).search
    return Leaf(lambda facts: search(field(facts)) is not None, _nothing, lambda facts: "", is_state=True)


def _compare(data: list[Any]) -> Leaf:
    _, part, json_name, sign, number = data
    metric = metric_of(part, json_name)
    factor = 100.0 if metric.is_percent else 1.0
    name = metric.key

    def figure(facts: Facts) -> float | None:
        value = facts.figures.get(name)
        return None if value is None else value * factor

    return _numeric(figure, sign, number, label_of(metric), written(metric))


def _share(data: list[Any]) -> Leaf:
    _, part, field, whole, sign, number = data
    metric = _of_field(part, field)
    used, total = metric.key, _of_field("host", whole).key

    def figure(facts: Facts) -> float | None:
        value, of = facts.figures.get(used), facts.figures.get(total)
        return None if value is None or not of else 100.0 * value / of

    return _numeric(figure, sign, number, label_of(metric), WRITTEN[Unit.SHARE])


def _grew(data: list[Any]) -> Leaf:
    _, part, json_name, sign, number, seconds = data
    metric = metric_of(part, json_name)
    name = Growth(metric.key, seconds).name

    def figure(facts: Facts) -> float | None:
        return facts.figures.get(name)

    return _numeric(figure, sign, number, label_of(metric), lambda count: f"{plain(count)} in {span(seconds)}")


def _numeric(
    figure: Callable[[Facts], float | None], sign: str, number: float, label: str, written: Callable[[float], str]
) -> Leaf:
    compare = _OPERATORS[sign]

    def holds(facts: Facts) -> bool | None:
        value = figure(facts)
        return None if value is None else compare(value, number)

    def say(facts: Facts) -> str:
        value = figure(facts)
        return f"{label} unknown" if value is None else f"{label} {written(value)}"

    return Leaf(holds, figure, say, is_state=False)


def written(metric: Metric) -> Callable[[float], str]:
    """Say how figures of a metric are written, as rules count them."""
    return WRITTEN[metric.unit] if metric.scope is not Scope.CUSTOM or metric.unit is not Unit.SHARE else plain


def label_of(metric: Metric) -> str:
    """Name a metric for people."""
    both = sum(one.label == metric.label for one in CATALOGUE) > 1
    return f"Node {metric.label}" if both and metric.part == "process" else metric.label


def metric_of(part: str, json_name: str) -> Metric:
    """Find the metric of a condition's data."""
    if part == Scope.CUSTOM.value:
        return custom.metric(json_name)
    return next(one for one in CATALOGUE if (one.part, one.json_name) == (part, json_name))


def _of_field(part: str, field: str) -> Metric:
    return next(one for one in CATALOGUE if (one.part, one.field) == (part, field))


_LEAVES: dict[str, Callable[[list[Any]], Leaf]] = {
    "true": _true,
    "status": _status,
    "absent": _absent,
    "match": _match,
    "compare": _compare,
    "share": _share,
    "grew": _grew,
}
