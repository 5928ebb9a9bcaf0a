"""What the sheets of acts say before they are confirmed. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.functional import SimpleLazyObject

from exchanges.types import Book
from positions import formats
from positions.closing_costs import closing_costs
from positions.lifecycle import DONE, OrderPurpose, OrderStatus
from positions.live_rows import Held, position_row
from positions.models import Order, Position
from positions.risk import liquidated_at_percent
from positions.sizing import floor_to

HUNDRED = Decimal(100)


def closing_facts(held: Held, now: datetime) -> Any:
    """Only for whoever looks at them: the exchange is asked, and a form that arrives must not wait for it."""
    return SimpleLazyObject(lambda: position_row(held, now) | {"costs": closing_costs(held)})


def shares(held: Held) -> list[dict[str, str]]:
    step = Position.objects.values_list("instrument__size_increment", flat=True).get(pk=held.id)
    return [
        {
            "percent": str(percent),
            "quantity": formats.quantity(floor_to(held.quantity * percent / 100, step)),
        }
        for percent in (25, 50, 75)
    ]


@dataclass(frozen=True, slots=True)
class Level:
    """A stop as an owner weighs it."""

    price: str
    distance: str  # from the mark
    money: str  # what the position makes or loses there, before fees
    tone: str


def level(held: Held, stop: Decimal | None) -> Level:
    unknown = formats.UNKNOWN
    if stop is None:
        return Level("no stop", unknown, unknown, "down")
    sign, distance, money = held.position_side.sign, None, None
    if held.mark_price:
        distance = (held.mark_price - stop) * sign / held.mark_price * HUNDRED
    if held.entry_price is not None:
        money = (stop - held.entry_price) * held.quantity * sign
    return Level(
        formats.price(stop, held.price_increment),
        formats.percent(distance),
        formats.change(money),
        formats.tone(money),
    )


def is_loosening(held: Held, stop: Decimal, level_by_now: Decimal | None) -> bool:
    """Wider than what stands, or than what its plan is about to put there."""
    known = [one for one in (held.stop_price, level_by_now) if one is not None]
    return any((stop - one) * held.position_side.sign < 0 for one in known)


def liquidation(held: Held) -> Decimal | None:
    """Estimated, of its own margin alone."""
    if held.entry_price is None:
        return None
    percent = liquidated_at_percent(held.leverage)
    return max(held.entry_price * (1 - held.position_side.sign * percent / HUNDRED), Decimal(0))


def left_alone(held: Held) -> list[str]:
    """What is not done any more once it is handed over, and what stays at the exchange."""
    said = ["No stop follows the price any more: trailing, breakeven, profit locks and the age limit end."]
    if held.stop_price is None:
        said.append("NO STOP stands at the exchange: nothing limits its loss.")
    else:
        price = formats.price(held.stop_price, held.price_increment)
        said.append(f"The stop at {price} stays where it is. When it goes, nothing puts another there.")
    unsent_or_over = [*DONE, OrderStatus.INITIALIZED]
    targets = Order.objects.filter(position=held.id, purpose=OrderPurpose.TAKE_PROFIT).exclude(
        status__in=unsent_or_over
    )
    for target in targets:
        at = formats.price(
            target.price if target.book == Book.PLAIN else target.trigger_price, held.price_increment
        )
        said.append(f"The take-profit of {formats.quantity(target.quantity)} at {at} stays.")
    said.append("Signals do not close it. Close all, and its own Close, still do.")
    said.append(
        "Nothing is opened on this side of its contract while it is held; its executions are counted."
    )
    return said
