"""What we hand out and get back, as text that nobody else can make or change: PAYLOAD.SIGNATURE. Pure.

The payload can be read by anybody; that we wrote it is what the signature (HMAC-SHA-256) says, and what for.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Any

_LONGEST = 2_000  # characters


def seal(fields: list[Any], secret: bytes, purpose: str) -> str:
    """Write some plain values down."""
    payload = json.dumps(fields, separators=(",", ":")).encode()
    return f"{_as_text(payload)}.{_as_text(_signature(payload, secret, purpose))}"


def unseal(text: str, secret: bytes, purpose: str) -> list[Any] | None:
    """Read them again; None if it was not we who wrote them, with this secret and for this purpose."""
    payload, _, signature = text[:_LONGEST].partition(".")
    try:
        said, signed = _as_bytes(payload), _as_bytes(signature)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(signed, _signature(said, secret, purpose)):
        return None
    fields: list[Any] = json.loads(said)  # our own words: nobody else can sign
    return fields


def _signature(payload: bytes, secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\0" + payload, "sha256")


def _as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _as_bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
