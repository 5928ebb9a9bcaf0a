"""The sender's own id of a signal: text or nothing. Pure."""

from __future__ import annotations

import uuid

MAX_LENGTH = 100
# words legacy senders wrote where they had no id; storing one would make strangers look alike
SENTINELS = frozenset({"", "unknown", "pending", "none", "null", "nan", "undefined"})


def signal_id_text(value: object) -> str | None:
    """Text of a str, int or UUID; None for an absent one. Raises ValueError for any other shape."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | uuid.UUID):
        raise ValueError(f"signal id must be text or a whole number, not {type(value).__name__}")
    text = str(value).strip()
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise ValueError(f"signal id must be printable text of at most {MAX_LENGTH} characters")
    return None if text.lower() in SENTINELS else text
