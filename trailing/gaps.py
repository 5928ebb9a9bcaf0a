"""Up to when the prices of a position are known. Nobody judges a position by a price of now while an earlier one may
have been better: that one would have moved its stop. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from exchanges.types import Candle, PositionSide
from trailing.models import PriceWatch, TrailingStop

TOLERATED = timedelta(minutes=1)


def known_until(row: TrailingStop) -> datetime | None:
    """None: the position is not open yet."""
    known: datetime | None = row.known_until or row.position.opened_at
    watch: PriceWatch | None = getattr(row.position.instrument, "price_watch", None)
    if known is None or watch is None or known < watch.since - TOLERATED:
        return known
    return max(known, watch.until)


def is_behind(row: TrailingStop, now: datetime) -> bool:
    known = known_until(row)
    return known is not None and now - known > TOLERATED


def best_price(side: PositionSide, candles: Iterable[Candle]) -> Decimal | None:
    if side is PositionSide.LONG:
        return max((candle.high for candle in candles), default=None)
    return min((candle.low for candle in candles), default=None)
