"""HTTP as bytes: a request that is wholly here, and its answer. No socket and no thread in here.

`h11` knows the protocol (what a request is, how long a body, when a connection may be used again); the two halves
around it are ours: `Talk.hear` turns bytes into an `Asked`, and `Answer` turns what a WSGI application says into
bytes. A request is answered only when all of it has come, so that who sends it slowly keeps no thread waiting.
"""

from __future__ import annotations

import io
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import h11

from eye.web import encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Send = Callable[[bytes], object]

MOST_HEAD = 16_384
MOST_BODY = 16_384
"""Bytes of the head and of the body of a request. Ours have a tenth of it."""

_WITHOUT_BODY = (204, 304)


class Asked(NamedTuple):
    """A request, whole."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    version: str
    wants_upgrade: bool


class Refused(Exception):
    """What came is no request that is answered: a status, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status, self.sentence = status, sentence


class Talk:
    """What is said over one connection, one request after another."""

    def __init__(self) -> None:
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self._request: h11.Request | None = None
        self._body = bytearray()

    @property
    def is_between(self) -> bool:
        """Whether nothing of a next request has come."""
        return self._request is None and not self.http.trailing_data[0]

    def hear(self, data: bytes) -> Asked | None:
        """Take what came (nothing: look at what is left over); answer a request once it is whole.

        Raises:
            Refused: it is none, or too large.
        """
        try:
            if data:
                self.http.receive_data(data)
            return self._read()
        except h11.RemoteProtocolError as error:
            raise Refused(error.error_status_hint, f"this is no request of HTTP: {error}") from None

    def _read(self) -> Asked | None:
        while True:
            event = self.http.next_event()
            if isinstance(event, h11.Request):
                _check(event)
                self._request = event
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > MOST_BODY:
                    raise Refused(413, f"at most {MOST_BODY} bytes are taken")
            elif isinstance(event, h11.EndOfMessage):
                return self._whole()
            else:  # NEED_DATA, PAUSED
                return None

    def _whole(self) -> Asked:
        request, body = self._request, bytes(self._body)
        assert request is not None
        self._request, self._body = None, bytearray()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers)
        return Asked(
            request.method.decode("latin-1"),
            request.target.decode("latin-1"),
            headers,
            body,
            request.http_version.decode("latin-1"),
            any(name == "upgrade" for name, _ in headers),
        )

    def wants_to_go_on(self) -> bytes:
        """Write «go on» for a peer that waits for it before it sends the body."""
        if not self.http.they_are_waiting_for_100_continue:
            return b""
        return self.http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""

    def goes_on(self) -> bool:
        """Tell whether the connection may be used again, and make it ready if so."""
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            return True
        return False

    def refusal(self, refused: Refused) -> bytes:
        """Write an answer after which the connection is closed."""
        body = f"{encoder.encode({'error': refused.sentence, 'status': refused.status})}\n".encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", f"{len(body)}"),
            ("Connection", "close"),
        ]
        head = h11.Response(status_code=refused.status, headers=headers)
        try:
            said = [self.http.send(part) for part in (head, h11.Data(data=body), h11.EndOfMessage())]
        except h11.LocalProtocolError:  # in the middle of another answer, or of nothing
            return b""
        return b"".join(part or b"" for part in said)


def _check(request: h11.Request) -> None:
    """Refuse what h11 lets pass and has no one meaning, and too large a body as soon as it is announced."""
    sizes = [value for name, value in request.headers if name == b"content-length"]
    if sizes and any(name == b"transfer-encoding" for name, _ in request.headers):
        # A proxy that goes by the other one would see two requests where we see one (RFC 9112, 6.3).
        raise Refused(400, "this is no request of HTTP: its length is said twice, by Content-Length and in chunks")
    if sizes and int(sizes[0]) > MOST_BODY:
        raise Refused(413, f"at most {MOST_BODY} bytes are taken")
    if b"://" in request.target:
        try:
            urlsplit(request.target)
        except ValueError:
            raise Refused(400, "this is no request of HTTP: its address cannot be read") from None


class Answer:
    """What an application answers, written as it says it."""

    def __init__(self, talk: Talk, asked: Asked, send: Send) -> None:
        self._http, self._asked, self._send = talk.http, asked, send
        self._head: h11.Response | None = None
        self.is_begun = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """Take the head: WSGI's `start_response`."""
        if exc_info is not None and self.is_begun:
            raise exc_info[1].with_traceback(exc_info[2])
        code, _, reason = status.partition(" ")
        told = [*headers, ("Date", formatdate(usegmt=True))]
        self._head = h11.Response(status_code=int(code), reason=reason, headers=told)
        return self.write

    def write(self, data: bytes) -> None:
        head = self._head
        assert head is not None, "the application has not called start_response"
        first = b""
        if not self.is_begun:
            self.is_begun = True
            first = self._http.send(head) or b""
        if data and self._asked.method != "HEAD" and head.status_code not in _WITHOUT_BODY:
            first += self._http.send(h11.Data(data=data)) or b""
        if first:
            self._send(first)

    def run(self, app: Any, environ: dict[str, Any]) -> None:
        """Have the application answer."""
        said = app(environ, self.start)
        try:
            for data in said:
                self.write(data)
            if not self.is_begun:
                self.write(b"")
            if end := self._http.send(h11.EndOfMessage()):
                self._send(end)
        finally:
            if hasattr(said, "close"):
                said.close()


def environ_of(
    asked: Asked, peer: tuple[str, int], server: tuple[str, int], *, is_secure: bool, sock: Any
) -> dict[str, Any]:
    """Make the environment that WSGI hands to an application.

    The socket has gunicorn's name in it: of those that simple-websocket knows, that is the one after which nothing
    of HTTP is written any more once a WebSocket has ended.
    """
    url = urlsplit(asked.target) if "://" in asked.target else None
    path, _, query = asked.target.partition("?") if url is None else (url.path, "", url.query)
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if is_secure else "http",
        "wsgi.input": io.BytesIO(asked.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "gunicorn.socket": sock,
        "SERVER_SOFTWARE": "sorcerers_eye",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{asked.version}",
        "REQUEST_METHOD": asked.method,
        "REQUEST_URI": asked.target,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "CONTENT_LENGTH": str(len(asked.body)),
    }
    for name, value in _headers(asked.headers):
        environ[name] = value
    if url is not None:
        environ["HTTP_HOST"] = url.netloc
    return environ


def _headers(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Name headers as WSGI does. One with an underscore could pass for one without: it is left out."""
    found: dict[str, str] = {}
    for name, value in headers:
        if "_" in name or name in ("content-length", "transfer-encoding"):
            continue
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        between = "; " if name == "cookie" else ","
        found[key] = f"{found[key]}{between}{value}" if key in found else value
    return found.items()
