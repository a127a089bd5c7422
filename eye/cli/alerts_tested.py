"""`alerts test [FILE]`: when the rules would have fired, by what was."""

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


def test(
    shared: Shared, file: Path | str | None, since: float, filter: Filter | None, format: str, timeout: float
) -> int:
    """Play the nodes' last hour through the rules of a file, and print what would have fired."""
    from eye.alerts.replay import play
    from eye.cli.alerts import rules_at
    from eye.cli.looking import Lookout
    from eye.cli.screen import as_json, write

    rules = rules_at(file)
    with Lookout(shared) as lookout:
        past = last_hour(lookout, rules, since, filter, timeout)
    firings = play(rules.rules, past.moments, past.step)
    write(as_json(_document(firings, past)) if format == "json" else _text(rules, firings, past))
    return 3 if past.somebody_is_missing else 0


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
        lines.append(f"{rule.name}: would have fired {_times(len(mine))} since {since}")
        for one in mine:
            lasted = span((one.resolved_at or past.until) - one.fired_at)
            until = f"for {lasted}" if one.resolved_at is not None else f"and for {lasted} by now"
            lines.append(f"    {local_time(one.fired_at)}  {clean(one.node)}  {until}: {clean(one.text)}")
    return "\n".join(lines) + "\n"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _document(firings: list[Firing], past: Past) -> dict[str, Any]:
    return {
        "version": 1,
        "since": past.since,
        "until": past.until,
        "step": past.step,
        "source": past.source,
        "firings": [one._asdict() for one in firings],
    }
