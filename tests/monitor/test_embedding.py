"""A node in somebody else's program: what the arguments, else the variables, say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import eye
from eye.errors import BadRules, ConfigError, EyeError
from eye.monitor.config import DISCOVERY, MOST_NODES, NodeConfig
from eye.testing import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EYE_FOLDER", str(tmp_path / "run"))
    monkeypatch.setenv("EYE_COOKIE_FILE", str(tmp_path / "cookie"))
    yield
    eye.stop_node()


def test_one_node_a_program() -> None:
    node = eye.start_node("orders")

    assert eye.start_node() is eye.start_node("orders") is node
    with pytest.raises(ConfigError, match="already runs the node 'orders'"):
        eye.start_node("payments")
    eye.stop_node()
    assert eye.start_node("payments").name == "payments"


def test_what_nobody_says_is_the_usual() -> None:
    config = eye.start_node("orders").config

    assert (config.discover, config.max_nodes, config.is_seed, config.tls) == (
        DISCOVERY,
        MOST_NODES,
        False,
        "auto",
    )
    assert config.rights == {"read", "gc", "silence"}


def test_variables_say_what_arguments_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "EYE_NAME": "orders", "EYE_SEED": "yes", "EYE_MAX_NODES": "7", "EYE_ALLOW": "kill call", "EYE_DENY": "gc",
        "EYE_DISCOVER": "local", "EYE_TLS": "always", "EYE_ADVERTISE": "10.0.0.5:4711",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    config = eye.start_node(max_nodes=9).config

    assert (config.name, config.is_seed, config.max_nodes) == ("orders", True, 9)
    assert (config.discover, config.tls, config.advertise) == (("local",), "always", "10.0.0.5:4711")
    assert config.rights == {"read", "silence", "kill", "call"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("EYE_SEED", "perhaps", "EYE_SEED must be one of"),
        ("EYE_MAX_NODES", "many", "EYE_MAX_NODES must be a whole number"),
        ("EYE_ALLOW", "everything", "allow must be some of"),
        ("EYE_LISTEN", "everywhere", "listen: an address is"),
        ("EYE_TLS", "perhaps", "tls must be one of"),
        ("EYE_DISCOVER", "by-magic", "discover: "),
        ("EYE_TLS_CERT", "/only/one", "go together"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(EyeError, match=words):
        eye.start_node("orders")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"name": ""}, "a node's name is"),
        ({"interval": 0.0}, "interval must be"),
        ({"interval": float("nan")}, "interval must be"),
        ({"connect": ("host",)}, "connect: an address is"),
        ({"connect": ("host:0",)}, "port 0, where nobody listens"),
        ({"advertise": "host"}, "advertise: an address is"),
        ({"deny": frozenset({"x"})}, "deny must be some of"),
        ({"max_nodes": 0}, "max_nodes must be 1"),
        ({"tls": "x"}, "tls must be one of auto, always, off"),
        ({"discover": ("dns",)}, "discover: "),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_before_anything_starts(
    setting: dict[str, Any], words: str
) -> None:
    with pytest.raises(EyeError, match=words):
        NodeConfig(**{"name": "a", **setting})


@pytest.mark.e2e
def test_a_program_asks_alert_rules_if_it_wants_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "EYE_FOLDER"):
        monkeypatch.setenv(name, str(tmp_path / name))
    rules = tmp_path / "rules.toml"
    rules.write_text('[rules.alive]\nwhen = "processes > 0 for tea"')
    with pytest.raises(BadRules, match="line 2, column 27"):
        eye.start_node("orders", alerts=rules)

    rules.write_text('[rules.alive]\nwhen = "processes > 0"\n[sinks.log]\nenabled = false')
    monkeypatch.setenv("EYE_ALERTS", str(rules))
    node = eye.start_node("orders")
    try:
        until(lambda: any(one["rule"] == "alive" for one in node.view.alerts()))
    finally:
        eye.stop_node()
