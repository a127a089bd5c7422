"""What a person may write after `--discover`, what is made of it, and what is said of anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eye.cluster import discovery
from eye.cluster.discovery.dns import DnsDiscovery, SrvDiscovery
from eye.cluster.discovery.local import LocalDiscovery
from eye.cluster.discovery.multicast import GROUP, GROUP6, MulticastDiscovery
from eye.cluster.discovery.static import StaticDiscovery
from eye.cluster.security import Cookie
from eye.errors import BadAddress, BadDiscovery, FolderUnusable

if TYPE_CHECKING:
    from pathlib import Path

COOKIE = Cookie("the cookie of our own cluster, long enough")


def make(folder: Path, *texts: str, connect: tuple[str, ...] = ()) -> tuple[discovery.Strategy, ...]:
    return discovery.make(texts, cookie=COOKIE, folder=folder, connect=connect)


# ------------------------------------------------------------------------------------ what there is


@pytest.mark.parametrize(
    "text",
    [
        "local",
        "static",
        "multicast",
        "multicast:239.1.2.3",
        "multicast:239.1.2.3:4711",
        "multicast:224.0.0.1:1",
        "multicast:239.1.2.3:65535",
        "multicast:[ff02::1234]",
        "multicast:[ff02::1234]:45892",
        "multicast:[FF05::1]:45892",
        "dns:eye:4711",
        "dns:eye.default.svc.cluster.local:4711",
        "dns:eye.example.org.:1",
        "dns:my_service-2:65535",
        "dns:10.0.0.5:4711",
        "dns:srv.:4711",
        "dns:srv.example.org:4711",
        "dns:srv:_eye._tcp.eye.default.svc.cluster.local",
        "dns:srv:eye.service.consul",
    ],
)
def test_what_is_documented_is_accepted_as_it_is(text: str) -> None:
    assert discovery.check(text) == text


NONE = "there is no such way of finding nodes"
GROUPS = r"after multicast: comes a group such as 239\.255\.77\.69 or \[ff02::4d45\], and perhaps its port"
HOSTS = "after dns: come a host name and the port that the nodes listen at"
RECORDS = r"after dns:srv: comes the name of an SRV record, _eye\._tcp\.example\.org"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", NONE),
        ("gossip", NONE),
        ("LOCAL", NONE),
        (" local", NONE),
        ("local static", NONE),
        ("10.0.0.5:4711", NONE),
        ("kubernetes:eye", NONE),
        ("local:", "local takes nothing after it"),
        ("local:/run/eye", "local takes nothing after it"),
        ("static:10.0.0.5:4711", "static takes nothing after it"),
        ("multicast:", GROUPS),
        ("multicast:eye", GROUPS),
        ("multicast:4711", GROUPS),
        ("multicast::4711", GROUPS),
        ("multicast:239.1.2", GROUPS),
        ("multicast:239.1.2.3:", GROUPS),
        ("multicast:239.1.2.3:0", GROUPS),
        ("multicast:239.1.2.3:65536", GROUPS),
        ("multicast:239.1.2.3:x", GROUPS),
        ("multicast:239.1.2.3:1:2", GROUPS),
        ("multicast:239.1.2.3:" + "9" * 5000, GROUPS),
        ("multicast:ff02::1234", GROUPS),
        ("multicast:ff02::1234:45892", GROUPS),
        ("multicast:[ff02::1234", GROUPS),
        ("multicast:[ff02::1234]x", GROUPS),
        ("multicast:[ff02::1234]:0", GROUPS),
        ("multicast:[ff02::1%eth0]", GROUPS),
        ("multicast:unix:/run/eye.sock", GROUPS),
        ("multicast:٢٣٩.1.2.3", GROUPS),
        ("multicast:10.0.0.5", r"10\.0\.0\.5 is no multicast group: those begin with 224 to 239, or ff"),
        ("multicast:127.0.0.1:4711", r"127\.0\.0\.1 is no multicast group"),
        ("multicast:[fe80::1]:4711", "fe80::1 is no multicast group"),
        ("dns", HOSTS),
        ("dns:", HOSTS),
        ("dns:eye", HOSTS),
        ("dns:eye:", HOSTS),
        ("dns::4711", HOSTS),
        ("dns:eye:0", HOSTS),
        ("dns:eye:65536", HOSTS),
        ("dns:eye:" + "9" * 5000, HOSTS),
        ("dns:eye:-1", HOSTS),
        ("dns:eye:٤٧", HOSTS),
        ("dns:my eye:4711", HOSTS),
        ("dns:eye\0:4711", HOSTS),
        ("dns:eye\x1b[2J:4711", HOSTS),
        ("dns:me@eye:4711", HOSTS),
        ("dns:http://eye:4711", HOSTS),
        ("dns:[::1]:4711", HOSTS),
        ("dns:" + "x" * 254 + ":4711", HOSTS),
        ("dns:srv", HOSTS),
        ("dns:srv:", RECORDS),
        ("dns:srv:_eye._tcp.example.org:4711", RECORDS),
        ("dns:srv:_eye _tcp", RECORDS),
        ("dns:srv:4711", r"a host that is called srv is written dns:srv\.:PORT"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong_and_what_there_is(text: str, problem: str) -> None:
    with pytest.raises(BadDiscovery, match=problem) as refused:
        discovery.check(text)

    assert repr(text) in str(refused.value)
    assert "There are: local, static, multicast, multicast:GROUP:PORT, dns:NAME:PORT, dns:srv:NAME" in str(
        refused.value
    )
    assert "\x1b" not in str(refused.value)
    assert "\0" not in str(refused.value)


@given(
    st.text()
    | st.builds(
        ":".join,
        st.lists(
            st.sampled_from(
                ["dns", "srv", "multicast", "static", "local", "[ff02::1]", "239.1.2.3", "eye", "", "80"]
            )
            | st.text("0123456789.[]:%af\0 ٣", max_size=12),
            max_size=5,
        ),
    )
)
@example("multicast:[")
@example("multicast:" + "9" * 5000)
def test_any_text_is_a_strategy_or_refused_and_nothing_else(text: str) -> None:
    try:
        checked = discovery.check(text)
    except BadDiscovery as refused:
        checked = refused.text
    assert checked == text


# ------------------------------------------------------------------------------------ what is made


def test_each_text_makes_its_strategy_in_their_order(tmp_path: Path) -> None:
    made = make(
        tmp_path / "nodes", "dns:eye:4711", "local", "static", "multicast", "dns:srv:_eye._tcp.example.org",
        connect=("10.0.0.5:4711",),
    )  # fmt: skip

    assert [type(one) for one in made] == [
        DnsDiscovery, LocalDiscovery, StaticDiscovery, MulticastDiscovery, SrvDiscovery
    ]  # fmt: skip
    assert [str(one) for one in made] == [
        "dns discovery of eye:4711",
        f"local discovery in {tmp_path / 'nodes'}",
        "static discovery",
        "multicast discovery",
        "dns discovery of SRV _eye._tcp.example.org",
    ]
    assert made[2].find() == {"10.0.0.5:4711"}


def test_what_is_written_twice_is_made_once(tmp_path: Path) -> None:
    assert len(make(tmp_path, "dns:eye:1", "dns:eye:1", "dns:eye:2")) == 2


def test_static_without_an_address_is_none(tmp_path: Path) -> None:
    assert make(tmp_path, "static") == ()
    assert make(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("multicast", [(GROUP, 45892), (GROUP6, 45892)]),
        ("multicast:239.1.2.3", [("239.1.2.3", 45892)]),
        ("multicast:239.1.2.3:4711", [("239.1.2.3", 4711)]),
        ("multicast:[ff02::1234]", [("ff02::1234", 45892)]),
        ("multicast:[ff02::1234]:4711", [("ff02::1234", 4711)]),
    ],
)
def test_where_multicast_meets(tmp_path: Path, text: str, groups: list[tuple[str, int]]) -> None:
    (made,) = make(tmp_path, text)

    assert isinstance(made, MulticastDiscovery)
    assert [(str(group), port) for group, port in made._groups] == groups


def test_nothing_is_made_where_one_of_them_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadDiscovery):
        make(tmp_path / "nodes", "local", "multicast", "gossip")

    assert not (tmp_path / "nodes").exists()


def test_what_a_strategy_itself_refuses_comes_through(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FolderUnusable):
        make(tmp_path / "file", "multicast", "local")
    with pytest.raises(BadAddress):
        make(tmp_path, "static", connect=("nonsense",))
