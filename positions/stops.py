"""A stop of several orders: a venue sells only so much with each. Orders of one generation are one stop. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from uuid import UUID

from exchanges.types import PositionSide
from positions.sizing import ceil_to, floor_to

# so many conditional orders may wait in one contract at Binance. More than half of them leave no room for a better stop
# beside the standing one: it is refused, and whoever watches the price closes when the better one is crossed
MOST_ORDERS = 10
ZERO = Decimal(0)


def shares(quantity: Decimal, most: Decimal | None, step: Decimal) -> list[Decimal]:
    """As few as an order's maximum allows, and alike, so that none is too small to be traded. What even MOST_ORDERS
    cannot sell is left out."""
    most = None if most is None else floor_to(most, step)
    if most is None or most <= 0 or quantity <= most:
        return [quantity]
    count = int((quantity / most).to_integral_value(ROUND_CEILING))
    if count > MOST_ORDERS:
        return [most] * MOST_ORDERS
    each = floor_to(quantity / count, step)
    larger, crumb = divmod(quantity - each * count, step)
    alike = [each + step if number < larger else each for number in range(count)]
    return [*alike[:-1], alike[-1] + crumb]


def limits_loss(side: PositionSide, market: Decimal, trigger_price: Decimal | None) -> bool:
    """Whether an exit that waits for this price is a stop; one beyond the market waits for profit."""
    return trigger_price is not None and (market - trigger_price) * side.sign > 0


def on_step(side: PositionSide, step: Decimal, trigger_price: Decimal) -> Decimal:
    """As it is asked for: a trigger from before the contract's steps changed, on today's, nearer to the market."""
    towards_market = ceil_to if side is PositionSide.LONG else floor_to
    return towards_market(trigger_price, step)


def objection_to_stop(side: PositionSide, step: Decimal, stop: Decimal, price: Decimal | None) -> str:
    """Why a stop cannot be moved there, whoever asks; empty: it can. `price` is the one that would judge it."""
    if not (stop.is_finite() and stop > 0) or stop % step:
        return f"stop {stop} is not a multiple of {step.normalize():f}"
    if price is None:
        return "no price is known to judge the stop by"
    return (
        "" if limits_loss(side, price, stop) else f"the price ({price:f}) is already beyond the stop {stop:f}"
    )


@dataclass(frozen=True, slots=True)
class StopOrder:
    """A stop order that has not ended. `left` is what it would still sell."""

    key: UUID
    generation: int
    left: Decimal
    trigger_price: Decimal | None
    trigger_by: str
    stands: bool  # the exchange has it, nobody called it off, and if it fired, then a moment ago
    waits: bool  # for its price
    is_on_its_way: bool
    is_only_acknowledged: bool  # it may still be refused
    placed_at: datetime
    is_taken_back: bool = False  # a person wished a wider one: it counts until that one stands


@dataclass(frozen=True, slots=True)
class Stop:
    """What the standing orders of one generation do together."""

    generation: int
    left: Decimal
    trigger_price: Decimal | None
    trigger_by: str
    waits: bool
    placed_at: datetime
    is_taken_back: bool = False


def standing(orders: Iterable[StopOrder]) -> list[Stop]:
    """Oldest first."""
    by_generation: dict[int, list[StopOrder]] = defaultdict(list)
    for order in orders:
        if order.stands:
            by_generation[order.generation].append(order)
    return [_together(by_generation[number]) for number in sorted(by_generation)]


def _together(orders: Sequence[StopOrder]) -> Stop:
    first, left = orders[0], sum((order.left for order in orders), ZERO)
    waits = all(order.waits for order in orders)
    return Stop(
        first.generation,
        left,
        first.trigger_price,
        first.trigger_by,
        waits,
        placed_at=first.placed_at,
        is_taken_back=first.is_taken_back,
    )


def best(side: PositionSide, held: Decimal, orders: Iterable[StopOrder]) -> Stop | None:
    """The newest that is for all that is held, or an older one nearer to the market that fits it; where none is, the
    one that sells most."""
    stops = standing(orders)
    whole = [stop for stop in stops if stop.left >= held]
    if not whole:
        return max(stops, key=lambda stop: (stop.left, stop.generation), default=None)
    kept = whole[-1]
    for older in reversed(whole[:-1]):
        if older.left == held and older.waits and _is_nearer(side, older, kept):
            kept = older
    return kept


def _is_nearer(side: PositionSide, stop: Stop, than: Stop) -> bool:
    if (
        stop.is_taken_back
        or stop.trigger_by != than.trigger_by
        or stop.trigger_price is None
        or than.trigger_price is None
    ):
        return False
    return (stop.trigger_price - than.trigger_price) * side.sign > 0


def surplus(side: PositionSide, held: Decimal, orders: Sequence[StopOrder]) -> list[StopOrder]:
    """What is called off, now that another stop is the best. A newer one of which orders are still on their way, or
    only acknowledged, may become it."""
    kept = best(side, held, (order for order in orders if not order.is_only_acknowledged))
    if kept is None:
        return []
    may_come = {order.generation for order in orders if order.is_on_its_way or order.is_only_acknowledged}
    spared = {kept.generation, *(number for number in may_come if number > kept.generation)}
    return [order for order in orders if order.generation not in spared]
