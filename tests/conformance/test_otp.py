"""Erlang/OTP and eye.supervision side by side: the same scenarios, the same story.

`otp/language.py` says what a scenario is. The fixed ones are held against what OTP answered when it was
asked; the random ones are run on both, where there is an Erlang. For thousands of them:
`python -m tests.conformance.otp.compare --count 5000`.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.conformance.otp import chance, ours, real
from tests.conformance.otp.compare import difference
from tests.conformance.otp.language import has, specs
from tests.conformance.otp.record import plain, recorded
from tests.conformance.otp.scenarios import SCENARIOS, srv, sup
from tests.supervision.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

RANDOM_SCENARIOS = {"thread": 50, "process": 10}
RECORDED = recorded()


@pytest.fixture(scope="module")
def otp() -> Iterator[real.Otp]:
    if not real.is_here():
        pytest.skip("no Erlang on this machine")
    with real.start() as running:
        yield running


@pytest.mark.parametrize("isolation", KINDS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_goes_as_it_did_on_otp(name: str, isolation: str) -> None:
    scenario = SCENARIOS[name]

    assert plain(ours.run(scenario, isolation), scenario) == RECORDED[name]


def test_every_scenario_is_on_record_and_tells_of_something() -> None:
    assert set(RECORDED) == set(SCENARIOS)
    assert all(len(json.dumps(log)) > 60 for log in RECORDED.values())


@pytest.mark.e2e
def test_the_record_is_what_otp_answers(otp: real.Otp) -> None:
    asked = {
        name: scenario
        for name, scenario in SCENARIOS.items()
        if otp.has_elixir or not any(spec[0] == "dyn" for spec in specs(scenario[0]))
    }

    answers = {name: plain(otp.run(scenario), scenario) for name, scenario in asked.items()}

    assert answers == {name: RECORDED[name] for name in asked}


@pytest.mark.e2e
@pytest.mark.parametrize("isolation", KINDS)
def test_random_scenarios_go_as_on_otp(otp: real.Otp, isolation: str) -> None:
    # The same every time: what is found by chance is to be found again.
    for seed in range(RANDOM_SCENARIOS[isolation]):
        scenario = chance.scenario(Random(seed), dynamic=otp.has_elixir)

        assert difference(scenario, otp, isolation) is None, (
            f"python -m tests.conformance.otp.compare --count 1 --seed {seed}"
        )


def test_what_is_made_up_at_random_is_worth_running() -> None:
    made = [chance.scenario(Random(seed), dynamic=True) for seed in range(300)]

    for word in (
        "one_for_all",
        "rest_for_one",
        "any_significant",
        "dyn_start",
        "link",
        "named",
        "stuck",
        "holder",
        "later",
    ):
        assert any(has(one, {word}) for one in made), word


def test_a_stray_cast_which_crashes_a_supervisor_of_otps_is_logged_by_ours() -> None:
    log = ours.run((sup("top", srv("a")), [("stray", "top", "cast"), ("which", "top")]))

    assert log[1:] == [("ok", []), ("a=a:worker", [])]
