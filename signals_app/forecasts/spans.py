"""Of which times the exchange has answered, which are still missing, and what an answer proves. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from exchanges.types import Candle, Timeframe
from signals_app.forecasts.terms import HISTORY
from trailing.volatility import last_close

Span = tuple[datetime, datetime]  # from the opening of its first candle to the end of its last

# a venue corrects the numbers of a candle for a moment, and two clocks are never quite the same
SETTLING = timedelta(seconds=2)
# a candle that is not told so long after its end does not exist
ABSENT_AFTER = timedelta(minutes=30)
SOON, LATE, NOW_AND_THEN = timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Page:
    """A question: so many candles from here on."""

    since: datetime
    count: int


def joined(spans: Iterable[Span]) -> list[Span]:
    """In order; those that overlap or touch are one."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        else:
            found.append((since, until))
    return found


def missing(known: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    """What of this time is in no span, in order."""
    found, at = [], since
    for begin, end in joined(known):
        if at < min(begin, until):
            found.append((at, min(begin, until)))
        at = max(at, end)
    if at < until:
        found.append((at, until))
    return found


def newest_needed(known: Collection[Span], timeframe: Timeframe, now: datetime) -> Page | None:
    """What a forecast of now needs. The last candle that is known is asked for once more: its numbers may have been
    corrected since."""
    length, until = timeframe.length, closed_until(timeframe, now)
    gaps = missing(known, until - HISTORY * length, until)
    if not gaps:
        return None
    since = gaps[-1][0]
    if since >= absent_until(timeframe, now) and any(span[1] == since for span in joined(known)):
        since -= length
    return Page(since, (gaps[-1][1] - since) // length)


def next_older(
    known: Collection[Span], days: int, timeframe: Timeframe, now: datetime, most: int
) -> Page | None:
    """The newest part of what is missing further back: no more of it than one question can ask for."""
    length = timeframe.length
    gaps = missing(known, kept_since(days, timeframe, now), absent_until(timeframe, now))
    if not gaps:
        return None
    begin = max(gaps[-1][0], gaps[-1][1] - most * length)
    return Page(begin, (gaps[-1][1] - begin) // length)


def proven(page: Page, told: Iterable[Candle], timeframe: Timeframe, now: datetime) -> Span | None:
    """A venue may answer with fewer than were asked for: up to its last candle there are no others, of what comes
    later it has said nothing. One that has nothing at all to tell has no candle of that time, unless it is late."""
    length = timeframe.length
    ends = [candle.at + length for candle in told if candle.at >= page.since]
    asked_until = page.since + page.count * length
    until = max(ends) if ends else min(asked_until, absent_until(timeframe, now))
    until = min(until, closed_until(timeframe, now))
    return (page.since, until) if until > page.since else None


def closed_until(timeframe: Timeframe, now: datetime) -> datetime:
    """End of the newest candle that is over, whose numbers will stay."""
    return last_close(timeframe, now - SETTLING)


def absent_until(timeframe: Timeframe, now: datetime) -> datetime:
    return last_close(timeframe, now - ABSENT_AFTER)


def kept_since(days: int, timeframe: Timeframe, now: datetime) -> datetime:
    """Never less than what a forecast needs, however few days that are."""
    count = max(timedelta(days=days) // timeframe.length, HISTORY)
    return closed_until(timeframe, now) - count * timeframe.length


def next_look(timeframe: Timeframe, lacking: int, now: datetime) -> datetime:
    """Soon after the next candle is over, and now and then for contracts that are new. One that is late is asked for
    every few seconds at first."""
    closed = closed_until(timeframe, now)
    if not lacking:
        return min(closed + timeframe.length + SETTLING, now + NOW_AND_THEN)
    return now + (SOON if now - closed < LATE else NOW_AND_THEN)
