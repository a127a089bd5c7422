"""What a node is made of besides processes: everything that is handed to them, and outlives them.

One value, made once when the node starts. A process that crashes loses its state; what is in here is
what must not be lost with it, and what only the outside can give: names, clocks, chance, engines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eye.alerts.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eye.cluster.cluster_names import Held
    from eye.cluster.discovery import Strategy
    from eye.cluster.exchange import EngineSlot
    from eye.cluster.interconnect import Engine, Service
    from eye.cluster.members import Standing
    from eye.cluster.node import NodeInfo
    from eye.cluster.remote_service import RemoteService
    from eye.cluster.remote_sessions import Sessions
    from eye.history.keeping import Keeping
    from eye.metrics.own_figures import OwnFigures
    from eye.metrics.probe import Probe
    from eye.metrics.recent import Recent
    from eye.metrics.sampler import Latest
    from eye.monitor.album import Album
    from eye.monitor.board import Board
    from eye.monitor.config import NodeConfig
    from eye.monitor.event_log import EventLog
    from eye.supervision.child_spec import ChildSpec


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one node."""

    config: NodeConfig
    info: NodeInfo
    """Name, boot and start of this node; its address is only known once it listens."""
    started_moment: float
    """When it was started, by the clock's `monotonic`."""
    make_probe: Callable[[], Probe]
    make_engine: Callable[[], Engine]
    services: Sequence[Service]
    strategies: Sequence[Strategy]
    latest: Latest
    board: Board
    engine: EngineSlot
    recent: Recent
    """The node's last hour."""
    events: EventLog
    """What happened in it lately."""
    album: Album
    """How its tree looked in the last hour."""
    own: OwnFigures
    """What the program that the node runs in tells of itself."""
    sessions: Sessions
    """What processes of this node have going on with those of others."""
    held: Held
    """The names in the whole cluster that its processes have."""
    remote_service: RemoteService
    """What others have going on here."""
    standing: Standing
    """What the membership remembers from one of its lives to the next."""
    draw: Callable[[], float]
    """Chance: a number from 0.0 to 1.0."""
    derive: Callable[[str], bytes]
    """Makes a secret for a purpose out of the cluster's cookie."""
    local: list[ChildSpec] = field(default_factory=list)
    """What runs in the group `local`, each time that starts, what was added at run time too."""
    views: list[ChildSpec] = field(default_factory=list)
    """The pages and the like that were asked for: what the supervisor of views starts, each time it starts."""
    alerts: Ledger = field(default_factory=Ledger)
    """What its rules say of all nodes, where it has any."""
    history: Keeping | str = "this view was started without it; see --history"
    """What waits to be written into the history, and where that is; or why none is kept."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Where the user's folders are looked up."""
    is_hidden: bool = False
    """Whether this node only observes: it announces itself to nobody, and listens nowhere."""
    warm_up: float | None = None

    def draw_jitter(self) -> float:
        """Draw a share of an interval, -0.5 to 0.5."""
        return self.draw() - 0.5
