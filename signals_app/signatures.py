"""Is this body signed by who knows the key, and lately? Pure.

Signed is `<timestamp>.<raw body>` with HMAC-SHA256, in hexadecimal: a body with another's timestamp is another text.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

SIGNATURE = re.compile(r"(?:sha256=)?([0-9a-fA-F]{64})")
SECONDS = re.compile(r"[0-9]{10}")
MILLISECONDS = re.compile(r"[0-9]{13}")


class SignatureFault(StrEnum):
    """In the words that are answered."""

    NO_SIGNATURE = "this sender signs its messages: X-Signature is missing"
    NO_TIMESTAMP = "X-Timestamp must be the seconds since 1970 at which the message was signed"
    NOT_HEXADECIMAL = "X-Signature must be the HMAC-SHA256 in hexadecimal"
    NO_KEY = "there is no key here to check the signature with"
    OTHER_TEXT = "the signature does not belong to this body, timestamp and key"
    TOO_OLD = "signed too long ago, or its clock is wrong"


def sign(key: str, timestamp: str, body: bytes) -> str:
    text = timestamp.encode() + b"." + body
    return hmac.new(key.encode(), text, sha256).hexdigest()


def digest(signature: str) -> str | None:
    """The bare digest in lower case; senders like to write "sha256=" before it."""
    found = SIGNATURE.fullmatch(signature.strip())
    return found[1].lower() if found else None


def signature_fault(
    key: str, signature: str, timestamp: str, body: bytes, now: datetime, window: timedelta
) -> SignatureFault | None:
    if not signature:
        return SignatureFault.NO_SIGNATURE
    signed_at = _moment(timestamp)
    if signed_at is None:
        return SignatureFault.NO_TIMESTAMP
    given = digest(signature)
    if given is None:
        return SignatureFault.NOT_HEXADECIMAL
    if not key:
        return SignatureFault.NO_KEY
    if not hmac.compare_digest(given, sign(key, timestamp, body)):
        return SignatureFault.OTHER_TEXT
    return SignatureFault.TOO_OLD if abs(now - signed_at) > window else None


def _moment(timestamp: str) -> datetime | None:
    if SECONDS.fullmatch(timestamp):
        return datetime.fromtimestamp(int(timestamp), UTC)
    if MILLISECONDS.fullmatch(timestamp):
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC)
    return None
