"""What `create_blueprint` can be told, checked when it is told.

A wrong value fails where it was written, with a sentence, and not at the first request of somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eye.errors import ConfigError
from eye.web.guards import origin_of

if TYPE_CHECKING:
    from eye.web.login import Login
    from eye.web.publisher import Publisher

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ANCESTOR = re.compile(r"'self'|'none'|[a-z][a-z0-9+.-]*:|(https?://)?[A-Za-z0-9*.:\[\]-]+")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]+")
_SECRET = 16  # characters
_OF_VIEW = ("nodes", "look", "fresh", "tree", "now", "node_name")


MOST_VIEWERS = 200
"""How many may watch at a time, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Options:
    """The checked options; `create_blueprint` says what each means."""

    name: str
    authorize: Callable[..., Any] | None
    origins: tuple[str, ...]
    frame_ancestors: tuple[str, ...]
    max_clients: int
    metrics_text: Callable[[], str] | None
    run_hub: Callable[[Publisher], object] | None
    timeout: float
    actions: str | None = None
    hosts: tuple[str, ...] | None = None
    links: bool | str = False
    link_secret: bytes | None = None
    login: Login | None = None

    def __post_init__(self) -> None:
        check(_NAME.fullmatch(self.name), "name", "a word of letters, digits, - and _", self.name)
        for option in ("authorize", "metrics_text", "run_hub"):
            value = getattr(self, option)
            check(value is None or callable(value), option, "a function or None", value)
        for origin in self.origins:
            whole = origin_of(origin) is not None and origin.count("/") == 2
            check(whole, "origins", "origins such as 'https://example.org' (no path, no '*')", origin)
        for ancestor in self.frame_ancestors:
            named = isinstance(ancestor, str) and _ANCESTOR.fullmatch(ancestor)
            check(named, "frame_ancestors", "CSP sources such as \"'self'\" or 'https://example.org'", ancestor)
        whole_number = isinstance(self.max_clients, int) and not isinstance(self.max_clients, bool)
        check(whole_number and self.max_clients >= 1, "max_clients", "a whole number >= 1", self.max_clients)
        number = isinstance(self.timeout, (int, float)) and not isinstance(self.timeout, bool)
        check(number and 0 < self.timeout <= 60, "timeout", "seconds > 0 and <= 60", self.timeout)
        secret = self.actions is None or (isinstance(self.actions, str) and len(self.actions) >= _SECRET)
        check(secret, "actions", f"a secret of at least {_SECRET} characters, or None", "what it was given")
        check_hosts(self.hosts or ())
        is_right = isinstance(self.links, bool) or (isinstance(self.links, str) and len(self.links) >= _SECRET)
        check(is_right, "links", f"True, False, or a secret of at least {_SECRET} characters", "what it was given")
        if self.links and self.actions is None:
            raise ConfigError("create_blueprint: links needs actions=TOKEN too: who has the token may make links")


def strings(option: str, value: Iterable[str]) -> tuple[str, ...]:
    """Take a list of texts; one text alone, which Python would take apart letter by letter, is refused."""
    check(not isinstance(value, (str, bytes)) and isinstance(value, Iterable), option, "a list of texts", value)
    return tuple(value)


def is_host(host: object) -> bool:
    """Tell whether that is a name, an address or `*.example.org`."""
    return isinstance(host, str) and _HOST.fullmatch(host) is not None


def check_hosts(hosts: Iterable[object]) -> None:
    """Refuse what is no name that a view can be reached under."""
    for host in hosts:
        check(
            is_host(host), "hosts", "names such as 'eye.example.org' or '*.example.org' (no port, no path)", host
        )


def view_of(node_or_view: Any) -> Any:
    """Find the view: what was given, or its attribute `view` (a node has one)."""
    view = getattr(node_or_view, "view", node_or_view)
    missing = [part for part in _OF_VIEW if not hasattr(view, part)]
    if missing:
        raise ConfigError(
            f"create_blueprint: the first argument must be a node or a view, not {node_or_view!r}, "
            f"which has no {missing[0]!r}"
        )
    return view


def check(is_right: object, option: str, allowed: str, value: object) -> None:
    """Refuse an option.

    Raises:
        ConfigError: unless `is_right`.
    """
    if not is_right:
        raise ConfigError(f"create_blueprint: {option} must be {allowed}, not {value!r}")
