"""Which candles are kept. Pure: what a venue or a file tells is not believed before it was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from exchanges.types import Candle, Timeframe

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACES = Decimal(1).scaleb(-12)  # what a row can hold
MOST_DIGITS_BEFORE = 15  # with those places within the precision of Decimal


def objection(candle: Candle, timeframe: Timeframe) -> str:
    """Why this candle cannot be; empty when it can."""
    prices = (candle.open, candle.high, candle.low, candle.close)
    if not all(number.is_finite() for number in (*prices, candle.volume)):
        return "a figure is no number"
    if max(number.adjusted() for number in (*prices, candle.volume)) >= MOST_DIGITS_BEFORE:
        return "a figure is too large"
    if (candle.at - EPOCH) % timeframe.length:
        return f"it does not begin at a multiple of {timeframe}"
    if min(prices).quantize(PLACES) <= 0 or candle.volume < 0:
        return "a price is not above zero, or the volume is below"
    if candle.low != min(prices) or candle.high != max(prices):
        return "low and high do not enclose the other prices"
    return ""


def possible(
    candles: Iterable[Candle], timeframe: Timeframe, closed: datetime
) -> tuple[list[Candle], list[str]]:
    """Each time once, by its last word, oldest first, none that still goes on; and a sentence for each that was
    refused."""
    over = {candle.at: candle for candle in candles if candle.at + timeframe.length <= closed}
    refused = list(_sentences(over.values(), timeframe))
    good = [over[at] for at in sorted(over) if not objection(over[at], timeframe)]
    return good, refused


def _sentences(candles: Iterable[Candle], timeframe: Timeframe) -> Iterator[str]:
    for one in candles:
        if reason := objection(one, timeframe):
            figures = (
                f"open {one.open}, high {one.high}, low {one.low}, close {one.close}, volume {one.volume}"
            )
            yield f"the candle of {one.at:%Y-%m-%d %H:%M} is not kept: {reason} ({figures})"
