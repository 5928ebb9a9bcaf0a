"""The lines of a position's picture: which candles, which stop stood when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from exchanges.types import PositionSide, Timeframe

MOST_IN_ITS_LIFE = 400
MOST_CANDLES = 1000
BEFORE, AFTER = 40, 10


@dataclass(frozen=True, slots=True)
class Window:
    """What is drawn: from the candle at `since` up to, without, the one at `until`."""

    timeframe: Timeframe
    since: datetime
    until: datetime

    @property
    def candles(self) -> int:
        return (self.until - self.since) // self.timeframe.length


def window_around(began: datetime, ended: datetime, now: datetime, wished: Timeframe | None = None) -> Window:
    """As wished, or the shortest candles of which a life has not too many; of a very long one the end."""
    lasted = ended - began
    timeframe = wished or next(
        (one for one in Timeframe if lasted / one.length <= MOST_IN_ITS_LIFE), Timeframe.FOUR_HOURS
    )
    last = min(_begin(now, timeframe), _begin(ended, timeframe) + AFTER * timeframe.length)
    until = last + timeframe.length
    since = max(_begin(began, timeframe) - BEFORE * timeframe.length, until - MOST_CANDLES * timeframe.length)
    return Window(timeframe, since, until)


def _begin(at: datetime, timeframe: Timeframe) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return at - (at - epoch) % timeframe.length


@dataclass(frozen=True, slots=True)
class Standing:
    """One stop order while the exchange had it."""

    price: Decimal
    since: datetime
    until: datetime


def stop_line(side: PositionSide, stops: Iterable[Standing]) -> Iterator[tuple[datetime, Decimal | None]]:
    """Each move of the most protective stop; None from when on there was none."""
    best = max if side is PositionSide.LONG else min
    waiting = sorted(stops, key=lambda stop: stop.since, reverse=True)
    moments = sorted({moment for stop in waiting for moment in (stop.since, stop.until)})
    standing: list[Standing] = []
    before: Decimal | None = None
    for at in moments:
        while waiting and waiting[-1].since <= at:
            standing.append(waiting.pop())
        standing = [stop for stop in standing if stop.until > at]
        price = best((stop.price for stop in standing), default=None)
        if price != before:
            yield at, price
        before = price
