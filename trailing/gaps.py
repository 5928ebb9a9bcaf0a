"""Up to when the prices of a position are known. Nobody judges a position by a price of now while an earlier one may
have been better: that one would have moved its stop. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from exchanges.types import Candle, PositionSide
from trailing.models import PriceWatch, TrailingStop
from trailing.rows import plan_of

TOLERATED = timedelta(minutes=1)


def known_until(row: TrailingStop) -> datetime | None:
    """None: the position is not open yet."""
    known = _known_itself(row)
    watch = watch_of(row)
    if known is None or watch is None or known < watch.since - TOLERATED:
        return known
    return max(known, watch.until)


def is_behind(row: TrailingStop, now: datetime) -> bool:
    known = _known_itself(row)
    if known is None or now - known <= TOLERATED:
        return False
    known = known_until(row)
    return known is not None and now - known > TOLERATED


def _known_itself(row: TrailingStop) -> datetime | None:
    return row.known_until or row.position.opened_at


def watch_of(row: TrailingStop) -> PriceWatch | None:
    reference = plan_of(row.position).reference
    watches = row.position.instrument.price_watches.all()
    return next((watch for watch in watches if watch.reference == reference), None)


def best_price(side: PositionSide, candles: Iterable[Candle]) -> Decimal | None:
    if side is PositionSide.LONG:
        return max((candle.high for candle in candles), default=None)
    return min((candle.low for candle in candles), default=None)
