"""How far a price usually goes within one candle: Wilder's average true range. Pure.

J. Welles Wilder, New Concepts in Technical Trading Systems (1978): a candle's true range is the longest of high to low,
high to the close before and low to the close before; the average starts as the plain mean of the first `period` true
ranges, and each later one enters it with the weight 1/period.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from exchanges.types import Candle, Timeframe

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# what the first mean still weighs after four periods more is below two percent
_PERIODS = 5
_GRAIN = Decimal(1).scaleb(-16)


def candles_needed(period: int) -> int:
    """The first one only lends its close, the last one may not be over."""
    return _PERIODS * period + 2


def last_close(timeframe: Timeframe, at: datetime) -> datetime:
    """When the newest finished candle ended: venues begin candles at whole multiples of their length."""
    return at - (at - _EPOCH) % timeframe.length


def average_true_range(finished: Sequence[Candle], period: int) -> Decimal | None:
    """In quote currency; None while there are too few candles, or when the price did not move at all."""
    ranges = [_true_range(before, candle) for before, candle in pairwise(finished)]
    if len(ranges) < period:
        return None
    average = sum(ranges[:period], Decimal(0)) / period
    for one in ranges[period:]:
        average += (one - average) / period
    return average.quantize(_GRAIN) or None


def _true_range(before: Candle, candle: Candle) -> Decimal:
    return max(candle.high, before.close) - min(candle.low, before.close)
