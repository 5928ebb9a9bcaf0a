"""How the paper exchange knows its accounts: a key names one, and its secret follows from the key."""

from __future__ import annotations

from hashlib import sha256


def paper_secret(api_key: str) -> str:
    return sha256(f"paper:{api_key}".encode()).hexdigest()


def listen_key(api_key: str) -> str:
    """The same after a restart, so that running clients are not deafened."""
    return sha256(f"listen:{api_key}".encode()).hexdigest()
