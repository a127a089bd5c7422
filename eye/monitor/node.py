"""A node, running: what `sorcerers_eye start` runs in the foreground, and any program beside its own work.

    node = Node.start(NodeConfig(name="orders-worker"))
    ...
    node.stop()

The program that a node runs in is not disturbed: no signal handler, no logging set-up, nothing global.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from eye.alerts.ledger import Ledger
from eye.clock import SystemClock, system_chance
from eye.cluster import discovery
from eye.cluster.cluster_names import Held, NamesService
from eye.cluster.exchange import EngineSlot
from eye.cluster.members import Standing
from eye.cluster.node import NodeInfo, new_boot
from eye.cluster.registry_service import RegistryService
from eye.cluster.remote import Remote
from eye.cluster.remote_service import RemoteService
from eye.cluster.remote_sessions import Sessions
from eye.cluster.security import load_cookie
from eye.cluster.traffic import Traffic
from eye.errors import AlreadyStarted, ClusterFull, NameTaken, NodeDown, StartFailed
from eye.metrics.catalogue import Kind
from eye.metrics.own_figures import OwnFigures
from eye.metrics.psutil_probe import PsutilProbe, own_memory
from eye.metrics.recent import Recent
from eye.metrics.sampler import Latest
from eye.monitor import remembering
from eye.monitor.agent import Agent
from eye.monitor.album import ROOT, Album
from eye.monitor.alert_service import AlertService, silence_file
from eye.monitor.board import Board
from eye.monitor.causes import first_cause
from eye.monitor.config import cookie_path, runtime_folder
from eye.monitor.event_log import EventLog
from eye.monitor.parts import Parts
from eye.monitor.tree import alerts, application, history, observing, own_figures, views
from eye.monitor.view import View
from eye.supervision.child_spec import Strategy
from eye.supervision.supervisor import Supervisor
from eye.supervision.system import System

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eye.alerts.rules import RuleSet
    from eye.clock import Clock
    from eye.cluster.interconnect import Engine
    from eye.cluster.security import Cookie
    from eye.cluster.tls import Tls
    from eye.metrics.probe import Probe
    from eye.monitor.config import NodeConfig
    from eye.supervision.child_spec import ChildSpec
    from eye.supervision.process import Ref

logger = logging.getLogger("eye.monitor")

_FIRST_ROUND = 1.0  # seconds that a start waits for its peers' first answers


class Node:
    """One running node. Made by `Node.start`; all methods may be called from any thread."""

    def __init__(self, parts: Parts, system: System, root: Ref, agent: Agent) -> None:
        self._parts = parts
        self._root = root
        self._view = View(system, parts, agent)
        self._is_observing = False
        self._runs_in = os.getpid()
        self._adding = threading.Lock()
        self.system = system
        self.remote = Remote(system, parts.info.boot)
        """The processes of other nodes."""
        self.config = parts.config

    @classmethod
    def start(
        cls,
        config: NodeConfig,
        *,
        environ: Mapping[str, str] = os.environ,
        observer: bool = False,
        clock: Clock | None = None,
        make_probe: Callable[[], Probe] | None = None,
        make_engine: Callable[[Cookie, Clock], Engine] | None = None,
    ) -> Node:
        """Start a node, and wait until it can be asked and its peers know of it.

        Args:
            config: how it is to run.
            environ: where the user's folders are looked up.
            observer: only look: announce nothing, listen nowhere.
            clock, make_probe, make_engine: other than the real ones, for tests.

        Raises:
            NameTaken: a live node has the name. AddressInUse: somebody listens there.
            CookieUnusable: the cookie file cannot be used.
        """
        clock = clock or SystemClock()
        cookie = load_cookie(cookie_path(environ, config.cookie_file))
        system = System(clock=clock)
        system.is_quiet = True  # a start that fails is told by the error it raises, once
        parts, agent = _assemble(config, cookie, environ, system, observer, make_probe, make_engine)
        try:
            root = system.start(
                Supervisor, application(parts), name=ROOT, strategy=Strategy.REST_FOR_ONE, max_restarts=10
            )
            assert root is not None
            node = cls(parts, system, root, agent)
            node._await_first_round()
            system.is_quiet = False
        except BaseException as error:
            system.stop(timeout=5.0)
            _close_what_is_left(parts)
            if isinstance(error, StartFailed) and (cause := first_cause(error)) is not None:
                raise cause from None
            raise
        return node

    @property
    def name(self) -> str:
        return self._parts.info.name

    @property
    def boot(self) -> str:
        """What tells this life of the node from its others."""
        return self._parts.info.boot

    @property
    def address(self) -> str:
        """Where it listens, `HOST:PORT`; empty for an observer."""
        address = self._parts.engine.address
        return "" if address is None else str(address)

    @property
    def is_alive(self) -> bool:
        """Whether its tree stands. It falls when more crashes than its budgets allow come together.

        In a process that was forked from the node's there is no node, for there are none of its threads.
        """
        return self._root.is_alive and self._runs_in == os.getpid()

    def secret_for(self, purpose: str) -> bytes:
        """Make a secret for a purpose: 32 bytes, the same after a restart, as long as the cookie is the same."""
        return self._parts.derive(f"{self.name}: {purpose}")

    @property
    def view(self) -> View:
        """The cluster as this node sees it. The first use starts the collectors."""
        if not self._is_observing:
            self._add(self._root, observing(self._parts))
            if self.config.writes_history and not isinstance(keeping := self._parts.history, str):
                asking = remembering.asking(self._parts, self._view)
                self._add(self._root, history(self._parts, keeping, asking))
            self._is_observing = True
        return self._view

    def gauge(self, name: str, fn: Callable[[], float | int], help: str = "", unit: str = "") -> None:
        """Measure a figure of this program, from now on: it is shown wherever metrics are, on all nodes.

            node.gauge("orders", lambda: len(queue), help="Orders that wait", unit="count")

        Args:
            name: small letters, digits and `_`. A figure of the same name is replaced.
            fn: answers the figure, or None if there is none now. It is asked once a beat, in a thread that is not
                yours. One that raises, or takes longer than a second, is told of in the log, and its figure is
                absent until it answers again.
            help: one sentence for those who read it.
            unit: `bytes`, `seconds`, `share` (0.0 to 1.0), `count` or `number`; what it is printed in.

        Raises:
            BadMetric: the name or the unit cannot be, or there are 100 of them already.
        """
        self._measure(name, fn, help, unit, Kind.GAUGE)

    def counter(self, name: str, fn: Callable[[], float | int], help: str = "", unit: str = "") -> None:
        """The same for what only goes up while the program runs: orders served since its start."""
        self._measure(name, fn, help, unit, Kind.COUNTER)

    def _measure(self, name: str, fn: Callable[[], float | int], help: str, unit: str, kind: Kind) -> None:
        self._parts.own.add(name, fn, help, unit, kind)
        with self._adding:
            spec, local = own_figures(self._parts), self._parts.local
            if all(other.id != spec.id for other in local):
                local.append(spec)
                if (supervisor := self.system.whereis("eye.local")) is not None:
                    self._add(supervisor, spec)

    def evaluate(self, rules: RuleSet) -> None:
        """Ask alert rules, from now on; of two sets, the first counts. A file (`rule_file.load`) may change."""
        from eye.monitor.alerting import asking  # most nodes ask none

        children = asking(self._parts, rules, self.system.clock, self.view.look, self.system.whereis)
        self._add(self._root, alerts(children))

    def add_view(self, spec: ChildSpec) -> Ref | None:
        """Start a process under the node's own supervisor of views, and again whenever that is restarted.

        Several of one id are told apart by a number; one that has ended makes room for the next.
        """
        with self._adding:
            self._add(self._root, views(self._parts))
            supervisor = self.system.whereis("eye.views")
            if supervisor is None:
                raise NodeDown(self.name, "its views are being restarted; try again")
            taken = {child.id: child for child in Supervisor.which_children(supervisor)}
            number, id_ = 1, spec.id
            while id_ in taken and taken[id_].status != "stopped":
                number, id_ = number + 1, f"{spec.id}-{number + 1}"
            if id_ in taken:
                Supervisor.delete_child(supervisor, id_)
            spec = replace(spec, id=id_)
            ref = self._add(supervisor, spec)
            self._parts.views[:] = [other for other in self._parts.views if other.id != id_] + [spec]
            return ref

    def _add(self, supervisor: Ref, spec: ChildSpec) -> Ref | None:
        try:
            return Supervisor.start_child(supervisor, spec)
        except AlreadyStarted as present:
            return present.ref  # type: ignore[no-any-return]
        except StartFailed as error:
            if (cause := first_cause(error)) is not None:
                raise cause from None
            raise

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the node has ended, at most `timeout` seconds; answer whether it has."""
        return self._root.join(timeout) is not None

    def stop(self, timeout: float = 5.0) -> None:
        """Stop everything in good order, the last started first, and tell the others. Idempotent."""
        if self._runs_in != os.getpid():
            return  # a forked process has nothing to stop, and must not take away what is its parent's
        # Discovery first: a node that can still be found while it says goodbye would be taken in again.
        self._parts.standing.is_leaving = True
        for strategy in self._parts.strategies:
            strategy.withdraw()
        self.system.stop(timeout=timeout)
        _close_what_is_left(self._parts)

    def _await_first_round(self) -> None:
        """Give the peers a moment to answer: one may already have this name."""
        deadline = time.monotonic() + _FIRST_ROUND
        standing = self._parts.standing
        while not standing.first_round.wait(0.05) and time.monotonic() < deadline:
            pass
        if standing.taken_by is not None:
            raise NameTaken(self.name, standing.taken_by)
        if standing.full is not None:
            raise ClusterFull(*standing.full)

    def __repr__(self) -> str:
        return f"<Node {self.name} at {self.address or 'nowhere'}>"


def _assemble(
    config: NodeConfig,
    cookie: Cookie,
    environ: Mapping[str, str],
    system: System,
    observer: bool,
    make_probe: Callable[[], Probe] | None,
    make_engine: Callable[[Cookie, Clock], Engine] | None,
) -> tuple[Parts, Agent]:
    clock = system.clock
    info = NodeInfo(config.name, "", new_boot(), clock.now(), config.is_seed)
    latest, slot, standing, ledger = Latest(), EngineSlot(), Standing(), Ledger(3 * config.interval)
    recent, events, album, traffic = Recent(), EventLog(), Album(clock), Traffic(clock)
    own = OwnFigures(config.name, clock, lambda: latest.number)
    agent = Agent(
        system,
        config.name,
        latest,
        config.rights,
        recent=recent,
        events=events,
        own=own,
        memory=own_memory,
        traffic=traffic,
        interval=config.interval,
        album=album,
        boot=info.boot,
    )
    remote_service = RemoteService(system, config.name, info.boot, config.rights)
    strategies = discovery.make(
        config.discover, cookie=cookie, folder=config.folder or runtime_folder(environ), connect=config.connect
    )
    tls = config.make_tls(cookie)
    if tls.is_off and not config.listen.is_loopback and not observer:
        logger.warning(
            "node %s is reached at %s without TLS: what is said goes over the wire in clear text, and whoever "
            "sits on the wire can read and change it. Leave --tls out, and it is encrypted",
            config.name,
            config.listen,
        )
    parts = Parts(
        config=config,
        info=info,
        started_moment=clock.monotonic(),
        make_probe=make_probe or (lambda: PsutilProbe(clock)),
        make_engine=lambda: (
            _manager_engine(cookie, clock, tls, traffic) if make_engine is None else make_engine(cookie, clock)
        ),
        services=(
            RegistryService(system, info, standing),
            agent,
            remote_service,
            NamesService(system),
            AlertService(config.name, ledger, clock, config.rights, lambda: silence_file(environ)),
        ),
        strategies=strategies,
        latest=latest,
        alerts=ledger,
        environ=environ,
        board=Board(clock, system.topics, config.pace),
        engine=slot,
        recent=recent,
        events=events,
        album=album,
        own=own,
        sessions=Sessions(),
        held=Held(),
        remote_service=remote_service,
        standing=standing,
        draw=system_chance,
        derive=cookie.derive,
        history=remembering.keeping(config.history, config.history_keep, clock, writes=config.writes_history),
        is_hidden=observer,
        warm_up=None if make_probe is None else 0.0,
    )
    return parts, agent


def _manager_engine(cookie: Cookie, clock: Clock, tls: Tls, traffic: Traffic) -> Engine:
    from eye.cluster.engines.manager import ManagerEngine

    return ManagerEngine(cookie, clock, tls=tls, traffic=traffic)


def _close_what_is_left(parts: Parts) -> None:
    """Close what processes would have closed, had they not been abandoned, and what belongs to none."""
    if (engine := parts.engine.put(None)) is not None:
        engine.close()
    if not isinstance(parts.history, str):
        parts.history.close()
    for strategy in parts.strategies:
        strategy.withdraw()
