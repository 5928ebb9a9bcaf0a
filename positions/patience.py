"""How long to wait before the exchange is asked again for what it refused. Pure."""

from __future__ import annotations

from datetime import timedelta

LONGEST = timedelta(seconds=60)


def pause_after(refusals: int) -> timedelta:
    """A second after the first refusal in a row, then twice as long each time."""
    return min(timedelta(seconds=2 ** min(refusals - 1, 10)), LONGEST)
