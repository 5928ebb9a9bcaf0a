"""Which prices that are needed were not told lately. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import redis
from django.conf import settings

from exchanges.marks import newest_prices
from exchanges.types import PositionSide, PriceKind, Reference
from positions import formats
from positions.models import Position

PricesNeeded = Mapping[tuple[str, PriceKind], set[str]]  # exchange symbols by venue and kind


def silent_prices(needed: PricesNeeded, limit: datetime) -> Iterator[str]:
    """A sentence for each that nobody told since the limit."""
    for (venue, kind), symbols in sorted(needed.items()):
        heard = newest_prices(venue, sorted(symbols), kind)
        for symbol in sorted(symbols):
            at = heard[symbol].at if symbol in heard else None
            if at is None or at < limit:
                yield f"no {kind} price of {symbol} at {venue} " + (
                    f"since {formats.moment(at)}" if at else "yet"
                )


def silence_of(position: Position, now: datetime) -> list[str]:
    """Of what is held: the mark price, and the one its plan judges by."""
    limit = now - settings.PRICE_SILENT_AFTER
    if not (position.is_live and position.quantity > 0) or (position.opened_at or now) >= limit:
        return []
    decides = Reference(position.plan.body["reference"]).kind(PositionSide(position.position_side))
    symbols = {position.instrument.exchange_symbol}
    needed = {(position.account.venue, kind): symbols for kind in (PriceKind.MARK, decides)}
    try:
        return list(silent_prices(needed, limit))
    except redis.RedisError:
        return ["the prices kept here cannot be read now"]
