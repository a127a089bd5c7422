"""How a web view is served: what goes together, and what is refused before a node starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from eye.cli.serving import Serving, check
from eye.cluster.node import Address

ALONE = Serving(None, None, None, (), None, False, 200, 0)
HERE, EVERYWHERE = Address("127.0.0.1", 8080), Address("0.0.0.0", 8080)


@pytest.mark.parametrize(
    ("address", "options", "says"),
    [
        (EVERYWHERE, {}, "--web-login none if everybody may"),
        (EVERYWHERE, {"cert": Path("c")}, "--web-login token:FILE"),
        (HERE, {"key": Path("k")}, "--web-key goes with --web-cert"),
        (HERE, {"links": True}, "--web-links goes with --web-actions FILE"),
        (EVERYWHERE, {"login": ""}, "--web-login must be token:FILE, basic:FILE or none, not ''"),
        (HERE, {"login": "token:"}, "--web-login must be token:FILE, basic:FILE or none, not 'token:'"),
        (HERE, {"login": "secret"}, "not 'secret'"),
        (HERE, {"name": ("eye.example.org", "a b")}, "--web-name must be as .*, not 'a b'"),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_sentence(
    address: Address, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(click.UsageError, match=says):
        check(ALONE._replace(**options), address)


@pytest.mark.parametrize(
    ("address", "options", "warns"),
    [
        (HERE, {}, False),
        (HERE, {"login": "token:f", "actions": Path("a"), "links": True}, False),
        (EVERYWHERE, {"login": "none"}, True),
        (EVERYWHERE, {"login": "basic:f", "proxies": 1}, False),
        (EVERYWHERE, {"login": "basic:f", "cert": Path("c")}, False),
    ],
)
def test_what_is_not_encrypted_beyond_this_machine_is_said_so(
    address: Address, options: dict[str, Any], warns: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    check(ALONE._replace(**options), address)

    assert ("unencrypted: give it --web-cert" in capsys.readouterr().err) is warns
