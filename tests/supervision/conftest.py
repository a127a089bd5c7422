"""Where the servers of a test live: in a thread, or in an OS process of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eye.supervision import GenServer, System
from tests.supervision.kinds import KINDS
from tests.supervision.servers import Here

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def fork_server() -> Iterator[None]:
    """Keep what OS processes are forked from, so that not every test has to wait for it to start."""
    with System() as system:
        system.start(GenServer, isolation="process")
        yield


@pytest.fixture(params=KINDS)
def isolation(request: pytest.FixtureRequest, fork_server: None) -> Iterator[str]:
    """Run the test once for each kind of process, and have `start` and `child` make that kind."""
    Here.isolation = request.param
    yield request.param
    Here.isolation = "thread"
