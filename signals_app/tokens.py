"""Tokens of senders: shown once, kept as a hash. Pure but for the dice."""

from __future__ import annotations

import secrets
from hashlib import sha256


def new_token() -> str:
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """A random token needs no slow hash: there is nothing to guess."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
