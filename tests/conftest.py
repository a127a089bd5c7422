"""What every test may ask for: a clock that stands still, and a system of its own on it.

With EYE_TESTS_MUST_RUN set, as in CI, a test that is skipped fails the run: a machine without a browser
must not look like one on which the browser tests passed.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from eye.supervision import System
from eye.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres


# How long an example takes says how busy the machine is: one may stand still for 200 ms at any time, which
# is Hypothesis' usual deadline, and be quick when it is tried again, which Hypothesis calls flaky.
settings.register_profile("eye", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("eye")


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start, also where the tests were started with `&`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what programs leave behind (history, silences) out of the home of whoever runs the tests."""
    before = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))
    yield
    if before is None:
        del os.environ["XDG_DATA_HOME"]
    else:
        os.environ["XDG_DATA_HOME"] = before


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def system(clock: ManualClock) -> Iterator[System]:
    """A system that is stopped when the test is over, and must then have left no thread behind."""
    before = set(threading.enumerate())
    system = System(clock=clock)
    yield system
    stopper = threading.Thread(target=system.stop, daemon=True)
    stopper.start()
    stopper.join(10)
    stuck = [str(ref) for ref in system.processes()]
    for ref in system.processes():
        ref.kill()  # so that one stuck test is one failure
    assert not stopper.is_alive(), f"the system did not stop within 10 s: {stuck}"
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not left, f"threads left behind: {left}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of our own."""
    from tests.postgres import Postgres

    server = Postgres()
    yield server
    server.stop()


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all tests of a module to one worker, for what they share is made once then: machines, nodes, browsers.

    Tests that take long and share nothing go one by one, and last, so that no worker ends long before the others.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return nodeid if module.startswith(_ONE_BY_ONE) and not module.startswith(_SHARING) else module

    return ByModule(config, log) if config.getoption("dist") == "load" else None


_ONE_BY_ONE = ("tests/e2e/", "tests/hostile/", "tests/cluster/test_simulated.py", "tests/web/test_hostile.py")
_SHARING = ("tests/hostile/test_namespaces.py", "tests/e2e/test_hosts.py", "tests/e2e/test_web_")

_MAY_BE_SKIPPED = (
    "root may read everything",  # what cannot be shown on this machine, whatever is installed
    "no Erlang on this machine",  # its answers are on record, and held against ours everywhere
    "namespaces",  # of a network are root's, and not every machine's
    "no TAP devices here",
)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("EYE_TESTS_MUST_RUN"):
        return
    skipped = [
        str(report.longrepr)
        for report in reporter.stats.get("skipped", [])
        if not any(reason in str(report.longrepr) for reason in _MAY_BE_SKIPPED)
    ]
    if skipped and session.exitstatus == 0:
        reporter.write_line(f"EYE_TESTS_MUST_RUN: {len(skipped)} tests were skipped, e.g. {skipped[0]}", red=True)
        session.exitstatus = 1
