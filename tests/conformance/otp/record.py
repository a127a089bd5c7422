"""Ask Erlang/OTP what it makes of the fixed scenarios, and write it down.

python -m tests.conformance.otp.record
"""

# ruff: noqa: T201 - a tool for the command line

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conformance.otp import real
from tests.conformance.otp.language import Log, Scenario, compared
from tests.conformance.otp.scenarios import SCENARIOS

RECORD = Path(__file__).parent / "recorded.json"


def plain(log: Log, scenario: Scenario) -> Any:
    """Answer what of a log is compared, as JSON keeps it."""
    return json.loads(json.dumps(compared(log, scenario)))


def recorded() -> dict[str, Any]:
    """Read what OTP answered."""
    answers: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return answers


def main() -> None:
    with real.start() as otp:
        if not otp.has_elixir:
            raise SystemExit("the record needs Elixir too, for the dynamic supervisors")
        answers = {name: plain(otp.run(scenario), scenario) for name, scenario in SCENARIOS.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(answer)}" for name, answer in answers.items()]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(answers)} scenarios recorded")


if __name__ == "__main__":
    main()
