"""Erlang/OTP as a contestant: the same work done by the real thing, in the same run.

    with erlang.start() as otp:                      # a virtual machine, and a second node beside it
        contestants = {
            "gen_server:call": lambda: otp.call(4_000),
            "gen_server:call between two nodes": lambda: otp.call_node(4_000),
            "eye": lambda: ours(4_000),
        }
        results = measure.interleaved(contestants, rounds=9)

Every method answers seconds for *one* (call, cast, start, restart), so that it fits `measure.interleaved`
as it is. The machine runs from `start` to the end of the `with`, and waits between two questions without
using the CPU. `is_here()` says whether there is an Erlang at all; where there is none, a benchmark leaves
these contestants out. By itself this file prints all figures: `python benchmarks/erlang.py [--rounds 9]`.

`one_cpu=True` keeps both virtual machines on the last CPU (`taskset` does it), for tables of that kind.
Between two nodes means: two operating system processes, distribution over TCP on 127.0.0.1, no epmd.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import measure

_SOURCE = r"""
-module(eye_contestant).
-behaviour(gen_server).
-export([main/0, other/0, init/1, handle_call/3, handle_cast/2, handle_info/2, log/2]).

%% The handler of the logger: reports are made, and thrown away here.
log(_Event, _Config) -> ok.

init({restarted, Who}) -> Who ! {began, erlang:monotonic_time(nanosecond)}, {ok, Who};
init(State) -> {ok, State}.
handle_call({echo, X}, _From, State) -> {reply, X, State};
handle_call(count, _From, State) -> {reply, State, State}.
handle_cast(crash, Who) -> Who ! {crashed, erlang:monotonic_time(nanosecond)}, error(boom);
handle_cast(_, State) -> {noreply, State + 1}.
handle_info(_, State) -> {noreply, State}.

%% The second node: one server, and an end when the first node goes.
other() ->
    {ok, _} = gen_server:start({local, echo}, ?MODULE, 0, []),
    io:format("ready~n"),
    eof = io:get_line(""),
    halt(0).

main() ->
    ok = logger:remove_handler(default),
    ok = logger:add_handler(nowhere, ?MODULE, #{}),
    {ok, _} = gen_server:start({local, echo}, ?MODULE, 0, []),
    Start = {gen_server, start_link, [{local, fragile}, ?MODULE, {restarted, self()}, []]},
    {ok, _} = supervisor:start_link(eye_contestant_sup, [#{id => fragile, start => Start}]),
    receive {began, _} -> ok end,
    io:format("ready~n"),
    serve().

serve() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            [What | Args] = string:lexemes(string:trim(Line), " "),
            io:format("~w~n", [do(What, Args)]),
            serve()
    end.

do("call", [N]) -> calls(echo, list_to_integer(N));
do("node", [Node, N]) -> calls({echo, list_to_atom(Node)}, list_to_integer(N));
do("watch", [Node]) ->
    pong = net_adm:ping(list_to_atom(Node)),
    true = erlang:monitor_node(list_to_atom(Node), true),
    0.0;
do("down", [Node]) ->
    Name = list_to_atom(Node),
    receive {nodedown, Name} -> 0.0 end;
do("cast", [N]) ->
    Count = list_to_integer(N),
    {ok, Pid} = gen_server:start(?MODULE, 0, []),
    Seconds = timed(fun() -> casts(Pid, Count), Count = gen_server:call(Pid, count, infinity) end) / Count,
    gen_server:stop(Pid),
    Seconds;
do("start", [N]) ->
    Count = list_to_integer(N),
    Me = self(),
    %% In a process of its own, whose end takes what it keeps.
    Started = spawn(fun() ->
        T0 = erlang:monotonic_time(nanosecond),
        Pids = [begin {ok, P} = gen_server:start(?MODULE, 0, []), P end || _ <- lists:seq(1, Count)],
        T1 = erlang:monotonic_time(nanosecond),
        Me ! {self(), (T1 - T0) / 1.0e9 / Count},
        [exit(P, kill) || P <- Pids]
    end),
    receive {Started, Seconds} -> Seconds end;
do("memory", [N]) ->
    Count = list_to_integer(N),
    garbage_collect(),
    Before = erlang:memory(processes),
    Pids = [begin {ok, P} = gen_server:start(?MODULE, 0, []), P end || _ <- lists:seq(1, Count)],
    Bytes = (erlang:memory(processes) - Before) / Count,
    [exit(P, kill) || P <- Pids],
    Bytes;
do("restart", [How, N]) ->
    All = [restart(How) || _ <- lists:seq(1, list_to_integer(N))],
    lists:nth((length(All) + 1) div 2, lists:sort(All)).

restart(How) ->
    Pid = whereis(fragile),
    Crashed = case How of
        "kill" -> At = erlang:monotonic_time(nanosecond), exit(Pid, kill), At;
        "crash" -> gen_server:cast(Pid, crash), receive {crashed, T} -> T end
    end,
    receive {began, Began} -> ok end,
    settle(Pid),
    (Began - Crashed) / 1.0e9.

settle(Old) ->
    case whereis(fragile) of
        undefined -> erlang:yield(), settle(Old);
        Old -> erlang:yield(), settle(Old);
        _ -> ok
    end.

calls(Server, Count) ->
    timed(fun() -> [gen_server:call(Server, {echo, N}, infinity) || N <- lists:seq(1, Count)] end) / Count.

casts(_, 0) -> ok;
casts(Pid, N) -> gen_server:cast(Pid, N), casts(Pid, N - 1).

timed(Work) ->
    T0 = erlang:monotonic_time(nanosecond),
    Work(),
    (erlang:monotonic_time(nanosecond) - T0) / 1.0e9.
"""

_SUPERVISOR = """
-module(eye_contestant_sup).
-behaviour(supervisor).
-export([init/1]).
init(Children) -> {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1}, Children}}.
"""


def is_here() -> bool:
    """Whether this machine has an Erlang with its compiler."""
    return shutil.which("erl") is not None and shutil.which("erlc") is not None


class Otp:
    """A running virtual machine that works when it is asked to."""

    def __init__(self, process: subprocess.Popen[str], node: str) -> None:
        self._process = process
        self._node = node

    def call(self, count: int) -> float:
        """`gen_server:call` to a server of the same virtual machine."""
        return self._ask(f"call {count}")

    def call_node(self, count: int) -> float:
        """`gen_server:call` to a server in the other node, that is another operating system process."""
        return self._ask(f"node {self._node} {count}")

    def cast(self, count: int) -> float:
        """`gen_server:cast`, until the last of them has been handled."""
        return self._ask(f"cast {count}")

    def start(self, count: int) -> float:
        """`gen_server:start` of so many servers, all alive together."""
        return self._ask(f"start {count}")

    def memory(self, count: int) -> float:
        """Bytes (not seconds) of one idle server."""
        return self._ask(f"memory {count}")

    def crash_to_restart(self, count: int) -> float:
        """From an error in a callback to the `init` of its replacement (one_for_one); the median of so many.

        The reports are made, and handed to a logger's handler that throws them away.
        """
        return self._ask(f"restart crash {count}")

    def kill_to_restart(self, count: int) -> float:
        """The same from `exit(Pid, kill)`."""
        return self._ask(f"restart kill {count}")

    def _ask(self, question: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the Erlang machine ended on the question {question!r}")
        return float(answer)


@contextlib.contextmanager
def start(*, one_cpu: bool = False) -> Iterator[Otp]:
    """Compile the contestant, run it and its neighbour; both end with the `with`, come what may."""
    with tempfile.TemporaryDirectory(prefix="eye-erlang-") as folder, contextlib.ExitStack() as machines:
        _compile(folder)
        port = _free_port()
        neighbour = f"eye{os.getpid()}b@127.0.0.1"
        arguments = ["-erl_epmd_port", str(port), "-setcookie", f"eye{os.getpid()}"]
        _run(machines, folder, "other", ["-name", neighbour, *arguments], one_cpu)
        here = ["-name", f"eye{os.getpid()}a@127.0.0.1", "-dist_listen", "false", *arguments]
        yield Otp(_run(machines, folder, "main", here, one_cpu), neighbour)


@contextlib.contextmanager
def killings() -> Iterator[Callable[[], float]]:
    """Give a function that starts a node, kills it, and answers after how long another one was told `nodedown`."""
    with tempfile.TemporaryDirectory(prefix="eye-erlang-") as folder, contextlib.ExitStack() as machines:
        _compile(folder)
        victim = f"eye{os.getpid()}b@127.0.0.1"
        arguments = ["-erl_epmd_port", str(_free_port()), "-setcookie", f"eye{os.getpid()}"]
        here = ["-name", f"eye{os.getpid()}a@127.0.0.1", "-dist_listen", "false", *arguments]
        watcher = Otp(_run(machines, folder, "main", here, False), victim)

        def once() -> float:
            process = _run(machines, folder, "other", ["-name", victim, *arguments], False)
            watcher._ask(f"watch {victim}")
            began = time.perf_counter()
            process.kill()
            watcher._ask(f"down {victim}")
            return time.perf_counter() - began

        yield once


def _compile(folder: str) -> None:
    for name, text in (("eye_contestant", _SOURCE), ("eye_contestant_sup", _SUPERVISOR)):
        Path(folder, f"{name}.erl").write_text(text)
        subprocess.run(["erlc", "-o", folder, str(Path(folder, f"{name}.erl"))], check=True)


def _run(
    machines: contextlib.ExitStack, folder: str, function: str, more: list[str], one_cpu: bool
) -> subprocess.Popen[str]:
    command = ["erl", "-noshell", "-start_epmd", "false", "-pa", folder, *more, "-s", "eye_contestant", function]
    if one_cpu:
        command = ["taskset", "-c", str(max(os.sched_getaffinity(0))), *command]
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "HOME": folder}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    machines.callback(_end, process)
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError("the Erlang machine did not start")
    return process


def _end(process: subprocess.Popen[Any]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()  # it halts at the end of its input
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=9)
    rounds = options.parse_args().rounds
    if not is_here():
        print("no Erlang on this machine")
        return
    print(f"Erlang/OTP ({measure.about_here()})")
    for title, one_cpu in (("as it comes", False), ("on one CPU", True)):
        with start(one_cpu=one_cpu) as otp:
            results = measure.interleaved(
                {
                    "gen_server:call": lambda otp=otp: otp.call(20_000),
                    "gen_server:call between nodes": lambda otp=otp: otp.call_node(4_000),
                    "gen_server:cast": lambda otp=otp: otp.cast(200_000),
                    "gen_server:start": lambda otp=otp: otp.start(1_000),
                    "crash to restart": lambda otp=otp: otp.crash_to_restart(100),
                    "kill to restart": lambda otp=otp: otp.kill_to_restart(100),
                },
                rounds,
            )
            size = median(otp.memory(1_000) for _ in range(rounds))
        measure.show(title, results, "gen_server:call", digits=2)
        measure.note(f"an idle gen_server holds {size:,.0f} bytes")


if __name__ == "__main__":
    sys.exit(measure.run(main))
