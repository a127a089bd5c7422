"""The certificate that browsers are shown: which files will do, and that a new one takes no restart."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from eye.errors import TlsUnusable
from eye.web.certificate import Certificate
from tests.web.serving import make_certificate


def shown(certificate: Certificate, trusted: Path) -> bool:
    """Shake hands over a pair of sockets; tell whether what was shown is trusted."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    context = ssl.create_default_context(cafile=str(trusted))
    result: list[bool] = []

    def dial() -> None:
        try:
            with context.wrap_socket(theirs, server_hostname="127.0.0.1"):
                result.append(True)
        except ssl.SSLCertVerificationError:
            result.append(False)

    thread = threading.Thread(target=dial)
    thread.start()
    with certificate.wrap(ours) as secure:
        try:
            secure.do_handshake()
        except ssl.SSLError:
            pass  # the other side did not like it
    thread.join(10)
    theirs.close()
    return result[0]


def test_a_new_certificate_is_shown_once_both_files_are_there(tmp_path: Path) -> None:
    time = 0.0
    old, new, live = (tmp_path / name for name in ("old", "new", "live"))
    for folder in (old, new, live):
        folder.mkdir()
        make_certificate(folder)
    copy(old, live)
    certificate = Certificate(live / "cert.pem", live / "key.pem", now=lambda: time)

    at_first = shown(certificate, old / "cert.pem")
    copy(new, live, "cert.pem")  # half of it is there
    time = 11.0
    half = shown(certificate, old / "cert.pem")
    copy(new, live, "key.pem")
    time = 22.0
    after = shown(certificate, new / "cert.pem"), shown(certificate, old / "cert.pem")

    assert (at_first, half, after) == (True, True, (True, False))


def copy(source: Path, target: Path, *names: str) -> None:
    for name in names or ("cert.pem", "key.pem"):
        (target / name).write_bytes((source / name).read_bytes())
        stamp = os.stat(target / name).st_mtime + len(target.parts) + 1
        os.utime(target / name, (stamp, stamp))


@pytest.mark.parametrize(
    ("cert", "key", "says"),
    [
        ("nothing.pem", None, "nothing.pem: no such file"),
        ("cert.pem", "nothing.pem", "nothing.pem: no such file"),
        ("cert.pem", None, "cert.pem: it and its key cannot be used"),
        ("cert.pem", "other.pem", "cannot be used"),
        ("text.pem", "key.pem", "cannot be used"),
    ],
)
def test_files_that_will_not_do_are_named(tmp_path: Path, cert: str, key: Any, says: str) -> None:
    make_certificate(tmp_path)
    (tmp_path / "other.pem").write_bytes((tmp_path / "key.pem").read_bytes())
    make_certificate(tmp_path)
    (tmp_path / "text.pem").write_text("hello")

    with pytest.raises(TlsUnusable, match=says):
        Certificate(tmp_path / cert, None if key is None else tmp_path / key)
