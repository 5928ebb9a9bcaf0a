"""What the first bot traded, as executions and orders of ours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exchanges.types import OrderType, PositionSide, Side
from ops.legacy.mapping import words
from ops.legacy.mapping.reading import (
    NothingToCarry,
    Rejection,
    Row,
    moment,
    needed,
    number,
    positive,
    price,
    text,
)
from positions.lifecycle import OrderPurpose, OrderStatus

DONE = ("filled", "closed")
ENDS = {
    **dict.fromkeys(DONE, OrderStatus.FILLED),
    **dict.fromkeys(("canceled", "cancelled"), OrderStatus.CANCELED),
    "expired": OrderStatus.EXPIRED,
    **dict.fromkeys(("rejected", "failed", "error"), OrderStatus.REJECTED),
}
_TYPES = {
    "limit": OrderType.LIMIT,
    "stop_market": OrderType.STOP_MARKET,
    "stop": OrderType.STOP_MARKET,
    "stop_loss": OrderType.STOP_MARKET,
    "take_profit_market": OrderType.TAKE_PROFIT_MARKET,
    "take_profit": OrderType.TAKE_PROFIT_MARKET,
    "trailing_stop_market": OrderType.TRAILING_STOP_MARKET,
}


@dataclass(frozen=True, slots=True)
class OldTrade:
    """The first bot wrote down its entries alone."""

    venue: str
    symbol: str
    side: Side
    position_side: PositionSide
    signal_id: str | None
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    exchange_order_id: str
    client_order_id: str
    executed_at: datetime


def old_trade(row: Row) -> OldTrade:
    status = text(row, "status").lower()
    if status not in ("", *DONE):
        why = text(row, "error_message")
        raise NothingToCarry(f"nothing was executed: {status}" + (f" ({why})" if why else ""))
    quantity, paid = positive(row, "executed_qty", "quantity"), price(row, "average_price", "price")
    if quantity is None or paid is None:
        raise Rejection("it has no quantity" if quantity is None else "it has no price")
    side = words.order_side(row)
    return OldTrade(
        venue=words.venue(row),
        symbol=words.symbol(row),
        side=side,
        position_side=PositionSide.LONG if side is Side.BUY else PositionSide.SHORT,
        signal_id=words.signal_id(row),
        quantity=quantity,
        price=paid,
        fee=number(row, "fee") or Decimal(0),
        fee_currency=text(row, "fee_currency")[:10],
        exchange_order_id=text(row, "order_id")[:64],
        client_order_id=text(row, "client_order_id")[:40],
        executed_at=when(row, "executed_at", "created_at", "updated_at"),
    )


@dataclass(frozen=True, slots=True)
class OldOrder:
    side: Side
    status: OrderStatus
    order_type: OrderType
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    exchange_order_id: str
    words: str  # how the old bot called it
    created_at: datetime

    def purpose(self, leg: PositionSide) -> OrderPurpose:
        if self.side is leg.entry_side:
            return OrderPurpose.ENTRY
        if self.order_type is OrderType.TAKE_PROFIT_MARKET:
            return OrderPurpose.TAKE_PROFIT
        return OrderPurpose.PROTECT if self.order_type.is_conditional else OrderPurpose.CLOSE


def old_order(row: Row) -> OldOrder:
    said = needed(row, "status").lower()
    if said not in ENDS:
        raise NothingToCarry(f"it was still {said}: what became of it is the exchange's to tell")
    quantity = positive(row, "size", "quantity", "amount")
    if quantity is None:
        raise Rejection("it has no quantity")
    status = ENDS[said]
    filled = quantity if status is OrderStatus.FILLED else positive(row, "filled") or Decimal(0)
    return OldOrder(
        side=words.order_side(row),
        status=status,
        order_type=_TYPES.get(text(row, "type", "order_type").lower(), OrderType.MARKET),
        quantity=quantity,
        filled=min(filled, quantity),
        price=price(row, "price"),
        exchange_order_id=text(row, "order_id")[:64],
        words=f"older bot's order {text(row, 'client_order_id', 'order_id')}".strip(),
        created_at=when(row, "created_at", "updated_at"),
    )


def when(row: Row, *names: str) -> datetime:
    if (at := moment(row, *names)) is None:
        raise Rejection("it has no time")
    return at
