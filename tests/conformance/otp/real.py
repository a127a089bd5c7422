"""The real Erlang/OTP, one virtual machine for as many scenarios as one likes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.otp.language import Log, Scenario, to_erlang

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNER = Path(__file__).parent / "scenario_runner.erl"
_ELIXIR = ("/usr/lib/elixir/lib/elixir/ebin", "/usr/local/lib/elixir/lib/elixir/ebin")


def is_here() -> bool:
    """Whether this machine has an Erlang with its compiler."""
    return shutil.which("erl") is not None and shutil.which("erlc") is not None


class Otp:
    """A running virtual machine that runs one scenario after the other."""

    def __init__(self, process: subprocess.Popen[str], has_elixir: bool) -> None:
        self._process = process
        self.has_elixir = has_elixir
        """Whether it knows Elixir's dynamic supervisor."""

    def run(self, scenario: Scenario) -> Log:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(to_erlang(scenario) + ".\n")
        self._process.stdin.flush()
        log: Log = []
        for line in self._process.stdout:
            text = line.rstrip("\n")
            if text == "end":
                return log
            if text.startswith("step "):
                log.append((text[5:], []))
            else:
                log[-1][1].append(text)
        raise RuntimeError("the Erlang machine ended in the middle of a scenario")


@contextlib.contextmanager
def start() -> Iterator[Otp]:
    """Compile the runner and keep it running; it ends with the `with`."""
    with tempfile.TemporaryDirectory(prefix="eye-otp-") as folder:
        subprocess.run(["erlc", "-o", folder, str(RUNNER)], check=True)
        paths = [folder, *(path for path in _ELIXIR if Path(path).is_dir())]
        process = subprocess.Popen(
            ["erl", "-noshell", "+S", "1", "-pa", *paths, "-s", RUNNER.stem, "main"],
            cwd=folder, env={**os.environ, "HOME": folder}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            word, has_elixir = process.stdout.readline().split()
            assert word == "ready"
            yield Otp(process, has_elixir == "true")
        finally:
            process.stdin.close()  # it halts at the end of its input
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
