"""Take-profit levels as orders: parts of the ORIGINAL quantity, none and no rest below what the venue trades. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from exchanges.types import InstrumentSpec
from positions.sizing import floor_to
from trailing.engine import Entry
from trailing.rules import AtrTarget, Ladder, PercentTarget, PriceTarget


class LevelStatus(StrEnum):
    PENDING = "pending"
    EXECUTED = "executed"
    ERROR = "error"
    CANCELED = "canceled"
    MERGED = "merged"  # too small for an order of its own


@dataclass(frozen=True, slots=True)
class Rung:
    """`level` counts from 1. A level too small for an order of its own is sold with the next: `close_ratio` is what the
    plan wished for all of them."""

    level: int
    price: Decimal
    quantity: Decimal
    close_ratio: Decimal


class LevelUnreachable(ValueError):
    """A target on the wrong side of the entry or of the level before it, or an unknown average true range."""


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
    """Ordered from the entry outwards. What is left after each is nothing or can be traded at any of their prices."""
    prices = level_prices(entry, ladder)
    lowest = min(entry.price, *prices)
    closes_all = sum(level.close_ratio for level in ladder.levels) == 1
    made: list[Rung] = []
    left, ratio = original, Decimal(0)
    for number, (level, price) in enumerate(zip(ladder.levels, prices, strict=True), 1):
        ratio += level.close_ratio
        takes_rest = closes_all and number == len(prices)
        quantity = left if takes_rest else min(left, floor_to(original * ratio, spec.size_increment))
        if quantity <= 0 or not _is_tradable(quantity, price, spec):
            continue
        if not _is_tradable(left - quantity, lowest, spec):
            quantity = left
        made.append(Rung(number, price, quantity, ratio))
        left, ratio = left - quantity, Decimal(0)
    return made


def level_prices(entry: Entry, ladder: Ladder) -> list[Decimal]:
    prices = [level_price(entry, level.at) for level in ladder.levels]
    for before, after in pairwise(prices):
        if entry.is_better(before, after):
            raise LevelUnreachable(f"a level at {after:f} cannot follow one at {before:f}")
    return prices


def _is_tradable(quantity: Decimal, price: Decimal, spec: InstrumentSpec) -> bool:
    return quantity >= spec.min_quantity and quantity * price * spec.contract_size >= spec.min_notional
