"""`--slow-beyond`, `--slow-every`, `--batch`: how those are watched who are many."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from eye.cli.options import Seconds, Whole, option
from eye.monitor.config import BATCH
from eye.monitor.pace import FEW, SLOW_EVERY, SLOWEST

if TYPE_CHECKING:
    from collections.abc import Callable


def pacing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how it watches many nodes: as `pacing`, for `NodeConfig`."""

    @wraps(function)
    def gathered(*args: Any, slow_beyond: int, slow_every: float, batch: int, **others: Any) -> Any:
        pacing = {"slow_beyond": slow_beyond, "slow_every": slow_every, "batch": batch}
        return function(*args, pacing=pacing, **others)

    for declare in reversed(_OPTIONS):
        gathered = declare(gathered)
    return gathered


_OPTIONS = (
    option(
        "--slow-beyond",
        type=Whole(0, 1_000_000),
        default=FEW,
        show_default=True,
        metavar="N",
        help="In larger clusters, nodes that nobody looks at closely are asked more seldom.",
    ),
    option(
        "--slow-every",
        type=Seconds(min=0.1, max=SLOWEST),
        default=SLOW_EVERY,
        show_default=True,
        metavar="SECONDS",
        help="How often those are asked then.",
    ),
    option(
        "--batch",
        type=Whole(1, 10_000),
        default=BATCH,
        show_default=True,
        metavar="N",
        help="How many nodes one collector watches, beyond the first 24.",
    ),
)
