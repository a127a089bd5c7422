"""A login of our own, for a view that serves itself: a page and a cookie for people, a header for programs.

    a browser       GET /  -> the login page -> POST /login -> a cookie (HttpOnly, SameSite=Strict), for a week
    a program       Authorization: Bearer TOKEN, or Basic NAME:PASSWORD

The cookie is a seal and nothing is kept here: it ends with its time, with the password it was given for, or at
POST /logout in that browser. Whoever guesses is slowed down, each address for itself.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.datastructures import WWWAuthenticate

from eye.web import assets, guards
from eye.web.answers import sentence
from eye.web.seals import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.web.secret_files import Passwords, Token

_log = logging.getLogger("eye.web")

LASTS = 7 * 86_400
"""Seconds that a browser stays logged in."""

_MOST_TRIES, _PAUSE = 5, 30.0  # wrong ones; then seconds of rest
_MOST_REMEMBERED = 1_000  # addresses
_MOST_BODY = 4_096  # bytes
_PROGRAM_KEPT = 300.0  # seconds that a program's password is not hashed again
_PURPOSE = "login"


class Tries:
    """Counts who was wrong, by address: five in a row, and it rests for half a minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._wrong: dict[str, tuple[int, float]] = {}

    def wait(self, address: str) -> float:
        """Answer how many seconds this address has to wait for its next try."""
        with self._lock:
            count, last = self._wrong.get(_network(address), (0, 0.0))
            return max(0.0, last + _PAUSE - self._now()) if count >= _MOST_TRIES else 0.0

    def was_wrong(self, address: str) -> int:
        """Count it, and answer how many there were in a row."""
        with self._lock:
            key = _network(address)
            count, last = self._wrong.pop(key, (0, 0.0))
            count = 1 if self._now() - last > 2 * _PAUSE else count + 1
            self._wrong[key] = count, self._now()
            while len(self._wrong) > _MOST_REMEMBERED:
                del self._wrong[next(iter(self._wrong))]  # the one that has been quiet longest
            return count

    def was_right(self, address: str) -> None:
        with self._lock:
            self._wrong.pop(_network(address), None)


class Login:
    """Tells who somebody is. One for each blueprint; called on the threads of the server."""

    def __init__(self, doors: Token | Passwords, secret: bytes, name: str, now: Callable[[], float]) -> None:
        self.doors, self._secret, self._now = doors, secret, now
        self._cookie = f"{name}-login"
        self.tries = Tries()
        self._said = guards.Once()
        self._one_at_a_time = threading.Lock()  # a hash takes 30 MB on purpose
        self._programs: dict[bytes, tuple[str, float]] = {}
        self._key = secrets.token_bytes(32)

    def who(self) -> str | None:
        """Answer who sent this request, by its cookie or its header. Wrong headers are counted."""
        return self._by_cookie() or self._by_header()

    def refusal(self, endpoint: str) -> Any:
        """Answer what is sent instead: the login page to a person, a status to a program."""
        if (wait := self.tries.wait(request.remote_addr or "")) > 0:
            return _too_soon(wait)
        if endpoint == "page" and request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            query = request.query_string.decode("latin-1")
            return redirect(f"login{'?' if query else ''}{query}", code=303)
        response = sentence(
            401, "log in first (reload the page); a program sends its token or password as Authorization"
        )
        # A browser would ask with a box of its own for what the page asks for, so only programs are told how.
        if "Sec-Fetch-Site" not in request.headers:
            scheme = "bearer" if self.doors.kind == "token" else "basic"
            response.www_authenticate = WWWAuthenticate(scheme, {"realm": "Sorcerer's Eye"})
        return response

    def add_pages(self, blueprint: Blueprint) -> None:
        """Give the blueprint its login page, and the way out."""

        @blueprint.get("/login", endpoint="login")
        def show_login() -> Any:
            return self._page(200, "")

        @blueprint.post("/login", endpoint="login-try")
        def try_login() -> Any:
            if (refused := _from_elsewhere()) is not None:
                return refused
            if (request.content_length or 0) > _MOST_BODY:
                return sentence(413, "that is no login")
            request.max_content_length = _MOST_BODY  # of one that does not say how long it is
            address = request.remote_addr or ""
            if (wait := self.tries.wait(address)) > 0:
                return _too_soon(wait)
            name = self._check(request.form.get("name", ""), request.form.get("secret", ""))
            if name is None:
                return self._page(403, "That was wrong. Try again.")
            query = request.query_string.decode("latin-1")
            response = redirect(f"./{'?' if query else ''}{query}", code=303)
            self._set_cookie(response, name)
            return response

        @blueprint.post("/logout", endpoint="logout")
        def log_out() -> Any:
            if (refused := _from_elsewhere()) is not None:
                return refused
            response = redirect("login", code=303)
            response.delete_cookie(self._cookie, path=_prefix())
            return response

    def _page(self, status: int, problem: str) -> Response:
        static = f"static/{assets.load().digest}"
        page = render_template("eye/login.html", static=static, kind=self.doors.kind, problem=problem)
        return Response(page, status=status, content_type="text/html; charset=utf-8")

    def _set_cookie(self, response: Any, name: str) -> None:
        value = seal([name, int(self._now()) + LASTS, self._mark(name)], self._secret, _PURPOSE)
        response.set_cookie(
            self._cookie,
            value,
            max_age=LASTS,
            path=_prefix(),
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )

    def _by_cookie(self) -> str | None:
        said = unseal(request.cookies.get(self._cookie, ""), self._secret, _PURPOSE)
        if said is None:
            return None
        name, expires, mark = said
        is_valid = self._now() < expires and hmac.compare_digest(mark, self._mark(name))
        return name if is_valid else None

    def _mark(self, name: str) -> str:
        """Tell this password of that person from the next, without telling anything of it."""
        mark = self.doors.mark(name)
        return "" if mark is None else hmac.digest(self._secret, f"{name}\0{mark}".encode(), "sha256").hex()[:16]

    def _by_header(self) -> str | None:
        given = request.authorization
        if given is None or self.tries.wait(request.remote_addr or "") > 0:
            return None
        if given.type == "bearer" and self.doors.kind == "token":
            return self._check("", given.token or "")
        if given.type != "basic" or self.doors.kind != "basic":
            return None
        name, secret = given.username or "", given.password or ""
        known = hmac.digest(self._key, f"{name}\0{secret}".encode(errors="replace"), "sha256")
        found, until = self._programs.get(known, (None, 0.0))
        if found is not None and time.monotonic() < until:
            return found
        found = self._check(name, secret)
        if found is not None:
            self._programs = {} if len(self._programs) >= 64 else self._programs
            self._programs[known] = found, time.monotonic() + _PROGRAM_KEPT
        return found

    def _check(self, name: str, secret: str) -> str | None:
        address = request.remote_addr or ""
        with self._one_at_a_time:
            found = self.doors.name_of(name[:200], secret[:1000])
        if found is not None:
            self.tries.was_right(address)
            return found
        if self.tries.was_wrong(address) >= _MOST_TRIES and self._said.first("tries", _network(address)):
            _log.warning(
                "%s was wrong about its login %d times in a row, and waits %d s after each try from now on. "
                "Behind a proxy, where everybody comes from one address, --web-proxies tells them apart",
                address,
                _MOST_TRIES,
                int(_PAUSE),
            )
        return None


def _too_soon(wait: float) -> Response:
    response = sentence(429, f"too many wrong tries; the next is taken in {int(wait) + 1} s")
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response


def _from_elsewhere() -> Response | None:
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
    is_ours = origin is None or guards.is_same_origin(origin, request.host_url)
    if is_ours and site in ("same-origin", "none"):
        return None
    return sentence(403, "another page cannot log anybody in or out here")


def _prefix() -> str:
    """Say below which path the view lives, for the cookie: no other application of this host is sent it."""
    return request.root_path + request.path.rpartition("/")[0] + "/"


def _network(address: str) -> str:
    """Take an address for what one customer has: a whole /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if found.version == 6 else address
