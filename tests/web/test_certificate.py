"""The certificate that browsers are shown: which files will do, and that a new one takes no restart."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from eye.errors import TlsUnusable
from eye.supervision import System
from eye.testing import ManualClock, drain
from eye.web.certificate import Certificate
from eye.web.service import Pages, ServerSlot
from eye.web.validity import Standing, Validity, sentence
from tests.web.serving import make_certificate

DAY = 86400.0


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
    passed = 0.0
    old, new, live = (tmp_path / name for name in ("old", "new", "live"))
    for folder in (old, new, live):
        folder.mkdir()
        make_certificate(folder)
    copy(old, live)
    certificate = Certificate(live / "cert.pem", live / "key.pem", now=lambda: passed)

    at_first = shown(certificate, old / "cert.pem")
    copy(new, live, "cert.pem")  # half of it is there
    passed = 11.0
    half = shown(certificate, old / "cert.pem")
    copy(new, live, "key.pem")
    passed = 22.0
    after = shown(certificate, new / "cert.pem"), shown(certificate, old / "cert.pem")

    assert (at_first, half, after) == (True, True, (True, False))


def copy(source: Path, target: Path, *names: str) -> None:
    for name in names or ("cert.pem", "key.pem"):
        (target / name).write_bytes((source / name).read_bytes())
        stamp = os.stat(target / name).st_mtime + len(target.parts) + 1
        os.utime(target / name, (stamp, stamp))


@pytest.mark.parametrize(
    ("since", "until", "now", "standing"),
    [
        (0, 90, -0.1, Standing.NOT_YET),
        (0, 90, 0, Standing.GOOD),
        (0, 90, 75, Standing.GOOD),
        (0, 90, 77, Standing.SOON),
        (0, 90, 90, Standing.SOON),
        (0, 90, 90.1, Standing.OVER),
        (0, 6, 4, Standing.GOOD),  # one that lives for some days has less notice
        (0, 6, 5, Standing.SOON),
    ],
)
def test_how_a_certificate_stands(since: float, until: float, now: float, standing: Standing) -> None:
    assert Validity(since * DAY, until * DAY).at(now * DAY) is standing


def test_what_is_to_be_said_has_the_date_and_what_to_do() -> None:
    validity = Validity(1_795_392_000.0, 1_795_478_400.0)

    assert sentence(Standing.GOOD, validity, 1_795_400_000.0) is None
    assert sentence(Standing.NOT_YET, validity, 0.0) == (
        "is not valid before 2026-11-23 00:00 UTC, and browsers refuse it until then. "
        "Is the clock of this machine right?"
    )
    assert sentence(Standing.SOON, validity, validity.until - 2 * DAY - 5) == (
        "expires on 2026-11-24 00:00 UTC, in 2 days. Put a new one in its place by then; that takes no restart"
    )
    assert sentence(Standing.SOON, validity, validity.until - 3605) is not None
    assert "in 1 hour." in str(sentence(Standing.SOON, validity, validity.until - 3605))
    assert sentence(Standing.OVER, validity, validity.until + 1) == (
        "has expired on 2026-11-24 00:00 UTC, and browsers refuse it. "
        "Put a new one in its place; that takes no restart"
    )


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "eye.web"]


def test_that_its_time_is_over_is_said_at_the_start_or_when_it_is_and_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.time()
    passed = 0.0
    cert, key = make_certificate(tmp_path, since=-1, until=100)

    certificate = Certificate(cert, key, now=lambda: passed, utc=lambda: began + passed)
    assert said(caplog) == []
    for days in (1, 95, 96, 101, 102):
        passed = days * DAY
        certificate.look()
        certificate.look()

    assert [("expires on" in one, "has expired" in one) for one in said(caplog)] == [(True, False), (False, True)]
    caplog.clear()
    Certificate(cert, key, now=lambda: passed, utc=lambda: began + passed)
    assert ["has expired" in one for one in said(caplog)] == [True]


def test_a_new_one_in_its_place_is_looked_at_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    passed = 0.0
    cert, key = make_certificate(tmp_path, since=-10, until=-1)
    certificate = Certificate(cert, key, now=lambda: passed)

    make_certificate(tmp_path, since=-9, until=-1)
    passed = 11.0
    certificate.look()
    make_certificate(tmp_path, since=-1, until=100)
    passed = 22.0
    certificate.look()

    assert ["expired" if "has expired" in one else "new" for one in said(caplog)] == [
        "expired",
        "new",
        "expired",
        "new",
    ]


def test_a_broken_one_in_its_place_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    passed = 0.0
    cert, key = make_certificate(tmp_path, until=100)
    whole = cert.read_bytes()
    old = tmp_path / "old.pem"
    old.write_bytes(whole)
    certificate = Certificate(cert, key, now=lambda: passed)

    cert.write_text("half of")
    for _ in range(3):
        passed += 11.0
        certificate.look()

    (one,) = said(caplog)
    assert one.startswith(f"the web view keeps the certificate it has: TLS file {cert}")
    assert shown(certificate, old)


class Listening:
    """Stands for a server that listens."""

    port = 4711

    def close(self) -> None:
        pass


def test_that_its_time_is_over_is_said_when_nobody_comes_too(
    tmp_path: Path, system: System, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = make_certificate(tmp_path, since=-100, until=0.001)
    began = time.time() - clock.monotonic()
    certificate = Certificate(cert, key, clock.monotonic, lambda: began + clock.monotonic())
    system.start(Pages, ServerSlot(), lambda: None, lambda app, port, crashed: Listening(), certificate)
    drain(system)
    assert ["in less than an hour" in one for one in said(caplog)] == [True]

    clock.advance(100.0)
    drain(system)

    assert ["has expired" in one for one in said(caplog)] == [False, True]


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
