"""How long candles of stragglers are waited for. Pure."""

from __future__ import annotations

from datetime import timedelta

# where not one has come the exchange or its stream is away, and a forecast would be of nothing
NOTHING_CAME = timedelta(minutes=2)


def goes_on_waiting(wanted: int, came: int, since_end: timedelta, patience: timedelta) -> bool:
    """wanted, came: contracts. Nobody waits for the last ones for longer than `patience`."""
    if came >= wanted:
        return False
    return since_end < (patience if came else max(patience, NOTHING_CAME))
