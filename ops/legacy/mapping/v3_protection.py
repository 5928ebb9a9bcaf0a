"""What the v3 bot wrote down of stops and of parts it sold. Pure.

It named a trade by a number. Where one of its orders is known, that order's position is the trade; else its quantity
and entry are what its sold parts tell: each says which part of the whole it was, and at how many percent of profit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges.types import PositionSide
from ops.legacy.mapping.reading import NotYet, Rejection, Row, moment, number, plain, positive, price, text
from ops.legacy.mapping.signal_bot_positions import SIDES
from ops.legacy.mapping.signal_bot_strategies import symbol
from trailing.ladder import LevelStatus

HUNDRED = Decimal(100)
OVER = (
    "executed",
    "filled",
    "triggered",
    "closed",
    "cancelled",
    "canceled",
    "error",
    "failed",
    "expired",
    "completed",
)
STATUSES = {
    "executed": LevelStatus.EXECUTED, "filled": LevelStatus.EXECUTED,
    "error": LevelStatus.ERROR, "failed": LevelStatus.ERROR,
}  # fmt: skip
STILL_OPEN = "its trade was not over: what is still held is found when its account is connected"
UNKNOWN_TRADE = "the trade it belongs to is not on record: neither its orders nor how large it was"


@dataclass(frozen=True, slots=True)
class Trade:
    symbol: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    opened_at: datetime
    closed_at: datetime


def is_over(stops: Sequence[Row], parts: Sequence[Row]) -> bool:
    """As far as these two tables say it: stops that still stand protect something."""
    said = [text(row, "status").lower() for row in stops]
    return all(word in OVER for word in said) if said else bool(parts)


def trade(stops: Sequence[Row], parts: Sequence[Row]) -> Trade:
    if not is_over(stops, parts):
        raise NotYet(STILL_OPEN)
    named = next((row for row in (*stops, *parts) if text(row, "symbol") and text(row, "side")), None)
    side = SIDES.get(text(named, "side").lower()) if named else None
    size = next((found for row in parts if side and (found := _size(row, PositionSide(side)))), None)
    times = [at for row in (*stops, *parts) for at in _times(row)]
    if named is None or side is None or size is None or not times:
        raise Rejection(UNKNOWN_TRADE)
    return Trade(symbol(named), PositionSide(side), *size, min(times), max(times))


def _size(part: Row, side: PositionSide) -> tuple[Decimal, Decimal] | None:
    """Quantity and entry price."""
    sold, ratio = positive(part, "close_qty", "quantity"), positive(part, "close_ratio")
    at, percent = price(part, "price"), number(part, "percent", "level_percent")
    if sold is None or ratio is None or at is None or percent is None:
        return None
    return round(sold / ratio, 8), round(at / (1 + side.sign * percent / HUNDRED), 8)


def _times(row: Row) -> list[datetime]:
    found = (moment(row, name) for name in ("created_at", "executed_at", "updated_at"))
    return [at for at in found if at is not None]


def part(row: Row, number_of: int) -> dict[str, Any]:
    """`number_of` counts where the table has no level."""
    ratio = positive(row, "close_ratio")
    if ratio is None or ratio > 1:
        raise Rejection("which part of the trade it was is not on record")
    times = _times(row)
    if not times:
        raise Rejection("it has no time")
    percent = number(row, "percent", "level_percent")
    return {
        "level": int(positive(row, "level") or number_of),
        "percent": None if percent is None else round(percent, 2),
        "close_ratio": round(ratio, 4),
        "close_qty": positive(row, "close_qty", "quantity") or Decimal(0),
        "price": price(row, "price"),
        "order_id": text(row, "order_id")[:255],
        "status": STATUSES.get(text(row, "status").lower(), LevelStatus.CANCELED).value,
        "error": text(row, "error", "error_message"),
        "created_at": min(times),
        "updated_at": max(times),
    }


def stop_event(row: Row) -> dict[str, Any]:
    times = _times(row)
    if not times:
        raise Rejection("it has no time")
    said = {name: plain(value) for name, value in row.items() if value is not None}
    return {
        "event_type": "legacy_sltp_order",
        "risk_level": "info",
        "details": said,
        "created_at": min(times),
    }
