"""At what price and for how long an order works, and what is wrong with it before it is sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from exchanges.types import InstrumentSpec, OrderType, PositionSide, PriceKind, Side, TimeInForce

# a limit further through the market than this is a slip of the hand, and the exchange refuses it too
MOST_THROUGH_PERCENT = Decimal(5)
# the exchange ends an order at its own date only when that is at least ten minutes ahead
OWN_EXPIRY_AHEAD = timedelta(minutes=11)
AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


@dataclass(frozen=True, slots=True)
class Terms:
    """Without a time in force a limit order works until it is canceled, or until `expires_at`. GTX is post-only."""

    order_type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    callback_rate: Decimal | None = None  # percent; the exchange trails
    activation_price: Decimal | None = None  # from here on; without it at once
    trigger_by: PriceKind = PriceKind.MARK
    time_in_force: TimeInForce | None = None
    expires_at: datetime | None = None


MARKET = Terms()


@dataclass(frozen=True, slots=True)
class Leg:
    """What the numbers are held against. `mark_price` None: not known now, the exchange will judge."""

    spec: InstrumentSpec
    position_side: PositionSide
    mark_price: Decimal | None
    now: datetime


def objection_to_entry(terms: Terms, quantity: Decimal, leg: Leg) -> str | None:
    side = leg.position_side.entry_side
    if terms.order_type.is_conditional:
        return "an entry is a market or a limit order"
    return _objection(terms, quantity, side, leg) or _too_little(terms, quantity, leg)


def objection_to_exit(terms: Terms, quantity: Decimal, free: Decimal, leg: Leg) -> str | None:
    """`free`: held and not promised to another order. What closes has no least value at the exchange."""
    if quantity > free:
        return f"only {free:f} can still be closed, not {quantity:f}"
    return _objection(terms, quantity, leg.position_side.exit_side, leg)


def objection_to_target(terms: Terms, leg: Leg) -> str | None:
    """A take-profit must wait for a better price than the market's."""
    target = terms.price if terms.order_type is OrderType.LIMIT else terms.trigger_price
    if terms.order_type not in (OrderType.LIMIT, OrderType.TAKE_PROFIT_MARKET):
        return "a take-profit is a limit or a take_profit_market order"
    if target is None or leg.mark_price is None:
        return None
    if (target - leg.mark_price) * leg.position_side.sign <= 0:
        return f"the market ({leg.mark_price:f}) is already at the take-profit {target:f}"
    return None


def objection_to_move(terms: Terms, side: Side, leg: Leg, *, is_target: bool) -> str | None:
    """Of a working limit order to the price in `terms`. The exchange ends a post-only order that would take."""
    price = terms.price or Decimal(0)
    wrong = _price(price, side, leg) or (objection_to_target(terms, leg) if is_target else None)
    if wrong or terms.time_in_force is not TimeInForce.GTX or leg.mark_price is None:
        return wrong
    takes = price >= leg.mark_price if side is Side.BUY else price <= leg.mark_price
    return (
        f"a post-only order at {price:f} would take: the market is at {leg.mark_price:f}" if takes else None
    )


def _price(price: Decimal, side: Side, leg: Leg) -> str | None:
    return _off_step(price, leg.spec.price_increment, "price") or _too_far_through(price, side, leg)


def in_force_at(terms: Terms, now: datetime) -> TimeInForce | None:
    """What is asked of the exchange: to end the order itself where it can; else we cancel it."""
    dated = terms.order_type is OrderType.LIMIT and terms.time_in_force in (None, TimeInForce.GTD)
    if not dated or terms.expires_at is None:
        return terms.time_in_force
    return TimeInForce.GTD if terms.expires_at - now >= OWN_EXPIRY_AHEAD else TimeInForce.GTC


def _objection(terms: Terms, quantity: Decimal, side: Side, leg: Leg) -> str | None:
    return (
        _words(terms, leg.now)
        or _quantity(quantity, leg.spec)
        or (_price(terms.price, side, leg) if terms.price is not None else None)
        or (
            _off_step(terms.trigger_price, leg.spec.price_increment, "trigger price")
            if terms.trigger_price is not None
            else None
        )
    )


def _words(terms: Terms, now: datetime) -> str | None:
    is_limit = terms.order_type is OrderType.LIMIT
    if is_limit != (terms.price is not None):
        return f"a {terms.order_type} order {'needs a' if is_limit else 'has no'} price"
    if terms.order_type.is_conditional != (terms.trigger_price is not None):
        needs = "needs a" if terms.order_type.is_conditional else "has no"
        return f"a {terms.order_type} order {needs} trigger price"
    if terms.time_in_force is not None and not is_limit:
        return "only a limit order has a time in force"
    return _expiry(terms, now)


def _expiry(terms: Terms, now: datetime) -> str | None:
    if terms.expires_at is None:
        return (
            "an order that is good till a date needs it" if terms.time_in_force is TimeInForce.GTD else None
        )
    if terms.order_type is OrderType.MARKET or terms.time_in_force in AT_ONCE:
        return "an order that ends at once has no later end"
    if terms.expires_at.tzinfo is None:
        return "the order's end needs a time zone"
    return "the order's end has passed" if terms.expires_at <= now else None


def _quantity(quantity: Decimal, spec: InstrumentSpec) -> str | None:
    wrong = _off_step(quantity, spec.size_increment, "quantity")
    if wrong:
        return wrong
    if quantity < spec.min_quantity:
        return f"quantity {quantity:f} is below the exchange's minimum of {spec.min_quantity:f}"
    if spec.max_quantity is not None and quantity > spec.max_quantity:
        return f"quantity {quantity:f} is above the exchange's maximum of {spec.max_quantity:f}"
    return None


def _off_step(value: Decimal, step: Decimal, name: str) -> str | None:
    if not (value.is_finite() and value > 0):
        return f"{name} must be above zero"
    return f"{name} {value:f} is not a multiple of {step.normalize():f}" if value % step else None


def _too_far_through(price: Decimal, side: Side, leg: Leg) -> str | None:
    if leg.mark_price is None:
        return None
    away = (price - leg.mark_price) * (1 if side is Side.BUY else -1)
    if away * 100 <= leg.mark_price * MOST_THROUGH_PERCENT:
        return None
    return f"price {price:f} is more than {MOST_THROUGH_PERCENT} % through the market ({leg.mark_price:f})"


def _too_little(terms: Terms, quantity: Decimal, leg: Leg) -> str | None:
    price = terms.price or leg.mark_price
    if price is None or quantity * price * leg.spec.contract_size >= leg.spec.min_notional:
        return None
    return f"{quantity:f} at {price:f} is worth less than the exchange's minimum of {leg.spec.min_notional:f}"
