"""A position of the first bot as values of ours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exchanges.types import PositionSide
from ops.legacy.mapping import words
from ops.legacy.mapping.reading import Rejection, Row, moment, needed, number, positive, price, text
from positions.lifecycle import CloseReason, PositionStatus

LIVE = {
    "pending_entry": PositionStatus.OPENING,
    "entry_placed": PositionStatus.OPENING,
    "pending_sl": PositionStatus.OPENING,
    "active": PositionStatus.OPEN,
    "open": PositionStatus.OPEN,
}
NEVER_HELD = ("failed", "canceled", "cancelled", "expired")
ENDED = ("closed", "rolled_back", "phantom", "liquidated", *NEVER_HELD)
_REASONS = (  # the first whose beginning fits
    ("phantom_aged", CloseReason.PHANTOM_AGED),
    ("phantom", CloseReason.EXTERNAL),
    ("stop_loss", CloseReason.STOP_LOSS),
    ("trailing_stop", CloseReason.TRAILING_STOP),
    ("take_profit", CloseReason.TAKE_PROFIT),
    ("manual", CloseReason.MANUAL),
    ("liquidat", CloseReason.LIQUIDATION),
    ("aged_", CloseReason.AGE),
    ("max_age", CloseReason.AGE),
    ("rollback", CloseReason.UNPROTECTED),
)
MOST_LEVERAGE = 125


@dataclass(frozen=True, slots=True)
class OldPosition:
    venue: str
    symbol: str
    position_side: PositionSide
    status: PositionStatus
    signal_id: str | None
    quantity: Decimal
    entry_price: Decimal | None
    exit_price: Decimal | None
    last_price: Decimal | None
    leverage: int
    realized_pnl: Decimal
    fees: Decimal
    created_at: datetime | None
    opened_at: datetime | None  # None: nothing was held, as far as the old bot knew
    closed_at: datetime | None
    told_at: datetime | None  # when the old bot last wrote it
    close_reason: CloseReason | None
    close_words: str  # the old bot's own


def old_position(row: Row) -> OldPosition:
    said = needed(row, "status").lower()
    status = LIVE.get(said)
    if status is None and said not in ENDED:
        raise Rejection(f"status {said!r} is not known")
    entry = price(row, "entry_price")
    if status is PositionStatus.OPEN and entry is None:
        status = PositionStatus.OPENING  # what it paid is the exchange's to say
    quantity = positive(row, "quantity")
    if quantity is None:
        raise Rejection("it has no quantity")
    created = moment(row, "created_at", "opened_at", "updated_at")
    was_held = status is PositionStatus.OPEN or (status is None and said not in NEVER_HELD)
    return OldPosition(
        venue=words.venue(row),
        symbol=words.symbol(row),
        position_side=words.position_side(row),
        status=status or PositionStatus.CLOSED,
        signal_id=words.signal_id(row),
        quantity=quantity,
        entry_price=entry,
        exit_price=price(row, "exit_price"),
        last_price=price(row, "current_price"),
        leverage=_leverage(row),
        realized_pnl=number(row, "realized_pnl", "pnl") or Decimal(0),
        fees=number(row, "fees") or Decimal(0),
        created_at=created,
        opened_at=moment(row, "opened_at", "created_at") if was_held else None,
        closed_at=None if status else moment(row, "closed_at", "updated_at") or created,
        told_at=moment(row, "updated_at", "opened_at", "created_at"),
        close_reason=None if status else close_reason(said, text(row, "exit_reason")),
        close_words=text(row, "exit_reason") or said,
    )


def close_reason(status: str, words: str) -> CloseReason:
    if status in NEVER_HELD:
        return CloseReason.NEVER_OPENED
    if status == "liquidated":
        return CloseReason.LIQUIDATION
    said = words.lower()
    found = (reason for beginning, reason in _REASONS if said.startswith(beginning))
    return next(found, CloseReason.UNPROTECTED if status == "rolled_back" else CloseReason.EXTERNAL)


def _leverage(row: Row) -> int:
    """Ours are whole; the column's default stands where it was never set."""
    return min(max(int(positive(row, "leverage") or 1), 1), MOST_LEVERAGE)
