"""Fixed scenarios, each about one thing. What OTP answered to them is recorded beside, in `recorded.json`.

    python -m tests.conformance.otp.record       # asks OTP again and writes it down

So they are held against OTP's own answers on machines without an Erlang too.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.otp.language import Scenario


def sup(id_: str, *children: Any, strategy: str = "one_for_one", intensity: int = 3, **words: Any) -> Any:
    auto, restart = words.get("auto", "never"), words.get("restart", "permanent")
    limit, significant = words.get("shutdown", "infinity"), words.get("significant", False)
    return ("sup", id_, strategy, intensity, auto, restart, limit, significant, list(children))


def dyn(id_: str, *, intensity: int = 3, limit: int = -1, restart: str = "permanent") -> Any:
    return ("dyn", id_, intensity, limit, restart, "infinity", False)


def srv(id_: str, *, traps: bool = True, restart: str = "permanent", **words: Any) -> Any:
    limit, significant = words.get("shutdown", 5000), words.get("significant", False)
    return ("srv", id_, restart, limit, significant, traps, words.get("plan", []), words.get("term", "ok"))


_ENDS: list[Any] = [
    "crash",
    "bad",
    ("exit", "normal"),
    ("exit", "odd"),
    ("exit", "kill"),
    ("stop", "shutdown"),
    ("stop", ("shutdown", "x")),
    ("reply_stop", "normal"),
    ("self_signal", "kill"),
    ("self_signal", "normal"),
    ("cont", "crash"),
    ("cont", "bad"),
]
_WORDS: list[Any] = ["normal", "shutdown", "odd", "killed", "kill"]
_FOUR = (srv("a"), srv("b"), srv("c", restart="temporary"), srv("d", restart="transient"))

SCENARIOS: dict[str, Scenario] = {
    "a first step of init comes before every message, and may lead to another": (
        sup("top", srv("a", plan=[(1, ("cont", ("both", ("note", "first"), ("cont", ("note", "second")))))])),
        [("call", "a", ("note", "third"))],
    ),
    "a time limit without a message": (sup("top", srv("a")), [("call", "a", "idle"), ("cast", "a", "idle")]),
    "a bad answer of init": (sup("top", srv("a"), srv("b", plan=[(1, "bad")])), []),
    "an init that stops with normal": (sup("top", srv("a", plan=[(1, ("stop", "normal"))])), []),
    "an init that ignores, at first and at a restart": (
        sup("top", srv("a", plan=[(1, "ignore")]), srv("b", plan=[(2, "ignore")]), srv("c", restart="temporary")),
        [
            ("cast", "b", "crash"),
            ("which", "top"),
            ("count", "top"),
            ("restart", "top", "a"),
            ("restart", "top", "b"),
        ],
    ),
    "the last of three fails to start": (
        sup("top", srv("a"), srv("b", traps=False), srv("c", plan=[(1, "crash")])),
        [],
    ),
    **{
        f"{verb}: every way to end": (
            sup("top", srv("a", traps=traps), intensity=20),
            [(verb, "a", action) for action in _ENDS],
        )
        for verb, traps in (("call", True), ("cast", False), ("info", True))
    },
    "signals from a stranger": (
        sup("top", srv("a", traps=False), srv("b"), intensity=20),
        [("exit", id_, word) for id_ in ("a", "b", "top") for word in _WORDS[:4]],
    ),
    "orderly stops": (
        sup("top", srv("a", traps=False), intensity=20),
        [("stop", "a", word) for word in _WORDS],
    ),
    "a cleanup that fails takes the reason's place": (
        sup("top", srv("a", term="crash"), srv("b", term=("exit", "odd")), intensity=20),
        [("stop", "a", "normal"), ("call", "b", "crash"), ("terminate", "top", "a"), ("stop", "top", "shutdown")],
    ),
    "a late answer, a late end, a second asker": (
        sup("top", srv("a")),
        [
            ("acall", "a", "later"),
            ("acall", "a", "later"),
            ("cast", "a", "answer"),
            ("acall", "a", "later"),
            ("exit", "a", "kill"),
        ],
    ),
    "a chain of links falls, and a trapping one stops it": (
        sup("top", *(srv(id_, traps=id_ == "d", restart="temporary") for id_ in "abcde")),
        [("call", one, ("link", other)) for one, other in ("ab", "bc", "cd", "de")] + [("cast", "a", "crash")],
    ),
    "links end normally, twice linked, unlinked, killed": (
        sup("top", *(srv(id_, traps=id_ != "b", restart="temporary") for id_ in "abcd")),
        [
            ("call", "b", ("link", "a")),
            ("call", "a", ("link", "c")),
            ("call", "c", ("link", "a")),
            ("call", "d", ("link", "a")),
            ("call", "d", ("unlink", "a")),
            ("call", "c", ("exit", "normal")),
            ("exit", "a", "kill"),
        ],
    ),
    "who is linked and watches hears of the exit before the notice": (
        sup("top", srv("a"), srv("b", restart="temporary"), srv("c", restart="temporary")),
        [
            ("call", "a", ("both", ("monitor", "b"), ("link", "b"))),
            ("call", "a", ("both", ("link", "c"), ("monitor", "c"))),
            ("exit", "b", "kill"),
            ("cast", "c", "crash"),
        ],
    ),
    "a server that has its supervisor stop it, and one that is asked about": (
        sup("top", srv("a", traps=False), srv("b")),
        [
            ("acall", "b", ("manage", ("which", "top"))),
            ("acall", "b", ("manage", ("terminate", "top", "a"))),
            ("acall", "b", ("manage", ("restart", "top", "a"))),
            ("acall", "a", ("manage", ("terminate", "top", "a"))),
            ("which", "top"),
        ],
    ),
    "notices of a name, free and taken": (
        sup("top", srv("a"), ("named", "n", srv("b", restart="temporary"))),
        [("call", "a", ("monitor_name", name)) for name in ("n", "m")]
        + [("call", "a", ("cast_name", "n")), ("call", "a", ("call_name", "n")), ("cast", "b", "crash")]
        + [("cast", "a", ("cast_name", "n")), ("call", "a", ("call_name", "n"))],
    ),
    "a link to the dead": (
        sup("top", srv("a"), srv("b", traps=False, restart="temporary"), srv("c", restart="temporary")),
        [("stop", "c", "normal"), ("call", "a", ("link", "c")), ("call", "b", ("link", "c"))],
    ),
    "monitors, of the dead too, and taken back": (
        sup("top", srv("a"), srv("b", restart="temporary"), srv("c", restart="temporary")),
        [
            ("call", "a", ("monitor", "b")),
            ("call", "a", ("monitor", "c")),
            ("call", "a", ("demonitor", "c")),
            ("call", "a", ("monitor", "a")),
            ("cast", "b", "crash"),
            ("cast", "c", "crash"),
            ("call", "a", ("monitor", "b")),
        ],
    ),
    "a server that asks another which crashes": (
        sup("top", srv("a", restart="temporary"), srv("b", restart="temporary")),
        [("call", "a", ("call", "b", "crash"))],
    ),
    "a transient server that asks another which is shut down ends in good order": (
        sup("top", srv("a", restart="transient"), srv("b", restart="temporary")),
        [("call", "a", ("call", "b", ("stop", "shutdown")))],
    ),
    "a server that asks itself, or a dead one": (
        sup("top", srv("a"), srv("b", restart="temporary")),
        [("call", "a", ("call", "a", "noop")), ("stop", "b", "normal"), ("call", "a", ("call", "b", "noop"))],
    ),
    **{
        f"{strategy}, b crashes, then a group member exits normally": (
            sup("top", *_FOUR, strategy=strategy),
            [
                ("cast", "b", "crash"),
                ("which", "top"),
                ("call", "d", ("exit", "normal")),
                ("cast", "a", ("stop", "normal")),
                ("which", "top"),
                ("count", "top"),
            ],
        )
        for strategy in ("one_for_one", "rest_for_one", "one_for_all")
    },
    **{
        f"{strategy}, a restart that fails twice": (
            sup("top", srv("a"), srv("b", plan=[(2, "crash"), (3, ("stop", "odd"))]), srv("c"), strategy=strategy),
            [("cast", "b", "crash"), ("which", "top")],
        )
        for strategy in ("one_for_one", "rest_for_one", "one_for_all")
    },
    "one more than the budget": (
        sup("top", srv("a"), srv("b", term="crash"), srv("c", traps=False), intensity=1),
        [("cast", "a", "crash"), ("cast", "b", "crash")],
    ),
    "a leaf that always crashes, under two supervisors of three restarts": (
        sup("top", sup("v", srv("a", plan=[(n, "crash") for n in range(2, 30)]))),
        [("cast", "a", "crash")],
    ),
    "a transient supervisor that gave up stays away": (
        sup("top", sup("v", srv("a"), intensity=0, restart="transient"), srv("b")),
        [("cast", "a", "crash"), ("which", "top"), ("restart", "top", "v")],
    ),
    "children at run time": (
        sup("top", srv("a"), strategy="rest_for_one"),
        [
            ("start", "top", srv("b")),
            ("start", "top", srv("b")),
            ("start", "top", srv("c", plan=[(1, "crash")])),
            ("terminate", "top", "b"),
            ("start", "top", srv("b")),
            ("terminate", "top", "b"),
            ("delete", "top", "a"),
            ("restart", "top", "a"),
            ("restart", "top", "b"),
            ("terminate", "top", "b"),
            ("delete", "top", "b"),
            ("delete", "top", "b"),
            ("restart", "top", "b"),
            ("terminate", "top", "b"),
            ("start", "top", srv("t", restart="temporary")),
            ("terminate", "top", "t"),
            ("terminate", "top", "t"),
            ("which", "top"),
            ("count", "top"),
        ],
    ),
    "a child stopped on purpose comes back with its group": (
        sup("top", srv("a"), srv("b"), strategy="one_for_all"),
        [("terminate", "top", "a"), ("which", "top"), ("cast", "b", "crash"), ("which", "top")],
    ),
    "significant children": (
        sup(
            "top",
            sup(
                "any",
                srv("a", restart="transient", significant=True),
                srv("b"),
                auto="any_significant",
                restart="transient",
            ),
            sup(
                "all",
                srv("c", restart="transient", significant=True),
                srv("d", restart="temporary", significant=True),
                auto="all_significant",
                restart="temporary",
            ),
        ),
        [
            ("cast", "a", "crash"),
            ("cast", "a", ("stop", "normal")),
            ("which", "top"),
            ("cast", "c", ("stop", "shutdown")),
            ("terminate", "all", "d"),
            ("restart", "all", "c"),
            ("cast", "c", ("stop", "normal")),
            ("which", "top"),
        ],
    ),
    "a significant child where it means nothing": (
        sup("top"),
        [("start", "top", srv("a", restart="transient", significant=True)), ("which", "top")],
    ),
    "names that are taken": (
        sup("top", ("named", "n", srv("a"))),
        [
            ("start", "top", ("named", "n", srv("b"))),
            ("terminate", "top", "a"),
            ("start", "top", ("named", "n", srv("b"))),
            ("restart", "top", "a"),
        ],
    ),
    **{
        f"the parent exits with {reason}": (
            sup("top", srv("a"), srv("b", traps=False), sup("v", srv("c"))),
            [("holder", reason)],
        )
        for reason in ("normal", "shutdown", "odd", "kill")
    },
    "strays, and a supervisor that is gone": (
        sup("top", sup("v", srv("a"), restart="temporary")),
        [
            ("stray", "v", "info"),
            ("which", "v"),
            ("stray", "v", "call"),
            ("which", "v"),
            ("start", "v", srv("b")),
            ("terminate", "v", "a"),
        ],
    ),
    "a cleanup that outlasts its limit": (
        sup("top", srv("a"), srv("b", term="stuck", shutdown=250), srv("c", shutdown="brutal_kill")),
        [("terminate", "top", "b"), ("restart", "top", "b"), ("stop", "top", "shutdown")],
    ),
    "a dynamic supervisor": (
        sup("top", dyn("pool", limit=2)),
        [
            ("dyn_start", "pool", srv("a")),
            ("dyn_start", "pool", srv("b", restart="temporary")),
            ("dyn_start", "pool", srv("c")),
            ("cast", "b", "crash"),
            ("dyn_start", "pool", srv("c", plan=[(1, "ignore")])),
            ("dyn_start", "pool", srv("c", plan=[(2, "crash")])),
            ("dyn_start", "pool", srv("d", plan=[(2, "ignore")])),
            ("cast", "d", "crash"),
            ("dyn_count", "pool"),
            ("dyn_stop", "pool", "a"),
            ("dyn_stop", "pool", "a"),
            ("dyn_which", "pool"),
            ("dyn_count", "pool"),
        ],
    ),
    "a dynamic supervisor that gives up comes back empty": (
        sup("top", dyn("pool", intensity=1)),
        [
            ("dyn_start", "pool", srv("a", plan=[(n, "crash") for n in range(2, 9)])),
            ("cast", "a", "crash"),
            ("dyn_count", "pool"),
        ],
    ),
}
