"""Orders of the v3 bot, which knew no positions: what was traded of a contract until nothing was left was one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from exchanges.types import PositionSide, Side
from ops.legacy.mapping.reading import (
    NothingToCarry,
    NotYet,
    Rejection,
    Row,
    moment,
    needed,
    number,
    positive,
    price,
    text,
)
from ops.legacy.mapping.signal_bot_strategies import symbol
from ops.legacy.mapping.switches import is_on

FILLED = ("filled", "partially_filled")
NOTHING_FILLED = "it bought and sold nothing"
STILL_HELD = (
    "what it bought was not sold again here: what is still held is found when its account is connected"
)
NOT_BOUGHT = "it sells what was not bought here"
TYPES = {
    "limit": "limit",
    "stop_limit": "limit",
    "stop_loss": "stop_market",
    "take_profit": "take_profit_market",
}


@dataclass(frozen=True, slots=True)
class OldOrder:
    """What it filled of a contract. position_idx: 0 where the older bot held one position a contract."""

    key: str
    symbol: str
    side: Side
    position_idx: int
    reduces: bool
    quantity: Decimal
    price: Decimal
    at: datetime
    order_type: str
    exchange_order_id: str


@dataclass(slots=True)
class Episode:
    """A position from its first order to its last, in one way or on one leg."""

    side: PositionSide
    entries: list[OldOrder] = field(default_factory=list)
    exits: list[OldOrder] = field(default_factory=list)

    @property
    def bought(self) -> Decimal:
        return _sum(self.entries)

    @property
    def held(self) -> Decimal:
        return self.bought - _sum(self.exits)

    @property
    def orders(self) -> list[OldOrder]:
        return self.entries + self.exits

    @property
    def entry_price(self) -> Decimal:
        return _average(self.entries)

    @property
    def exit_price(self) -> Decimal:
        return _average(self.exits)

    @property
    def profit(self) -> Decimal:
        return round((self.exit_price - self.entry_price) * self.bought * self.side.sign, 8)


def old_order(row: Row, key: str) -> OldOrder:
    status = needed(row, "status").lower()
    quantity = positive(row, "filled_quantity", "executed_qty")
    if quantity is None and status == "filled":
        quantity = positive(row, "quantity")
    if quantity is None or (status not in FILLED and positive(row, "filled_quantity") is None):
        raise NothingToCarry(NOTHING_FILLED)
    at, paid = moment(row, "filled_at", "updated_at", "created_at"), price(row, "average_price", "price")
    if at is None or paid is None:
        raise Rejection("when it was filled, or at which price, is not on record")
    return OldOrder(
        key=key,
        symbol=symbol(row),
        side=_side(row),
        position_idx=int(number(row, "position_idx") or 0),
        reduces=is_on(row, "reduce_only", unsaid=False),
        quantity=quantity,
        price=paid,
        at=at,
        order_type=TYPES.get(text(row, "order_type", "type").lower(), "market"),
        exchange_order_id=text(row, "order_id", "exchange_order_id")[:64],
    )


def _side(row: Row) -> Side:
    said = needed(row, "side").lower()
    if said not in ("buy", "sell"):
        raise Rejection(f"side {said[:20]!r} is neither buy nor sell")
    return Side(said)


def episodes(orders: Iterable[OldOrder]) -> tuple[list[Episode], Mapping[str, Rejection]]:
    """Those that ended, and of the other orders why they are in none. What is held may end by a later order."""
    ended, running, left = list[Episode](), dict[tuple[str, int], Episode](), dict[str, Rejection]()
    for order in sorted(orders, key=lambda one: (one.at, one.key)):
        leg = (order.symbol, order.position_idx)
        episode = running.get(leg) or Episode(_side_of(order))
        if order.side == episode.side.entry_side and not order.reduces:
            episode.entries.append(order)
            running[leg] = episode
        elif order.quantity > episode.held:
            left[order.key] = NothingToCarry(NOT_BOUGHT)
        else:
            episode.exits.append(order)
            if not episode.held:
                ended.append(running.pop(leg))
    left |= {order.key: NotYet(STILL_HELD) for episode in running.values() for order in episode.orders}
    return ended, left


def _side_of(order: OldOrder) -> PositionSide:
    """Of a position that begins with it; what only reduces begins none."""
    if order.position_idx in (1, 2):
        return PositionSide.LONG if order.position_idx == 1 else PositionSide.SHORT
    is_long = (order.side is Side.BUY) != order.reduces
    return PositionSide.LONG if is_long else PositionSide.SHORT


def _sum(orders: Iterable[OldOrder]) -> Decimal:
    return sum((one.quantity for one in orders), Decimal(0))


def _average(orders: list[OldOrder]) -> Decimal:
    return round(sum((one.quantity * one.price for one in orders), Decimal(0)) / _sum(orders), 8)
