"""Random scenarios: what a tree may look like and what may be done to it, chosen by a seeded `Random`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.otp.language import Scenario, has, specs

if TYPE_CHECKING:
    from random import Random

STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")
RESTARTS = ("permanent", "transient", "temporary")
REASONS: tuple[Any, ...] = ("normal", "shutdown", ("shutdown", "x"), "odd", "kill", "killed")


_TO_SUPERVISORS = ("which", "count", "start", "terminate", "restart", "delete")


def scenario(chance: Random, *, dynamic: bool) -> Scenario:
    """Make up one scenario; `dynamic` allows dynamic supervisors in it."""
    while True:
        made = _Maker(chance, dynamic).scenario()
        if _is_decided(made):
            return made


def _is_decided(made: Scenario) -> bool:
    # A server that is stuck in its cleanup ends only where its supervisor kills it at its limit.
    return not (has(made, {"stuck"}) and has(made[1], {"stop_other"}))


class _Maker:
    def __init__(self, chance: Random, dynamic: bool) -> None:
        self._chance = chance
        self._links = chance.random() < 0.2
        # Not both: whether a link's end or the end of its own supervisor comes first would be a race.
        self._dynamic = dynamic and not self._links and chance.random() < 0.4
        self._names = chance.random() < 0.2
        self._stuck = chance.random() < 0.05
        self._reasons = [reason for reason in REASONS if not (self._stuck and reason == "shutdown")]
        self._serial = 0

    def scenario(self) -> Scenario:
        chance = self._chance
        tree = self._sup("top", 0)
        self._all = specs(tree)
        steps = [self._step() for _ in range(chance.randint(2, 9))]
        steps = [step for step in steps if step is not None]
        if chance.random() < 0.15:
            steps.insert(chance.randint(0, len(steps)), ("holder", self._reason()))
        for spec in self._all:
            if spec[0] == "sup":
                steps += [("which", spec[1]), ("count", spec[1])]
            elif spec[0] == "dyn":
                steps += [("dyn_which", spec[1]), ("dyn_count", spec[1])]
        # Asked to stop for a word that no server is stuck at.
        return tree, [*steps, ("stop", "top", "done" if self._stuck else "shutdown")]

    # -------------------------------------------------------------------------------- trees

    def _new_id(self, letter: str) -> str:
        self._serial += 1
        return f"{letter}{self._serial}"

    def _sup(self, id_: str, depth: int) -> Any:
        chance = self._chance
        if self._links:
            strategy, intensity, auto = "one_for_one", 1000, "never"
        else:
            strategy, intensity = chance.choice(STRATEGIES), chance.choice((0, 1, 1, 2, 3))
            auto = chance.choice(("never", "never", "any_significant", "all_significant"))
        children = [self._child(depth + 1, auto) for _ in range(chance.randint(1 if depth else 2, 3))]
        return ("sup", id_, strategy, intensity, auto, *self._child_words(auto, ("infinity", 5000)), children)

    def _child_words(self, auto: str, limits: tuple[Any, ...]) -> tuple[Any, ...]:
        restart = self._chance.choice(RESTARTS)
        significant = auto != "never" and restart != "permanent" and self._chance.random() < 0.6
        return restart, self._chance.choice(limits), significant

    def _child(self, depth: int, auto: str) -> Any:
        luck = self._chance.random()
        if depth < 3 and luck < 0.3 and not self._links:
            return self._sup(self._new_id("v"), depth)
        if self._dynamic and luck < 0.55:
            return self._dyn(auto)
        return self._srv(self._new_id("s"), auto)

    def _dyn(self, auto: str) -> Any:
        limit = self._chance.choice((-1, -1, 1, 2))
        intensity = 1000 if self._links else self._chance.choice((0, 1, 3))
        return ("dyn", self._new_id("d"), intensity, limit, *self._child_words(auto, ("infinity",)))

    def _srv(self, id_: str, auto: str) -> Any:
        chance = self._chance
        term: Any = "ok"
        if chance.random() < 0.1:
            term = chance.choice(("crash", ("exit", "odd"), ("exit", "normal"), ("exit", "shutdown")))
        words = self._child_words(auto, (5000, 5000, "infinity", "brutal_kill"))
        if self._stuck and chance.random() < 0.5:
            term, words = "stuck", (words[0], 250, words[2])
        spec = ("srv", id_, *words, chance.random() < 0.7, self._plan(), term)
        if self._names and chance.random() < 0.5:
            return ("named", f"n{chance.randint(1, 3)}", spec)
        return spec

    def _plan(self) -> list[Any]:
        chance = self._chance
        if chance.random() < 0.65:
            return []
        first = 1 if chance.random() < 0.15 else 2
        return [(n, self._start()) for n in range(first, first + chance.randint(1, 3))]

    def _start(self) -> Any:
        luck = self._chance.random()
        if luck < 0.4:
            return self._chance.choice(("crash", ("exit", self._reason()), ("stop", self._reason())))
        # No first step and no time limit here: it would race with the start of the next child, in OTP too.
        return self._chance.choice(("ok", "ok", "ignore", "bad"))

    # -------------------------------------------------------------------------------- steps

    def _reason(self) -> Any:
        return self._chance.choice(self._reasons)

    def _pick(self, *kinds: str) -> str | None:
        there = [spec[1] for spec in self._all if spec[0] in kinds]
        return self._chance.choice(there) if there else None

    def _step(self) -> Any:
        chance, server = self._chance, self._pick("srv")
        luck = chance.random()
        if luck < 0.45 and server is not None:
            verb = chance.choice(("cast", "call", "info", "acall"))
            action = "later" if verb == "acall" and chance.random() < 0.5 else self._action(0)
            return (verb, server, action)
        if luck < 0.55 and server is not None:
            return (chance.choice(("exit", "exit", "stop")), server, self._reason())
        if luck < 0.63:
            return self._to_supervisor()
        if luck < 0.67 and not self._links:
            # Not a cast: it crashes a supervisor of OTP's; ours logs it, as both do with any other message.
            return ("stray", self._pick("sup", "dyn"), chance.choice(("info", "call")))
        return self._manage()

    def _to_supervisor(self) -> Any:
        chance, id_ = self._chance, self._pick("sup", "dyn")
        if chance.random() < 0.5:
            return ("stop", id_, self._reason())
        return ("exit", id_, self._reason())

    def _manage(self) -> Any:
        chance = self._chance
        dyn = self._pick("dyn")
        if dyn is not None and chance.random() < 0.7:
            return self._manage_dynamic(dyn)
        sup = chance.choice([spec for spec in self._all if spec[0] == "sup"])
        child = chance.choice(sup[8])
        child = child[2] if child[0] == "named" else child
        luck = chance.random()
        if luck < 0.3:
            new = self._child(2, sup[4])
            if chance.random() < 0.3 and child[0] == "srv":
                new = self._srv(child[1], sup[4])
            elif new[0] != "named":
                self._all += specs(new)
            return ("start", sup[1], new)
        if luck < 0.4:
            return (chance.choice(("which", "count")), sup[1])
        return (chance.choice(("terminate", "terminate", "restart", "delete")), sup[1], child[1])

    def _manage_dynamic(self, dyn: str) -> Any:
        if self._chance.random() < 0.6:
            new = self._srv(self._new_id("t"), "never")
            self._all += specs(new)
            return ("dyn_start", dyn, new)
        server = self._pick("srv")
        return None if server is None else ("dyn_stop", dyn, server)

    def _action(self, depth: int) -> Any:
        chance = self._chance
        luck = chance.random()
        if luck < 0.25:
            return chance.choice(("noop", "crash", "bad", "idle", "answer"))
        if luck < 0.5:
            return (chance.choice(("exit", "stop", "reply_stop", "self_signal")), self._reason())
        if luck < 0.55:
            return ("trap", chance.random() < 0.5)
        if luck < 0.6:
            # Not while it traps: then it could not be stopped by a supervisor that it waits for.
            step = next(step for step in iter(self._manage, 0) if step is not None and step[0] in _TO_SUPERVISORS)
            return ("both", ("trap", False), ("manage", step))
        if luck < 0.75 and depth < 3:
            if chance.random() < 0.5:
                return ("cont", self._action(depth + 1))
            first, then = self._plain(), self._action(depth + 1)
            return then if has(then, {"idle"}) else ("both", first, then)  # whether a notice comes first is a race
        return self._towards_another()

    def _plain(self) -> Any:
        # What harms nobody: the end of two at once is a race, in OTP too.
        watch = (self._chance.choice(("monitor", "demonitor")), self._pick("srv") or "nobody")
        return self._chance.choice([("note", "n"), "noop", ("trap", True), watch])

    def _towards_another(self) -> Any:
        chance = self._chance
        other = self._pick("srv") or "nobody"
        luck = chance.random()
        if self._links and luck < 0.15:
            new = self._srv(self._new_id("k"), "never")
            new = new[2] if new[0] == "named" else new
            self._all.append(new)
            return ("spawn", new)
        if self._links and luck < 0.4:
            return (chance.choice(("link", "link", "unlink")), other)
        if luck < 0.5 and self._names:
            return (chance.choice(("monitor_name", "call_name", "cast_name")), f"n{chance.randint(1, 3)}")
        if luck < 0.6:
            return (chance.choice(("monitor", "monitor", "demonitor")), other)
        if luck < 0.8:
            return ("signal", other, self._reason())
        verb = chance.choice(("call", "cast", "send"))
        return (verb, other, ("note", "m") if verb == "call" and not self._links else self._simple())

    def _simple(self) -> Any:
        """Choose what one server asks of another: nothing that makes it wait for a third."""
        return self._chance.choice(
            (
                "noop",
                "crash",
                "bad",
                ("exit", self._reason()),
                ("stop", self._reason()),
                ("reply_stop", self._reason()),
            )
        )
