"""How the signal stream stands, and whether that is well. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from signals_app.sources.entries import time_of


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """Seconds are those since an entry was added; None where there is no such entry, or its number tells no time."""

    length: int = 0
    unread: int | None = 0  # None: Redis cannot tell
    pending: int = 0
    oldest_pending_seconds: float | None = None
    oldest_unread_seconds: float | None = None
    consumers: int = 0
    dead_letters: int = 0

    @property
    def oldest_seconds(self) -> float | None:
        ages = (self.oldest_pending_seconds, self.oldest_unread_seconds)
        return max((age for age in ages if age is not None), default=None)


def age_of(entry_id: str | None, now: datetime) -> float | None:
    added_at = time_of(entry_id) if entry_id else None
    return None if added_at is None else max(0.0, (now - added_at).total_seconds())


def objections(figures: StreamFigures, patience: timedelta) -> Iterator[str]:
    ages = {"was given to a consumer": figures.oldest_pending_seconds, "waits": figures.oldest_unread_seconds}
    for what, age in ages.items():
        if age is not None and age > patience.total_seconds():
            yield f"an entry {what} and is not written since {age:.0f} s, the limit is {patience.total_seconds():.0f}"
