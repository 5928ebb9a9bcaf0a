"""Bybit's listings: newest first, a week at most, page by page with a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from exchanges.paper.book import VenueRefusal
from exchanges.paper.call import Answer, Call
from exchanges.paper.params import optional_whole

WEEK_MS = 7 * 24 * 3600 * 1000
Row = TypeVar("Row")


def time_window(call: Call) -> Callable[[int], bool]:
    """Without a start the week before the end, without an end the week after the start."""
    start, end = optional_whole(call.params, "startTime"), optional_whole(call.params, "endTime")
    now = call.venue.now_ms()
    first = start if start is not None else (now if end is None else end) - WEEK_MS
    last = end if end is not None else (now if start is None else start + WEEK_MS)
    if last < first or last - first > WEEK_MS:
        raise VenueRefusal(10001, "The time range between startTime and endTime must be within 7 days.")
    return lambda at_ms: first <= at_ms <= last


def page(
    call: Call,
    rows: Sequence[Row],
    key: Callable[[Row], str],
    tell: Callable[[Row], dict[str, Any]],
    usual: int,
    most: int,
) -> Answer:
    """`rows` newest first; the cursor names the last row that was told."""
    limit = optional_whole(call.params, "limit") or usual
    after = call.params.get("cursor", "")
    keys = [key(row) for row in rows]
    if after and after not in keys:
        raise VenueRefusal(10001, "params error: cursor invalid")
    begin = keys.index(after) + 1 if after else 0
    end = begin + min(limit, most)
    cursor = keys[end - 1] if end < len(rows) else ""
    return {"category": "linear", "list": [tell(row) for row in rows[begin:end]], "nextPageCursor": cursor}
