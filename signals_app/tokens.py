"""Tokens of senders: shown once, kept as a hash. Pure but for the dice."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256


def new_token() -> str:
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """A random token needs no slow hash: there is nothing to guess."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def known_hash(token: str, senders: Iterable[str]) -> str | None:
    """The hash of this token if it is a sender's; takes as long for a wrong one."""
    given = token_hash(token)
    matching = [known for known in senders if hmac.compare_digest(known, given)]
    return matching[0] if matching else None
