"""A whole node, for real: each of its processes may crash, and whoever looks goes on seeing."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from eye.cluster.node import Address
from eye.errors import (
    ActionRefused,
    AddressInUse,
    CookieUnusable,
    NameTaken,
    NodeDown,
    UnknownNode,
    UnknownProcess,
)
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.supervision import introspection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

KILL = frozenset({"kill"})


class Village:
    """Nodes of one test, in a folder of their own, all stopped at its end."""

    def __init__(self, folder: Path) -> None:
        self.environ = {"XDG_CONFIG_HOME": str(folder / "config"), "EYE_FOLDER": str(folder / "run")}
        self.nodes: list[Node] = []

    def start(self, name: str, **settings: Any) -> Node:
        observer = settings.pop("observer", False)
        settings.setdefault("interval", 0.2)
        node = Node.start(NodeConfig(name, **settings), environ=self.environ, observer=observer)
        self.nodes.append(node)
        return node


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    before = set(threading.enumerate())
    village = Village(tmp_path)
    yield village
    for node in reversed(village.nodes):
        node.stop()
    eventually(lambda: not [t for t in threading.enumerate() if t not in before and t.is_alive()])


def eventually(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until something is true; a deadline, not a duration."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


def status(node: Node, of: str) -> str | None:
    return next((one.status for one in node.view.nodes() if one.name == of), None)


def serial(node: Node, path: str) -> int:
    def find(tree: dict[str, Any]) -> int:
        if tree["path"] == path and tree["status"] == "running":
            return int(tree["serial"])
        return max((find(child) for child in tree["children"]), default=0)

    return max((find(tree) for tree in introspection.trees(node.system)), default=0)


def test_two_nodes_find_each_other_with_no_option_at_all(village: Village) -> None:
    a, b = village.start("a"), village.start("b")

    eventually(lambda: status(a, "b") == "up" and status(b, "a") == "up")
    nodes = a.view.fresh(5.0)
    assert [node.name for node in nodes] == ["a", "b"]
    assert all(node.host is not None and node.process is not None for node in nodes)


def test_a_figure_of_the_program_is_seen_by_the_others_and_survives_a_crash_of_its_group(village: Village) -> None:
    a, b = village.start("a"), village.start("b")
    b.gauge("orders", lambda: 7, help="Orders that wait", unit="count")
    eventually(lambda: status(a, "b") == "up")

    def told() -> Any:
        return next((one for one in a.view.fresh() if one.name == "b" and one.custom), None)

    eventually(told)
    assert (told().custom, told().about) == ({"orders": 7}, {"orders": ("Orders that wait", "count", "gauge")})
    b.counter("served", lambda: 4711)
    eventually(lambda: told() and told().custom == {"orders": 7, "served": 4711} and "served" in told().about)
    before = serial(b, "/eye/local/figures/asker")
    b.system.whereis("eye.local").kill()
    eventually(lambda: serial(b, "/eye/local/figures/asker") > before)
    eventually(lambda: told() and told().custom == {"orders": 7, "served": 4711} and status(a, "b") == "up")
    recent = b.view.recent("b", ["custom.orders"], seconds=60.0, step=60.0)
    assert (7.0, 7.0, 7.0) in (point and tuple(point) for point in recent["points"]["custom.orders"])


def test_whoever_is_connected_to_one_gets_to_know_all(village: Village) -> None:
    a = village.start("a", discover=("static",))
    b = village.start("b", discover=("static",), connect=(a.address,))
    c = village.start("c", discover=("static",), connect=(a.address,))

    eventually(lambda: status(b, "c") == "up" and status(c, "b") == "up")


def test_a_node_that_stops_in_good_order_is_gone_at_once(village: Village) -> None:
    a, b = village.start("a"), village.start("b")
    eventually(lambda: status(a, "b") == "up")

    b.stop()

    eventually(lambda: status(a, "b") is None)  # one that is down is listed for an hour


CRASHES = [
    "/eye/local/pubsub",
    "/eye/local/sampler",
    "/eye/cluster/interconnect",
    "/eye/cluster/members",
    "/eye/cluster/discovery",
    "/eye/observing/nodes",
    "/eye/observing/roster",
    "/eye/observing/nodes/b",
    "/eye/local",
    "/eye/cluster",
    "/eye/observing",
]


@pytest.mark.parametrize("path", CRASHES)
@pytest.mark.parametrize("reason", ["a bug", "kill"])
def test_whatever_crashes_comes_back_and_the_view_goes_on(village: Village, path: str, reason: str) -> None:
    logging.getLogger("eye").setLevel(logging.CRITICAL)
    a, b = village.start("a", allow=KILL), village.start("b")
    eventually(lambda: status(a, "b") == "up")
    a.view.fresh(5.0)
    before = serial(a, path)

    a.view.crash("a", path, reason)

    eventually(lambda: serial(a, path) not in (0, before))
    address = a.address
    eventually(lambda: status(a, "b") == "up" and status(b, "a") == "up")
    eventually(lambda: all(node.process is not None for node in a.view.fresh(1.0)))
    # Fresh, not left over: both have been asked again since.
    now = a.view.now()
    eventually(lambda: all((node.seen_at or 0) > now for node in a.view.fresh(1.0)))
    assert a.address == address
    assert "restart" in introspection.as_text(a.view.tree("a")["tree"])
    logging.getLogger("eye").setLevel(logging.NOTSET)


def test_a_process_of_another_node_is_crashed_only_if_that_node_allows_it(village: Village) -> None:
    a, b = village.start("a"), village.start("b", allow=KILL)
    eventually(lambda: status(a, "b") == "up" and status(b, "a") == "up")
    before = serial(b, "/eye/local/sampler")

    assert a.view.crash("b", "sampler") == "/eye/local/sampler"

    eventually(lambda: serial(b, "/eye/local/sampler") not in (0, before))
    with pytest.raises(ActionRefused, match="--allow kill"):
        b.view.crash("a", "sampler")
    with pytest.raises(UnknownProcess, match="nonsense"):
        a.view.crash("b", "nonsense")


def test_the_tree_of_another_node_is_drawn(village: Village) -> None:
    a, b = village.start("a"), village.start("b")
    eventually(lambda: status(a, "b") == "up")

    document = a.view.tree("b")

    assert (document["version"], document["node"]) == (1, "b")
    assert [child["id"] for child in document["tree"]["children"]] == ["local", "cluster"]
    assert b.is_alive


def test_who_is_not_there_is_said_in_one_sentence(village: Village) -> None:
    a = village.start("a")

    with pytest.raises(UnknownNode, match="no node named 'zz'; known are: a"):
        a.view.tree("zz")


def test_a_name_that_a_live_node_has_is_refused(village: Village) -> None:
    a = village.start("a")

    with pytest.raises(NameTaken, match=f"already running at {a.address}"):
        village.start("a")
    with pytest.raises(NameTaken, match="already running"):
        village.start("a", discover=("static",), connect=(a.address,))


def test_a_name_is_free_again_when_its_node_has_stopped(village: Village) -> None:
    first = village.start("a")
    first.stop()

    assert village.start("a").boot != first.boot


def test_a_port_in_use_is_said_in_one_sentence(village: Village) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=str(port)):
            village.start("a", listen=Address("127.0.0.1", port))


def test_a_cookie_that_others_can_read_is_refused(village: Village, tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_text("x" * 64)
    cookie.chmod(0o644)

    with pytest.raises(CookieUnusable, match="chmod 600"):
        village.start("a", cookie_file=cookie)


def test_nodes_with_different_cookies_do_not_meet(village: Village, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_text(name.ljust(64, "-"))
        (tmp_path / name).chmod(0o600)
    a = village.start("a", cookie_file=tmp_path / "one")
    b = village.start("b", cookie_file=tmp_path / "other", connect=(a.address,))

    assert [node.name for node in a.view.fresh(0.5)] == ["a"]
    assert [node.name for node in b.view.fresh(0.5)] == ["b"]


def test_OB_05_an_observer_sees_and_is_not_seen(village: Village) -> None:
    a = village.start("a")
    eye = village.start("eye", observer=True)

    eventually(lambda: status(eye, "a") == "up")
    nodes = eye.view.fresh(5.0)
    assert [node.name for node in nodes] == ["a"]
    assert nodes[0].host is not None
    assert [node.name for node in a.view.nodes()] == ["a"]
    assert eye.system.whereis("eye.sampler") is None  # nobody asks how it is


def test_OB_05_an_observer_switches_from_node_to_node_each_observer_at_its_own_beat(village: Village) -> None:
    for name in ("a", "b"):
        village.start(name)
    quick = village.start("quick", observer=True, interval=0.2)
    slow = village.start("slow", observer=True, interval=60.0)
    for eye in (quick, slow):
        eventually(lambda eye=eye: status(eye, "a") == status(eye, "b") == "up")

    seen = [quick.view.tree(name)["node"] for name in ("a", "b", "a")]
    at_first = {eye: eye.view.fresh(5.0)[0].seen_at for eye in (quick, slow)}

    def asked_again(eye: Node) -> bool:
        eye.view.look()
        return eye.view.nodes()[0].seen_at != at_first[eye]

    assert seen == ["a", "b", "a"]
    eventually(lambda: asked_again(quick))
    assert not asked_again(slow)


def test_down_nodes_are_not_asked(village: Village) -> None:
    a, b = village.start("a"), village.start("b")
    eventually(lambda: status(a, "b") == "up")
    # Not `stop`: a node that dies says goodbye to nobody.
    engine = b._parts.engine.put(None)
    assert engine is not None
    engine.close()

    # 20 s: at once if the connection to it stood, after 10 s of silence if it was just being made.
    eventually(lambda: status(a, "b") == "down", 20.0)
    with pytest.raises(NodeDown):
        a.view.tree("b")
