"""Take-profit levels as orders: parts of the ORIGINAL quantity, none and no rest below what the venue trades. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from exchanges.types import InstrumentSpec
from positions.sizing import floor_to
from trailing.engine import Entry
from trailing.plan import AtrTarget, Ladder, Level, PercentTarget, PriceTarget


@dataclass(frozen=True, slots=True)
class Rung:
    """`level` counts from 1. A level too small for an order of its own is sold with the next: `close_ratio` is what the
    plan wished for all of them."""

    level: int
    price: Decimal
    quantity: Decimal
    close_ratio: Decimal


class LevelUnreachable(ValueError):
    """A price target on the wrong side of the entry, or an unknown average true range."""


def level_price(entry: Entry, at: PercentTarget | PriceTarget | AtrTarget) -> Decimal:
    """On the grid, rounded away from the entry: never less than was asked for."""
    match at:
        case PercentTarget(percent=percent):
            price = entry.offset(entry.price, percent)
        case PriceTarget(price=price):
            pass
        case AtrTarget(multiple=multiple):
            if entry.atr is None:
                raise LevelUnreachable("the average true range at entry is not known")
            price = entry.moved(entry.price, multiple * entry.atr)
    price = entry.towards_market(price)
    if price <= 0 or not entry.is_better(price, entry.price):
        raise LevelUnreachable(f"{price:f} is no profit for a {entry.side} from {entry.price:f}")
    return price


def rungs(entry: Entry, ladder: Ladder, original: Decimal, spec: InstrumentSpec) -> list[Rung]:
    """Ordered from the entry outwards. What is left after the last is nothing or can be traded."""
    made: list[Rung] = []
    sold = ratio = Decimal(0)
    for number, level in enumerate(ladder.levels, 1):
        ratio += level.close_ratio
        price = level_price(entry, level.at)
        waiting = floor_to(original * _ratio_until(ladder.levels, number), spec.size_increment) - sold
        rest = original - sold - waiting
        if rest > 0 and not _is_tradable(rest, min(price, entry.price), spec):
            waiting += rest
        if _is_tradable(waiting, price, spec):
            made.append(Rung(number, price, waiting, ratio))
            sold, ratio = sold + waiting, Decimal(0)
        if sold == original:
            break
    return made


def _ratio_until(levels: Sequence[Level], number: int) -> Decimal:
    return sum((level.close_ratio for level in levels[:number]), Decimal(0))


def _is_tradable(quantity: Decimal, price: Decimal, spec: InstrumentSpec) -> bool:
    return quantity >= spec.min_quantity and quantity * price * spec.contract_size >= spec.min_notional
