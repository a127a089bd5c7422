"""Three machines on one wire, as network namespaces: one is cut off and comes back, and nobody's processes notice.

Each test has a hub of its own, a namespace with a bridge in it, so that nothing of this machine's own network is
touched and two runs never meet. Cutting is done in three ways: the port goes down (the carrier is lost), the port
leaves the bridge (frames go nowhere, and nobody is told), or the frames are slow (a wire of ours, between two TAP
devices, since few kernels of test machines have netem).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import pytest

from tests.hostile.camp import Camp, Running, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

CUT = float(os.environ.get("EYE_CUT_SECONDS", "12"))  # longer than the 10 s after which a silent node is down
NAMES = ("a", "b", "c")
PORT = 4711
OUR_OWN = {"child_exited", "child_started", "child_start_failed", "process_crashed", "gave_up"}
_BACK = 20.0  # seconds after healing until all see all; TCP may wait long before it tries again
_CALM = 6.0  # seconds of a slow wire in which nobody may be suspected


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"


def why_not() -> str | None:
    """Say why there can be no namespaces here; None if there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "namespaces are root's"
    name = f"eye{os.getpid()}try"
    try:
        ip("netns", "add", name)
        try:
            ip("-n", name, "link", "add", "br0", "type", "bridge")
            ip("-n", name, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
        finally:
            ip("netns", "delete", name)
    except (AssertionError, OSError) as error:
        return f"no namespaces here: {error}"
    return None


pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90 + 2 * CUT)]


@pytest.fixture(scope="module", autouse=True)
def needs_namespaces() -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)


class Machines:
    """Three namespaces on one bridge, with a node in each."""

    _count = 0

    def __init__(self, camp: Camp) -> None:
        Machines._count += 1
        self._stem = f"eye{os.getpid()}-{Machines._count}"
        self._hub = f"{self._stem}-hub"
        self._made: list[str] = []
        self._camp = camp
        self.nodes: dict[str, Running] = {}

    def namespace(self, name: str) -> str:
        return f"{self._stem}-{name}"

    def host(self, name: str) -> str:
        return f"10.77.0.{1 + NAMES.index(name)}"

    def build(self) -> None:
        self._add(self._hub)
        ip("-n", self._hub, "link", "add", "br0", "type", "bridge")
        ip("-n", self._hub, "link", "set", "br0", "up")
        for name in NAMES:
            there = self.namespace(name)
            self._add(there)
            ip("-n", there, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", self._hub)
            self._address(name)
            self.plug(name)

    def _add(self, namespace: str) -> None:
        ip("netns", "add", namespace)
        self._made.append(namespace)
        ip("-n", namespace, "link", "set", "lo", "up")

    def _address(self, name: str) -> None:
        there = self.namespace(name)
        ip("-n", there, "address", "add", f"{self.host(name)}/24", "dev", "eth0")
        ip("-n", there, "link", "set", "eth0", "up")

    def plug(self, name: str) -> None:
        """Put the cable of that machine in, whichever way it was taken out."""
        ip("-n", self._hub, "link", "set", "dev", name, "master", "br0")
        ip("-n", self._hub, "link", "set", "dev", name, "up")

    def cut(self, name: str, *, is_noticed: bool) -> None:
        """Cut a machine off; when it is noticed, the carrier is lost, else frames go nowhere."""
        ip("-n", self._hub, "link", "set", "dev", name, *(["down"] if is_noticed else ["nomaster"]))

    def start(self) -> None:
        """Start the nodes, each in a folder of its own: they find each other over the network alone."""
        for number, name in enumerate(NAMES):
            peers = [f"--connect={self.host(other)}:{PORT}" for other in NAMES[:number]]
            self.nodes[name] = self._camp.start(
                "start", "--name", name, "--events", "--listen", f"{self.host(name)}:{PORT}",
                "--discover", "static", *peers, within=("ip", "netns", "exec", self.namespace(name)),
            )  # fmt: skip

    def meet(self) -> None:
        """Wait until each of the nodes sees all of them up."""
        for node in self.nodes.values():
            node.address()
        # What is told begins only when a node is up; the first it sees of others may have been before that.
        eventually(self.are_whole, what="the meeting of the three")

    def are_whole(self) -> bool:
        return all(self.is_whole(name) for name in NAMES)

    def is_whole(self, teller: str) -> bool:
        ran = subprocess.run(
            ["ip", "netns", "exec", self.namespace(teller), *self._asking(teller)],
            env=self._camp.environ, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return ran.stdout.count(",up,") == len(NAMES) if ran.returncode == 0 else False

    def _asking(self, teller: str) -> list[str]:
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from eye.clock import SystemClock\n"
            "from eye.cluster.registry import NODES\n"
            "from eye.cluster.security import load_cookie\n"
            "from eye.cluster.switchboard import Switchboard\n"
            "board = Switchboard(load_cookie(Path(sys.argv[1])), SystemClock())\n"
            "for one in board.request(sys.argv[2], NODES, timeout=2.0).members:\n"
            "    print(f'{one.name},{one.status.value},')\n"
        )
        return [sys.executable, "-c", code, str(self._camp.cookie_file), f"{self.host(teller)}:{PORT}"]

    def told(self, teller: str, since: int = 0) -> list[dict[str, object]]:
        return self.nodes[teller].records[since:]

    def close(self) -> None:
        for node in self.nodes.values():
            node.end()
        for namespace in self._made:
            ip("netns", "delete", namespace)


# ------------------------------------------------------------------------------------ a slow wire


_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h
_CLONE_NEWNET = 0x40000000


def open_tap(namespace: str, device: str) -> int:
    """Make a TAP device within a namespace, and answer its descriptor."""
    found: list[int | OSError] = []

    def enter() -> None:  # only this thread enters the namespace
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            there = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if libc.setns(there, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(there)
            tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TAP | _IFF_NO_PI))
            found.append(tap)
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]


class SlowMachines(Machines):
    """The same three, but what one of them says reaches the others late, and the other way round."""

    def __init__(self, camp: Camp, delay: float) -> None:
        super().__init__(camp)
        self._delay = delay
        self._taps: list[int] = []
        self._is_closed = False
        self._thread = threading.Thread(target=self._carry, name="slow-wire", daemon=True)

    def build(self) -> None:
        for name in NAMES:
            self._add(self.namespace(name))
            self._taps.append(open_tap(self.namespace(name), "eth0"))
            self._address(name)
        self._thread.start()

    def _carry(self) -> None:
        on_its_way: deque[tuple[float, int, bytes]] = deque()  # one delay for all, so in the order of their due
        with selectors.DefaultSelector() as selector:
            for tap in self._taps:
                selector.register(tap, selectors.EVENT_READ)
            while not self._is_closed:
                for key, _ in selector.select(0.005):
                    try:
                        on_its_way.append((time.monotonic() + self._delay, key.fd, os.read(key.fd, 65536)))
                    except BlockingIOError:
                        pass
                while on_its_way and on_its_way[0][0] <= time.monotonic():
                    _, source, frame = on_its_way.popleft()
                    for tap in self._taps:
                        if tap != source:
                            os.write(tap, frame)

    def close(self) -> None:
        for node in self.nodes.values():
            node.end()
        self._is_closed = True
        if self._thread.ident is not None:
            self._thread.join(10.0)
        for tap in self._taps:
            os.close(tap)
        super().close()


# ------------------------------------------------------------------------------------ what happens


class World:
    """Three clusters that do not know of each other, and live at the same time to save time."""

    def __init__(self, folder: Path) -> None:
        self._camps = {name: Camp(folder / name) for name in ("noticed", "silent", "slow")}
        self.noticed, self.silent = Machines(self._camps["noticed"]), Machines(self._camps["silent"])
        self.slow = SlowMachines(self._camps["slow"], delay=0.2)
        self.told_before: dict[Machines, dict[str, int]] = {}
        self.healed_at = 0.0
        self.has_taps = os.access("/dev/net/tun", os.R_OK | os.W_OK)

    def build(self) -> None:
        villages = [self.noticed, self.silent, *([self.slow] if self.has_taps else [])]
        for village in villages:
            village.build()
            village.start()
        for village in villages:
            village.meet()

    def suffer(self) -> None:
        """Cut one machine off in two of the clusters, wait, and heal; that long the third lives with its wire."""
        self.told_before = {
            village: {name: len(village.nodes[name].out) for name in NAMES}
            for village in (self.noticed, self.silent)
        }
        self.noticed.cut("c", is_noticed=True)
        self.silent.cut("c", is_noticed=False)
        time.sleep(max(CUT, _CALM))  # this is how long it lasts, not how long we are patient
        self.noticed.plug("c")
        self.silent.plug("c")
        self.healed_at = time.time()

    def close(self) -> None:
        for village in (self.noticed, self.silent, self.slow):
            village.close()
        for camp in self._camps.values():
            camp.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    try:
        world.build()
        world.suffer()
        yield world
    finally:
        world.close()


def status_changes(records: list[dict[str, object]]) -> dict[str, list[str]]:
    """What was told of each node, in that order."""
    changes: dict[str, list[str]] = {}
    for record in records:
        if str(record["what"]).startswith("node_"):
            changes.setdefault(str(record["node"]), []).append(str(record["what"]).removeprefix("node_"))
    return changes


@pytest.mark.parametrize("kind", ["noticed", "silent"])
def test_a_machine_that_is_cut_off_is_suspected_then_down_then_up_and_no_process_notices(
    world: World, kind: str
) -> None:
    village: Machines = getattr(world, kind)
    expected = {"a": {"c"}, "b": {"c"}, "c": {"a", "b"}}

    for teller, others in expected.items():

        def changes(teller: str = teller) -> dict[str, list[str]]:
            return status_changes(village.told(teller, world.told_before[village][teller]))

        wanted = {other: ["suspect", "down", "up"] for other in others}
        with contextlib.suppress(AssertionError):
            eventually(lambda: changes() == wanted, _BACK)  # noqa: B023
        assert changes() == wanted, f"as seen by {teller}"
    for name, node in village.nodes.items():
        took = float(str(village.told(name)[-1]["at"])) - world.healed_at
        log.info("%s: all are back after %.2f s", village.namespace(name), took)  # --log-cli-level=info
        assert took < _BACK
        assert OUR_OWN.isdisjoint(str(record["what"]) for record in village.told(name))
        assert "Traceback" not in "".join(node.err)


def test_nobody_is_suspected_on_a_wire_that_takes_200_ms_each_way(world: World) -> None:
    if not world.has_taps:
        pytest.skip("no TAP devices here")

    for name in NAMES:
        said = [str(record["what"]) for record in world.slow.told(name)]
        assert not {"node_suspect", "node_down", "node_left"} & set(said), said
        assert OUR_OWN.isdisjoint(said)
    assert world.slow.are_whole()
