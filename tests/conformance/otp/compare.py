"""Run random scenarios side by side on Erlang/OTP and on eye.supervision.

    python -m tests.conformance.otp.compare --count 2000 [--seed 1] [--isolation process]

Prints each difference, made as small as it gets, and ends with 1 if there was one.
"""

# ruff: noqa: T201, T203 - a tool for the command line

from __future__ import annotations

import argparse
import faulthandler
import logging
import pprint
import sys
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.conformance.otp import chance, ours, real
from tests.conformance.otp.language import Scenario, compared


def difference(scenario: Scenario, otp: real.Otp, isolation: str = "thread") -> tuple[list[Any], list[Any]] | None:
    """Answer what the two made of a scenario, OTP's first, where they differ."""
    theirs, mine = otp.run(scenario), ours.run(scenario, isolation)
    one, other = compared(theirs, scenario), compared(mine, scenario)
    return None if one == other else (one, other)


def smallest(scenario: Scenario, otp: real.Otp, isolation: str) -> Scenario:
    """Take away from a scenario what its difference does not need."""
    again = True
    while again:
        again = False
        for smaller in _smaller(scenario):
            try:
                differs = difference(smaller, otp, isolation) is not None
            except (AssertionError, ValueError, LookupError):  # no scenario any more
                continue
            if differs:
                scenario, again = smaller, True
                break
    return scenario


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    tree, steps = scenario
    for at in reversed(range(len(steps))):
        yield tree, steps[:at] + steps[at + 1 :]
    for less in _less(tree):
        yield less, steps
    for at, step in enumerate(steps):
        for word, part in enumerate(step):
            if isinstance(part, tuple):
                for less in _less(part):
                    yield tree, [*steps[:at], (*step[:word], less, *step[word + 1 :]), *steps[at + 1 :]]


def _less(spec: Any) -> Iterator[Any]:
    if spec[0] == "named":
        yield spec[2]
        yield from (("named", spec[1], less) for less in _less(spec[2]))
    elif spec[0] == "sup":
        children = spec[8]
        for at, child in enumerate(children):
            yield (*spec[:8], children[:at] + children[at + 1 :])
            for less in _less(child):
                yield (*spec[:8], [*children[:at], less, *children[at + 1 :]])
        if spec[4] != "never" and not any(map(_is_significant, children)):
            yield (*spec[:4], "never", *spec[5:])
    elif spec[0] == "srv":
        plan = spec[6]
        for at in range(len(plan)):
            yield (*spec[:6], plan[:at] + plan[at + 1 :], spec[7])
        if spec[7] != "ok":
            yield (*spec[:7], "ok")
    elif spec[0] in ("both", "cont"):
        yield from spec[1:]


def show(scenario: Scenario, found: tuple[list[Any], list[Any]]) -> None:
    """Print a scenario and the steps in which the two differ."""
    pprint.pprint(scenario, width=110)
    for number, (theirs, mine) in enumerate(zip(*found, strict=True)):
        if theirs != mine:
            print(f"step {number}:")
            pprint.pprint({"otp": theirs, "eye": mine}, width=110, sort_dicts=False)


def _is_significant(spec: Any) -> bool:
    return bool(_is_significant(spec[2]) if spec[0] == "named" else spec[{"srv": 4, "sup": 7, "dyn": 6}[spec[0]]])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--isolation", choices=("thread", "process"), default="thread")
    options.add_argument("--most", type=int, default=5, help="differences to show")
    chosen = options.parse_args()
    logging.disable()
    found = 0
    with real.start() as otp:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            scenario = chance.scenario(Random(seed), dynamic=otp.has_elixir)
            faulthandler.dump_traceback_later(60, exit=True)
            first = difference(scenario, otp, chosen.isolation)
            if first is None:
                continue
            found += 1
            if found > chosen.most:
                continue
            least = smallest(scenario, otp, chosen.isolation)
            again = difference(least, otp, chosen.isolation)
            print(f"--- seed {seed}" + ("" if again else ", not every time"))
            show(least if again else scenario, again or first)
    print(f"{chosen.count} scenarios, {found} differences")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
