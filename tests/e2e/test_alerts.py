"""Every default rule fires and is over, for real: the default rules with shorter times, real load, real processes.

CPU and memory are loaded in a control group of the test's own, whose limits the node takes for its machine's:
neither is another test disturbed, nor does another test disturb this one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

EYE = [sys.executable, "-m", "eye.cli.main"]
MEMORY = 300 * 2**20
CORES = 0.5

RULES = """
[rules.cpu]
for = "2s"
keep = "2s"
[rules.memory]
for = "2s"
keep = "2s"
[rules.down]
for = "2s"
keep = "1s"
[rules.silent]
for = "2s"
keep = "1s"
[rules.restarts]
when = "restarts > 5 in 5s"
keep = "1s"
[rules.mailbox]
for = "1s"
keep = "1s"

[rules.seen]
when = "node.uptime > 0"

[sinks.file]
type = "command"
command = ["sh", "-c", "cat >> {told}; echo >> {told}"]
"""

PATIENT = """
import sys, time
import eye
from eye.supervision import ChildSpec, GenServer, Supervisor

class Worker(GenServer):
    def handle_cast(self, message):
        pass

node = eye.start_node(sys.argv[1])
node.system.start(Supervisor, [ChildSpec(Worker, id="worker", name="worker")], max_restarts=1000)
print("up", flush=True)
for line in sys.stdin:
    worker = node.system.whereis("worker")
    if line == "crash\\n":
        for _ in range(10):
            worker.kill()
            while node.system.whereis("worker") in (None, worker):
                time.sleep(0.01)
            worker = node.system.whereis("worker")
    elif line == "flood\\n":
        eye.suspend(worker)
        for number in range(1500):
            worker.cast(number)
    elif line == "drain\\n":
        eye.resume(worker)
    elif line == "hush\\n":
        eye.suspend(node.system.whereis("eye.sampler"))
    elif line == "speak\\n":
        eye.resume(node.system.whereis("eye.sampler"))
"""

BURN = "while True: pass"
HOG = """
import time
ballast = bytearray({size})
ballast[::4096] = b"x" * len(ballast[::4096])
time.sleep(600)
"""


def eventually(true: Callable[[], Any], seconds: float = 40.0) -> None:
    """Wait until something is true; a deadline, not a duration."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)


class Ward:
    """A node that is looked after, one that asks the rules, and what that one has told."""

    def __init__(self, folder: Path) -> None:
        self.told_in = folder / "told"
        self.rules = folder / "rules.toml"
        self.rules.write_text(RULES.format(told=self.told_in))
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("EYE_", "XDG_"))},
            "EYE_FOLDER": str(folder / "run"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_DATA_HOME": str(folder / "data"),
        }
        self.groups: list[Path] = []
        self.processes: list[subprocess.Popen[str]] = []
        self.run([*EYE, "start", "--name", "watcher", "--alerts", str(self.rules), "--interval", "0.5"])

    def run(self, command: list[str], *, grouped: bool = False) -> subprocess.Popen[str]:
        """Start a process, in the control group if there is one and it belongs there."""
        joins = "".join(f"echo $$ > {group}/cgroup.procs; " for group in self.groups) if grouped else ""
        process = subprocess.Popen(
            ["sh", "-c", f'{joins}exec "$@"', "sh", *command],
            env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def admit(self, name: str = "patient") -> subprocess.Popen[str]:
        """Start a patient, and wait until it is there."""
        patient = self.run([sys.executable, "-c", PATIENT, name], grouped=True)
        assert patient.stdout is not None
        assert patient.stdout.readline() == "up\n"
        eventually(lambda: self.told("seen", name))  # its figures have come to the one that asks the rules
        return patient

    def say(self, patient: subprocess.Popen[str], word: str) -> None:
        assert patient.stdin is not None
        patient.stdin.write(f"{word}\n")
        patient.stdin.flush()

    def told(self, rule: str, name: str = "patient") -> list[str]:
        """What the sink was told of a rule at that patient, in order."""
        if not self.told_in.exists():
            return []
        lines = self.told_in.read_text().split("\n")
        records = [one for line in lines if line for one in json.loads(line)["alerts"]]
        return [one["state"] for one in records if (one["rule"], one["node"]) == (rule, name)]

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.communicate()
        for group in self.groups:
            eventually(lambda group=group: not (group / "cgroup.procs").read_text().strip())  # type: ignore[misc]
            group.rmdir()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    ward = Ward(tmp_path)
    yield ward
    ward.close()


@pytest.fixture
def limited(ward: Ward) -> Ward:
    """The patient's machine is a control group, with half a core and little memory."""
    name = f"eye-alerts-{os.getpid()}"
    top = Path("/sys/fs/cgroup")
    period = 100_000
    v1 = {
        # Its shares are such that others on this machine do not keep it from its quota.
        "cpu": {"cpu.cfs_period_us": period, "cpu.cfs_quota_us": int(period * CORES), "cpu.shares": 100_000},
        "cpuacct": {},
        "memory": {"memory.limit_in_bytes": MEMORY},
    }
    try:
        if (top / "cgroup.controllers").exists():  # version 2
            (top / "cgroup.subtree_control").write_text("+cpu +memory")
            settings = {
                "": {"cpu.max": f"{int(period * CORES)} {period}", "cpu.weight": 10_000, "memory.max": MEMORY}
            }
        else:
            settings = v1  # type: ignore[assignment]
        for controller, values in settings.items():
            folder = top / controller / name
            folder.mkdir()
            ward.groups.append(folder)
            for file, value in values.items():
                (folder / file).write_text(str(value))
    except OSError as error:
        pytest.skip(f"control groups cannot be made here: {error}")
    return ward


def test_cpu(limited: Ward) -> None:
    limited.admit()
    burning = [limited.run([sys.executable, "-c", BURN], grouped=True) for _ in range(2)]
    eventually(lambda: limited.told("cpu") == ["firing"])

    for one in burning:
        one.kill()

    eventually(lambda: limited.told("cpu") == ["firing", "resolved"])


def test_memory(limited: Ward) -> None:
    limited.admit()
    hog = limited.run([sys.executable, "-c", HOG.format(size=int(0.8 * MEMORY))], grouped=True)
    eventually(lambda: limited.told("memory") == ["firing"])

    hog.kill()

    eventually(lambda: limited.told("memory") == ["firing", "resolved"])


def test_down(ward: Ward) -> None:
    patient = ward.admit()
    patient.send_signal(signal.SIGKILL)
    eventually(lambda: ward.told("down") == ["firing"])
    listed = subprocess.run(
        [*EYE, "alerts", "--exit-code", "--format", "json"],
        env=ward.environ, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    ward.admit()

    eventually(lambda: ward.told("down") == ["firing", "resolved"])
    assert listed.returncode == 3  # a node did not answer
    document = json.loads(listed.stdout)
    assert document["evaluated_by"] == ["watcher"]
    assert ("down", "patient", "firing") in [
        (one["rule"], one["node"], one["state"]) for one in document["alerts"]
    ]


TROUBLES = {"silent": ("hush", "speak"), "restarts": ("crash", ""), "mailbox": ("flood", "drain")}


def test_silent_restarts_and_mailbox_at_three_at_once(ward: Ward) -> None:
    patients = {rule: ward.admit(rule) for rule in TROUBLES}
    for rule, (begin, _) in TROUBLES.items():
        ward.say(patients[rule], begin)
    for rule in TROUBLES:
        eventually(lambda rule=rule: ward.told(rule, rule)[:1] == ["firing"])  # type: ignore[misc]

    for rule, (_, end) in TROUBLES.items():
        ward.say(patients[rule], end)

    for rule in TROUBLES:
        eventually(lambda rule=rule: ward.told(rule, rule) == ["firing", "resolved"])  # type: ignore[misc]


@pytest.mark.parametrize(
    "command", [["web", "--no-browser"], ["start", "--name", "looker", "--web", "0"]], ids=" ".join
)
def test_whoever_serves_a_view_asks_rules_and_says_what_fires(ward: Ward, command: list[str]) -> None:
    patient = ward.admit()
    server = subprocess.Popen(
        [*EYE, *command, "--history", "off", "--alerts", str(ward.rules)],
        env=ward.environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ward.processes.append(server)
    assert server.stderr is not None
    url = next(line.split()[-1] for line in server.stderr if "the web view is at" in line)
    eventually(lambda: ("seen", "patient") in _firing(url))

    patient.kill()

    eventually(lambda: ("down", "patient") in _firing(url))
    metrics = _get(f"{url}metrics")
    assert 'sorcerers_eye_alerts{alertname="down",alertstate="firing",node="patient"' in metrics
    told = json.loads(_get(f"{url}api/v1/events"))["events"]
    assert any(one["node"] == "patient" and one["text"].startswith("alert down: ") for one in told)


def _firing(url: str) -> set[tuple[str, str]]:
    told = json.loads(_get(f"{url}api/v1/alerts"))["alerts"]
    return {(one["rule"], one["node"]) for one in told if one["state"] == "firing"}


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_no_default_rule_is_left_out() -> None:
    from eye.alerts import rule_file

    names = {rule.name for rule in rule_file.default_rules().rules}
    assert names == {"cpu", "memory", "down", "silent", "restarts", "mailbox"}
