"""Where a page of a long list begins: after a row that was seen, never after a count of rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MICROSECOND = timedelta(microseconds=1)
LONGEST = 60
Key = int | UUID


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row by its time and, where several share it, by its key."""

    at: datetime
    key: Key

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // A_MICROSECOND}.{self.key}"


def read_cursor(text: str) -> Cursor | None:
    """None for what is no place in a list."""
    moment, _, key = text[:LONGEST].partition(".")
    try:
        return Cursor(EPOCH + int(moment) * A_MICROSECOND, _key(key))
    except (ValueError, OverflowError):
        return None


def _key(text: str) -> Key:
    if len(text) > 19:
        return UUID(text)
    key = int(text)
    if not 0 < key < 2**63:
        raise ValueError(text)
    return key
