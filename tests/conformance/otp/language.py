"""Scenarios: a supervision tree and what is done to it, as plain tuples that two interpreters understand.

A scenario is `(tree, steps)`. `ours.py` runs it on `eye.supervision`, `scenario_runner.erl` on Erlang/OTP
(a dynamic supervisor on Elixir's, where there is one); both tell what happened in the same words.

    tree   ("sup", id, strategy, intensity, auto_shutdown, restart, shutdown, significant, [children])
           ("dyn", id, intensity, max_children or -1, restart, shutdown, significant)
           ("srv", id, restart, shutdown, significant, traps, [(n, what the n-th init does)], terminate)
           ("named", name, ("srv", …))

    steps  ("cast" | "call" | "info" | "acall", id, action)    acall: asked by somebody who can wait
           ("exit" | "stop", id, reason)                       a signal from a stranger; an orderly stop
           ("start", supervisor, tree), ("terminate" | "restart" | "delete", supervisor, id)
           ("which" | "count", supervisor), ("dyn_start" | "dyn_stop" | "dyn_which" | "dyn_count", …)
           ("stray", supervisor, "info" | "cast" | "call"), ("holder", reason): the tree's parent exits

    action "noop", "crash", "bad", "idle", "later", "answer",
           ("exit" | "stop" | "reply_stop" | "self_signal", reason),
           ("cont", action), ("both", action, action), ("trap", flag), ("note", word),
           ("link" | "unlink" | "monitor" | "demonitor" | "stop_other", id), ("signal", id, reason),
           ("call" | "cast" | "send", id, action), ("monitor_name" | "call_name" | "cast_name", name),
           ("spawn", srv): start a server, linked
           ("manage", step): have a supervisor do something, and note its answer

    reason "normal", "shutdown", ("shutdown", "x"), "kill", any other word

The log of a step is its answer and, in the order in which they happened, `init`, `terminate`, `info`, `down`
(the recorder's notice of an end) and `answer` (to an acall) lines: kind, id, which one of that id, the rest.
"""

from __future__ import annotations

from typing import Any

Scenario = tuple[Any, list[Any]]
Log = list[tuple[str, list[str]]]
"""For each step its answer and its lines."""


def to_erlang(value: Any) -> str:
    """Write a plain value as an Erlang term."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f"'{value}'"
    left, right = "{}" if isinstance(value, tuple) else "[]"
    return left + ",".join(map(to_erlang, value)) + right


def specs(tree: Any) -> list[Any]:
    """Answer a tree's specs, itself first."""
    inside = tree[8] if tree[0] == "sup" else [tree[2]] if tree[0] == "named" else []
    return [tree, *(one for child in inside for one in specs(child))]


def has(value: Any, words: set[str]) -> bool:
    """Whether any of the words occurs anywhere in a scenario."""
    if isinstance(value, (tuple, list)):
        return any(has(one, words) for one in value)
    return isinstance(value, str) and value in words


def compared(log: Log, scenario: Scenario) -> list[Any]:
    """Take from a log what does not depend on which of two processes was faster.

    Starts and ends under supervisors are compared in their order, over the whole tree. What one process
    heard of another's end is compared in its order, unless it ended itself meanwhile. Where several processes
    end at once (links, a killed supervisor, a dynamic one that stops), each is compared by itself.
    """
    tree, steps = scenario
    loose = has([step[2:] for step in steps], {"link", "call", "spawn"})
    added = [step[2] for step in steps if step[0] in ("start", "dyn_start")]
    trees = [tree, *added]
    above = {spec[1] for one in trees for spec in specs(one) if spec[0] in ("sup", "dyn")}
    dynamic = {step[2][2][1] if step[2][0] == "named" else step[2][1] for step in steps if step[0] == "dyn_start"}
    told: list[Any] = []
    for number, (answer, lines) in enumerate(log):
        step = steps[number - 1] if number else ("hold",)
        alone = loose or (step[0] in ("exit", "holder") and step[1] in above and step[2] == "kill")
        order: list[str] = []
        heard: dict[str, list[str]] = {}
        gone = {line.split(" ", 3)[1] for line in lines if line.startswith("down ")}
        for line in lines:
            kind, who, which, *rest = line.split(" ", 3)
            key = f"{who} {which}" if kind != "answer" else f"{kind} {which}"
            if kind == "info" and rest[0].startswith(("EXIT", "DOWN")):
                if who in gone:
                    continue
                key += f" of {rest[0].split()[1]}"
            if not alone and (kind == "init" or (kind == "terminate" and who not in dynamic)):
                order.append(line)
                continue
            heard.setdefault(key, []).append(line)
        told.append((answer, order, {who: heard[who] for who in sorted(heard)}))
    return told
