"""Who sent this request, and is it signed: HMAC-SHA256 over the exact text before the signature."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from exchanges.paper.book import VenueRefusal
from exchanges.paper.params import Params, optional_whole
from exchanges.paper.signing import paper_secret

KEY_PREFIX = "paper-"
WELL_FORMED = re.compile(r"[!-~]{1,128}")
MAX_WINDOW_MS = 60_000
AHEAD_MS = 1_000


def signature_verdict(api_key: str, raw: str) -> str:
    """valid, invalid or none."""
    signed, found, signature = raw.partition("&signature=")
    if not found:
        return "none"
    if not WELL_FORMED.fullmatch(api_key):
        return "invalid"
    expected = hmac.new(paper_secret(api_key).encode(), signed.encode(), sha256).hexdigest()
    return "valid" if hmac.compare_digest(expected.encode(), signature.encode()) else "invalid"


def check_key(api_key: str) -> None:
    if not WELL_FORMED.fullmatch(api_key):
        raise VenueRefusal(-2014, "API-key format invalid.", 401)
    if not api_key.startswith(KEY_PREFIX):
        raise VenueRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def check_signed(verdict: str, params: Params, now_ms: int) -> None:
    if verdict == "none":
        raise VenueRefusal(
            -1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
        )
    if verdict == "invalid":
        raise VenueRefusal(-1022, "Signature for this request is not valid.")
    sent = optional_whole(params, "timestamp")
    if sent is None:
        raise VenueRefusal(
            -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
        )
    window = min(optional_whole(params, "recvWindow") or 5000, MAX_WINDOW_MS)
    if not now_ms - window <= sent <= now_ms + AHEAD_MS:
        raise VenueRefusal(-1021, "Timestamp for this request is outside of the recvWindow.")
