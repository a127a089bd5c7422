"""`alerts test [FILE]`: when the rules would have fired, by the history, or by the nodes' last hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cli.filtering import chosen, did_not_answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eye.alerts.replay import Firing, Moment
    from eye.alerts.rules import RuleSet
    from eye.cli.looking import Lookout
    from eye.cli.options import Shared
    from eye.metrics.filters import Filter


class Past(NamedTuple):
    """What is played: moments, how far apart, from when to when, and where they are from."""

    moments: Sequence[Moment]
    step: float
    since: float
    until: float
    source: str
    somebody_is_missing: bool = False


class Question(NamedTuple):
    """What is to be played: through which rules, from which history, how far back, how finely, of which nodes."""

    file: Path | str | None
    history: str | None
    since: float
    step: float | None
    filter: Filter | None
    format: str
    timeout: float


def test(shared: Shared, question: Question) -> int:
    """Play the history, or where there is none the nodes' last hour, and print what would have fired."""
    from eye.alerts.replay import play
    from eye.cli.alerts import rules_at
    from eye.cli.looking import Lookout
    from eye.cli.screen import as_json, write

    rules = rules_at(question.file)
    past = from_history(rules, question)
    if past is None:
        with Lookout(shared) as lookout:
            past = last_hour(lookout, rules, question.since, question.filter, question.timeout)
    firings = play(rules.rules, past.moments, past.step)
    write(as_json(_document(firings, past)) if question.format == "json" else _text(rules, firings, past))
    return 3 if past.somebody_is_missing else 0


def from_history(rules: RuleSet, question: Question) -> Past | None:
    """Read the history; None where there is none, and stderr says why.

    Raises:
        HistoryUnusable: there is one, and it cannot be read. BadFilter, ConfigError: not what was meant.
    """
    from eye.cli.keeping import where
    from eye.cli.screen import tell
    from eye.clock import SystemClock
    from eye.errors import HistoryOff
    from eye.history.database import OFF, place_of, url_of
    from eye.monitor.history_moments import finest_step, moments, usual_step
    from eye.monitor.last_hours import metrics_of

    place = where(question.history)
    if place == OFF or not _is_there(place):
        if place != OFF:
            tell(f"no history is kept at {place_of(place)}: the nodes tell of their last hour")
        return None
    try:
        url = url_of(place)
    except HistoryOff as off:
        tell(f"{off}. The nodes tell of their last hour")
        return None
    from eye.history.sql_store import SqlStore

    clock = SystemClock()
    store = SqlStore(url, clock.now, must_exist=True)
    store.open()
    try:
        until = clock.now()
        step = max(question.step, finest_step(question.since)) if question.step else usual_step(question.since)
        nodes = _meant(store.nodes(), question.filter)
        metrics = metrics_of(rules.rules)
        played = list(moments(store, nodes, metrics, since=until - question.since, until=until, step=step))
    finally:
        store.close()
    since = played[0].at if played else until
    return Past(played, step, since, until, f"history of {len(nodes)} nodes at {store.place}")


def _is_there(place: str) -> bool:
    from pathlib import Path

    from eye.history.aside import is_there
    from eye.history.database import place_of

    return place.startswith("postgres") or is_there(Path(place_of(place)).expanduser())


def _meant(names: Sequence[str], filter: Filter | None) -> list[str]:
    """Choose nodes by what a history knows of them: their names."""
    from eye.alerts.verdict import Facts, compile_test

    if filter is None:
        return list(names)
    is_meant = compile_test(filter.data)
    return [name for name in names if is_meant(Facts(name, "", {})) is True]


def last_hour(lookout: Lookout, rules: RuleSet, since: float, filter: Filter | None, timeout: float) -> Past:
    """Have the nodes tell their last hour."""
    from eye.monitor.last_hours import STEP, metrics_of, moments

    census = lookout.must_look(timeout)
    nodes = chosen(census.nodes, filter)
    metrics = metrics_of(rules.rules)
    hours = ask_hours(lookout, {node.name: census.routes.get(node.name, "") for node in nodes}, metrics, timeout)
    played = [one for one in moments(nodes, hours, metrics, census.at) if one.at >= census.at - since]
    begun = next((one.at for one in played if one.facts), census.at)
    return Past(played, STEP, begun, census.at, "the nodes' last hour", did_not_answer(census, nodes))


def ask_hours(
    lookout: Lookout, addresses: dict[str, str], metrics: Sequence[Any], timeout: float
) -> dict[str, dict[str, Any]]:
    """Ask nodes for their last hour; those that do not tell it are left out."""
    from eye.monitor.last_hours import HOUR, STEP
    from eye.monitor.methods import RECENT

    there = {name: address for name, address in addresses.items() if address}
    keys = [one.key for one in metrics]
    answers = lookout.ask_all(there.values(), RECENT, keys, HOUR, STEP, timeout=timeout)
    return {
        name: answers[address].value
        for name, address in there.items()
        if address in answers and answers[address].error is None
    }


# ------------------------------------------------------------------------------- printing


def _text(rules: RuleSet, firings: list[Firing], past: Past) -> str:
    from eye.alerts.wording import span
    from eye.cli.screen import local_time
    from eye.monitor.clean import clean

    since = local_time(past.since)
    lines = [f"{past.source}, from {since}, looked at every {span(past.step)}", ""]
    for rule in rules.rules:
        mine = [one for one in firings if one.rule == rule.name]
        lines.append(f"{rule.name}: would {_times(len(mine))} since {since}")
        for one in mine:
            lasted = span((one.resolved_at or past.until) - one.fired_at)
            until = f"for {lasted}" if one.resolved_at is not None else f"and for {lasted} by now"
            lines.append(f"    {local_time(one.fired_at)}  {clean(one.node)}  {until}: {clean(one.text)}")
    return "\n".join(lines) + "\n"


def _times(number: int) -> str:
    words = {0: "never have fired", 1: "have fired once", 2: "have fired twice"}
    return words.get(number, f"have fired {number} times")


def _document(firings: list[Firing], past: Past) -> dict[str, Any]:
    return {
        "version": 1,
        "since": past.since,
        "until": past.until,
        "step": past.step,
        "source": past.source,
        "firings": [one._asdict() for one in firings],
    }
