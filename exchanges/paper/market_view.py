"""What anybody sees of a contract: the day's figures and the touch."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from exchanges.paper.figures import text
from exchanges.paper.venue import PaperVenue

LEVEL = "10"  # what every price level of a book is said to hold


@dataclass(frozen=True, slots=True)
class Day:
    """Of the candles there are: first, last, highest and lowest price, and the volume."""

    open: Decimal
    last: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    quote_volume: Decimal


def day_of(venue: PaperVenue, symbol: str) -> Day:
    rows, last = venue.engine.candles(symbol), venue.engine.last(symbol)
    return Day(
        open=rows[0].open,
        last=last,
        high=max(last, *(row.high for row in rows)),
        low=min(last, *(row.low for row in rows)),
        volume=sum((row.volume for row in rows), Decimal(0)),
        quote_volume=sum((row.volume * row.close for row in rows), Decimal(0)),
    )


def touches(venue: PaperVenue, symbol: str) -> tuple[str, str]:
    """Best bid and best ask."""
    return text(venue.engine.touch(symbol, "SELL")), text(venue.engine.touch(symbol, "BUY"))
