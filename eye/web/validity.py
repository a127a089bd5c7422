"""From when until when a certificate is good, and what is to be said of that: the whole decision, nothing else.

    before its first day .................. NOT_YET   browsers refuse it
    in the last two weeks of its time ..... SOON      or in its last quarter, where that is less
    after its last day .................... OVER      browsers refuse it
    else .................................. GOOD

Each is said once of a certificate, when it comes to that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

_DAY = 86400.0
_NOTICE = 14 * _DAY


class Standing(Enum):
    """How a certificate stands."""

    NOT_YET = "not yet"
    GOOD = "good"
    SOON = "soon"
    OVER = "over"


class Validity(NamedTuple):
    """The time in which a certificate is good, UTC seconds."""

    since: float
    until: float

    def at(self, now: float) -> Standing:
        """Say how it stands at a moment."""
        if now < self.since:
            return Standing.NOT_YET
        if now > self.until:
            return Standing.OVER
        notice = min(_NOTICE, (self.until - self.since) / 4)
        return Standing.SOON if now > self.until - notice else Standing.GOOD


def validity_of(pem: bytes) -> Validity | None:
    """Read when the first certificate of a file is good; None where that cannot be read."""
    from cryptography import x509  # beside the first certificate that there is

    try:
        first = x509.load_pem_x509_certificates(pem)[0]
        return Validity(first.not_valid_before_utc.timestamp(), first.not_valid_after_utc.timestamp())
    except (ValueError, IndexError):
        return None


def sentence(standing: Standing, validity: Validity, now: float) -> str | None:
    """Say what a person has to know of it, to be put after the file's name; None where that is nothing."""
    if standing is Standing.NOT_YET:
        return (
            f"is not valid before {_moment(validity.since)}, and browsers refuse it until then. "
            "Is the clock of this machine right?"
        )
    if standing is Standing.OVER:
        return (
            f"has expired on {_moment(validity.until)}, and browsers refuse it. "
            "Put a new one in its place; that takes no restart"
        )
    if standing is Standing.SOON:
        return (
            f"expires on {_moment(validity.until)}, in {_span(validity.until - now)}. "
            "Put a new one in its place by then; that takes no restart"
        )
    return None


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _span(seconds: float) -> str:
    if seconds < 3600:
        return "less than an hour"
    number, unit = (int(seconds // _DAY), "day") if seconds >= _DAY else (int(seconds // 3600), "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"
