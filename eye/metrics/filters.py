"""Which nodes are meant: one small language for every command, screen and rule.

    mystic-*                    names by glob; a word without wildcards is looked for anywhere in the name
    status:down                 up, suspect, down or connecting
    host:orthanc  address:10.*  the machine's name, the node's address; `node:` is the name, as by itself
    cpu>80  mem>1GB  uptime<5m  any metric of the catalogue, in its unit: percent, sizes, durations
    mem>85%                     a size as a share of the machine's memory
    node.mem>200MB              the node's own figure (`host.` is the machine's, and what is meant without)
    custom.orders>5  orders>5   a figure of the node's program; without `custom.` where it is known
    cpu>80 status:up            both
    web-* or status:down        either
    not test-*   -test-*        all but these
    (a or b) cpu>50             brackets group; `"…"` quotes what would otherwise be understood

    filter = all { "or" all }     all = one { one }
    one    = ( "not" | "-" | "!" ) one | "(" filter ")" | test
    test   = metric ( > >= < <= = != ) value | ( status | node | host | address ) ":" glob | glob

An alert rule is a filter with times (`condition` understands those; a filter looks at this moment, and has none):

    cpu>90 for 30s              held for so long
    restarts>5 in 1m            a counter grew by so much in so long
    absent for 1m               the node says nothing, whether it is known to be down or not
    cpu>90 for 30s keep 1m      over only when it has been over for so long

    rule   = filter { ( "for" | "keep" ) duration }       test = … | counter op value "in" duration | "absent"

Upper and lower case are the same. A comparison is false where there is no figure: a node that is down has
none. `parse` makes a `Filter` of a text, or says which character is wrong; what a filter means is in `Filter.data`
as plain data too, which is what the browser gets: it evaluates, but does not parse.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import BadFilter, UnknownMetric
from eye.metrics import catalogue
from eye.metrics.filter_meaning import Filterable, is_meant
from eye.metrics.filter_reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.metrics.catalogue import Metric

_LONGEST = 1000  # characters of a filter


class Filter(NamedTuple):
    """A filter that was understood.

    `data` is its meaning as nested lists, numbers in the units of the JSON contract:

        ["all", ...]  ["any", ...]  ["not", one]  ["true"]
        ["status", "down"]  ["match", "node" | "host" | "address", regular expression]
        ["compare", "host" | "process", field, operator, number]  ["compare", "custom", name, operator, number]
        ["share", "host" | "process", field, field of the whole, operator, percent]

    That of a rule may also have:

        ["grew", "host" | "process", field, operator, number, seconds]  ["absent"]

    `presumed` are names that were taken for own figures of some node, and where they stand: see `check`.
    """

    text: str
    data: list[Any]
    presumed: tuple[tuple[str, int], ...] = ()

    def matches(self, node: Filterable) -> bool:
        """Say whether the filter means this node."""
        return is_meant(self.data, node)

    @property
    def is_empty(self) -> bool:
        """Whether every node is meant."""
        return self.data == ["true"]

    def check(self, own: Iterable[Metric]) -> None:
        """See whether what was presumed is so, once it is known what the nodes tell.

        Raises:
            BadFilter: no node tells a figure of such a name.
        """
        known = {metric.name: metric for metric in own}
        for name, at in self.presumed:
            if name not in known:
                try:
                    catalogue.find(name, known.values())
                except UnknownMetric as unknown:
                    raise BadFilter(self.text, at, str(unknown)) from None


class Condition(NamedTuple):
    """The condition of an alert rule: what is to be so, and its times in seconds where it says any."""

    text: str
    data: list[Any]
    wait: float | None = None  # `for`
    keep: float | None = None


@lru_cache(maxsize=256)
def parse(text: str, own: tuple[Metric, ...] | None = ()) -> Filter:
    """Understand a filter; an empty one means every node.

    Args:
        text: what somebody wrote.
        own: what the programs of the nodes tell (`custom.metrics_of`), which may be named like other metrics. None
            if that is not known yet: then any name may be one, until `Filter.check`.

    Raises:
        BadFilter: it cannot be understood; it says at which character, and what may stand there.
    """
    if len(text) > _LONGEST:
        raise BadFilter(text[:60] + "…", _LONGEST, f"a filter has at most {_LONGEST} characters")
    reader = Reader(text, own=own)
    return Filter(text, reader.whole(), tuple(reader.presumed))


def condition(text: str) -> Condition:
    """Understand the condition of an alert rule: a filter with times.

    Raises:
        BadFilter: see `parse`.
    """
    if len(text) > _LONGEST:
        raise BadFilter(text[:60] + "…", _LONGEST, f"a condition has at most {_LONGEST} characters")
    reader = Reader(text, is_rule=True)
    data = reader.whole()
    if data == ["true"]:
        raise BadFilter(text, 0, "a rule needs a condition, such as cpu > 90")
    return Condition(text, data, reader.times.get("for"), reader.times.get("keep"))
