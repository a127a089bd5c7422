"""What of a node goes over the WebSocket, and what is left out because it is as it was."""

from __future__ import annotations

from typing import Any

from eye.monitor.document import node_document
from eye.web.encoder import FIELDS, Changes, Snapshot, look
from tests.web.world import START, node

ALWAYS = FIELDS.index("every") + 1


def entry(**changes: Any) -> dict[str, Any]:
    shown = node("a", **changes)
    return {**node_document(shown), "since": shown.since, "reason": None, "every": None}


def changed(then: dict[str, Any], now: dict[str, Any]) -> tuple[Any, ...] | None:
    seen, snapshot = look(None, [then], START)
    assert isinstance(snapshot, Snapshot)
    _, message = look(seen, [now], START + 1)
    if message is None:
        return None
    assert isinstance(message, Changes)
    (row,) = message.rows
    return row[1:]


def with_host(entry: dict[str, Any], **figures: Any) -> dict[str, Any]:
    return {**entry, "host": {**entry["host"], **figures}}


def test_a_row_ends_where_the_rest_is_as_it_was() -> None:
    then = with_host(entry(), disk_used=7, busiest_core_percent=50.0)

    row = changed(then, with_host(then, cpu_percent=99.0))

    assert row is not None
    assert len(row) == ALWAYS
    assert row[FIELDS.index("host.cpu_percent")] == 99.0


def test_a_figure_at_the_end_that_changed_is_sent_with_those_before_it() -> None:
    then = with_host(entry(), disk_used=7, network_send_rate=0.0)

    row = changed(then, with_host(then, network_send_rate=1000.0))

    assert row is not None
    assert len(row) == FIELDS.index("host.network_send_rate") + 1
    assert (row[FIELDS.index("host.disk_used")], row[-1]) == (7, 1000)


def test_own_figures_are_sent_when_they_change() -> None:
    row = changed(entry(custom={"orders": 5}), entry(custom={"orders": 6}))

    assert row is not None
    assert (len(row), row[-1]) == (len(FIELDS), {"orders": 6})


def test_a_little_more_or_less_of_much_is_no_news() -> None:
    then = with_host(entry(), disk_used=10**10, disk_read_rate=10_000_000.0)

    assert changed(then, with_host(then, disk_used=10**10 + 10**5, disk_read_rate=10_000_100.0)) is None


def test_a_node_that_goes_down_has_nothing_any_more() -> None:
    row = changed(with_host(entry(custom={"orders": 5}), disk_used=7), entry(status="down", custom={"orders": 5}))

    assert row is not None
    assert row[0] == "down"
    assert set(row[ALWAYS:]) == {None}
