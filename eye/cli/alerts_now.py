"""`alerts`: what fires now, as whoever asks rules in the cluster says, or as the nodes' last hour says."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cli.filtering import chosen, did_not_answer
from eye.cli.looking import Lookout

if TYPE_CHECKING:
    from pathlib import Path

    from eye.cli.options import Shared
    from eye.metrics.filters import Filter
    from eye.monitor.tally import Census

_EVERY = 1.0  # seconds between two looks
_TITLES = ("STATE", "SEVERITY", "RULE", "NODE", "SINCE", "WHAT")
_WORST = ("firing", "pending", "resolved")


class Wanted(NamedTuple):
    """What was asked for."""

    filter: Filter | None
    format: str
    watches: bool
    tells_by_exit_code: bool
    rules: Path | str | None
    timeout: float


class Told(NamedTuple):
    """What came of one look: the alerts, who says so (nobody: it was worked out here), and who did not answer."""

    at: float
    records: list[dict[str, Any]]
    by: list[str]
    somebody_is_missing: bool


def show(shared: Shared, wanted: Wanted) -> int:
    """Look once, and print; or go on, and print what changes."""
    from eye.cli.ruling import rules_of
    from eye.cli.screen import beats, write

    rules_of(wanted.rules)  # a mistake in a file is told, even if a node asks rules of its own
    with Lookout(shared) as lookout:
        if wanted.watches:
            before: dict[tuple[str, str], str] | None = None
            with suppress(KeyboardInterrupt):  # it is the way to end
                for _ in beats(_EVERY, lookout):
                    told = look(lookout, wanted)
                    for record in reversed(told.records):
                        known = "resolved" if before is None else before.get(_key(record))
                        if known != record["state"]:
                            write(_line(record, told, wanted.format))
                    before = {_key(record): record["state"] for record in told.records}
            return 0
        told = look(lookout, wanted)
    write(_json(told) if wanted.format == "json" else _table(told))
    if told.somebody_is_missing:
        return 3
    return int(wanted.tells_by_exit_code and any(one["state"] == "firing" for one in told.records))


def look(lookout: Lookout, wanted: Wanted) -> Told:
    """Ask all nodes for the alerts that they evaluate; where none does, ask the rules of their last hour."""
    from eye.cli.screen import tell
    from eye.errors import ActionRefused
    from eye.monitor.methods import ALERTS

    census = lookout.must_look(wanted.timeout)
    shown = {node.name for node in chosen(census.nodes, wanted.filter)}
    answers = lookout.ask_all(census.routes.values(), ALERTS, timeout=wanted.timeout)
    told = [answer.value for answer in answers.values() if answer.error is None and _evaluates(answer.value)]
    for answer in answers.values():
        if isinstance(answer.error, ActionRefused):
            tell(str(answer.error))
    if told:
        by, records = sorted(one["node"] for one in told), merged(told)
    else:
        by, records = [], _worked_out(lookout, census, wanted)
    records = [one for one in records if wanted.filter is None or one["node"] in shown]
    return Told(census.at, records, by, did_not_answer(census, census.nodes))


def merged(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make one list of what several evaluating nodes say: of one rule at one node the worst, and who says it."""
    from eye.alerts.alert import in_order, is_record

    found: dict[tuple[str, str], dict[str, Any]] = {}
    for answer in sorted(told, key=lambda one: str(one["node"])):
        for record in filter(is_record, answer["alerts"]):
            known = found.get(_key(record))
            by = [*(known["by"] if known is not None else ()), answer["node"]]
            is_worse = known is None or _WORST.index(record["state"]) < _WORST.index(known["state"])
            found[_key(record)] = {**(record if is_worse or known is None else known), "by": by}
    return in_order(list(found.values()))


def _worked_out(lookout: Lookout, census: Census, wanted: Wanted) -> list[dict[str, Any]]:
    from eye.alerts.ledger import Ledger
    from eye.alerts.replay import play
    from eye.cli.alerts import rules_at
    from eye.cli.alerts_tested import ask_hours
    from eye.cli.screen import tell
    from eye.monitor.last_hours import STEP, metrics_of, moments

    if not wanted.watches:
        tell("no node asks alert rules: they are asked here, of the nodes' last hour. `start --alerts` asks them")
    rules = rules_at(wanted.rules).rules
    metrics = metrics_of(rules)
    hours = ask_hours(lookout, census.routes, metrics, wanted.timeout)
    ledger = Ledger()
    play(rules, moments(census.nodes, hours, metrics, census.at), STEP, ledger)
    return [{**record, "by": []} for record in ledger.records(census.at)]


def _evaluates(answer: dict[str, Any]) -> bool:
    return (
        answer.get("evaluates") is True
        and isinstance(answer.get("node"), str)
        and isinstance(answer.get("alerts"), list)
    )


def _key(record: dict[str, Any]) -> tuple[str, str]:
    return record["rule"], record["node"]


# ------------------------------------------------------------------------------- printing


def _json(told: Told) -> str:
    from eye.cli.screen import as_json

    return as_json({"version": 1, "at": told.at, "evaluated_by": told.by, "alerts": told.records})


def _line(record: dict[str, Any], told: Told, format: str) -> str:
    from eye.cli.screen import as_json, local_time
    from eye.monitor.clean import clean

    if format == "json":
        return as_json({"at": told.at, **record}, is_one_line=True)
    silenced = " (silenced)" if record["silenced"] else ""
    words = f"{record['state']:<8}  {record['rule']} at {record['node']}: {record['text']}{silenced}"
    return f"{local_time(told.at)}  {clean(words)}\n"


def _table(told: Told) -> str:
    from eye.monitor.clean import clean

    if not told.records:
        return "no alerts\n"
    rows = [_TITLES, *(tuple(map(clean, _row(record))) for record in told.records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in rows
    )


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    from eye.cli.screen import local_time

    state = f"{record['state']} (silenced)" if record["silenced"] else record["state"]
    since = record["resolved_at"] or record["fired_at"] or record["since"]
    return state, record["severity"], record["rule"], record["node"], local_time(since), record["text"]
