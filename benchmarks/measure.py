"""What all benchmarks share: rounds, medians, ratios, and a table to print.

A figure alone says more about the machine than about the program, so contestants run interleaved, in one
run and in rotated order, and what counts is the *ratio* to the peer or the floor: taken within each
round, then the median of those. Brackets are the smallest and the largest round.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil

Results = dict[str, list[float]]
"""For each contestant, one figure a round."""


def interleaved(contestants: Mapping[str, Callable[[], float]], rounds: int) -> Results:
    """Run every contestant once a round; who begins rotates from round to round."""
    names = list(contestants)
    results: Results = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            results[name].append(contestants[name]())
    return results


def ratio(results: Results, of: str, to: str) -> float:
    """Take the median of the ratios of one contestant to another, round by round."""
    return median(ours / theirs for ours, theirs in zip(results[of], results[to], strict=True))


def show(
    title: str, results: Results, peer: str, *, unit: str = "us", scale: float = 1e6, digits: int = 1
) -> None:
    """Print a line for each contestant: median, [min-max], and the ratio to `peer`.

    `scale` turns the figures into `unit`.
    """
    width = max(map(len, results))
    print(f"\n{title}")
    print(f"  {'':<{width}}  {'median':>9} {'[min-max] ' + unit:<20}  ratio to {peer}")
    for name, figures in results.items():
        low, high = (f"{edge(figures) * scale:.{digits}f}" for edge in (min, max))
        middle = f"{median(figures) * scale:.{digits}f}"
        print(f"  {name:<{width}}  {middle:>9} {f'[{low}-{high}]':<20}  {ratio(results, name, peer):.3g}")


def aim(what: str, figure: float, limit: float, *, at_least: bool = False, unit: str = "") -> None:
    """Print what an issue aims at, and whether this run met it. Information, not an assertion."""
    is_met = figure >= limit if at_least else figure <= limit
    word = "at least" if at_least else "at most"
    unit = f" {unit}" if unit else ""
    print(f"  aim: {what} {word} {limit:g}{unit}; here {figure:.3g}{unit}: {'met' if is_met else 'NOT met'}")


def note(text: str) -> None:
    """Print a remark."""
    print(f"  {text}")


def about_here() -> str:
    """Say on what this run was made."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"CPython {version}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {sys.platform}"


# ------------------------------------------------------------------------- of other processes


def cpu_seconds(pid: int) -> float:
    """How many CPU-seconds a process has used, system time included, its ended children not."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def memory_of(pid: int) -> tuple[int, int | None]:
    """How much memory a process holds: RSS, and PSS (pages shared by n processes count 1/n) where there is one."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # not Linux, or an old kernel
        return psutil.Process(pid).memory_info().rss, None
    fields = {line.split(":")[0]: line.split() for line in rollup.splitlines() if line.endswith("kB")}
    return int(fields["Rss"][1]) * 1024, int(fields["Pss"][1]) * 1024


def megabytes(size: float | None) -> str:
    return "-" if size is None else f"{size / 2**20:.1f} MB"


def in_fresh_interpreter(script: str, *arguments: str, cpus: int | None = None) -> Any:
    """Run one of these scripts by itself, on so many CPUs, and read the JSON that it prints last.

    The script calls `take_cpus` before it starts a thread.
    """
    environ = {**os.environ, "EYE_BENCHMARK_CPUS": str(cpus or 0)}
    command = [sys.executable, script, *arguments]
    process = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def take_cpus() -> None:
    """Keep this process on as many CPUs as its parent wants; it has no threads yet."""
    count = int(os.environ.get("EYE_BENCHMARK_CPUS") or 0)
    if count and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def can_choose_cpus() -> bool:
    return hasattr(os, "sched_setaffinity")


def run(main: Callable[[], None]) -> None:
    """Run a benchmark. SIGTERM and Ctrl-C end it the same way: everything it started is stopped first."""

    def leave(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    try:
        main()
    except KeyboardInterrupt:
        print("\nstopped before the end", file=sys.stderr)
        sys.exit(130)


def wall(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float, int, str]:
    """Run a command to its end.

    Returns:
        Seconds of wall clock, CPU-seconds, its exit code, and what it printed.
    """
    import time

    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    return seconds, usage.ru_utime + usage.ru_stime, process.returncode, printed.decode()
