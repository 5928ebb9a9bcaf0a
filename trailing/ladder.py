"""Take-profit levels as orders: parts of the ORIGINAL quantity, none and no rest below what the venue trades. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

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


class NextLevel(StrEnum):
    """What a position's levels wait for next."""

    NONE = "none"
    PRICE = "price"
    SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class Target:
    """`level` counts from 1; `close_ratio` includes what refused levels leave to it."""

    level: int
    price: Decimal
    close_ratio: Decimal


@dataclass(frozen=True, slots=True)
class Targets:
    """`refused`: by level, why."""

    reachable: list[Target] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


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


def targets(entry: Entry, ladder: Ladder) -> Targets:
    """A level that cannot be reached is refused alone: its part goes with the next, or with the last one that can."""
    found = Targets()
    carried = Decimal(0)
    for number, level in enumerate(ladder.levels, 1):
        try:
            price = _price_after(entry, level.at, found.reachable)
        except LevelUnreachable as refusal:
            found.refused[number] = str(refusal)
            carried += level.close_ratio
        else:
            found.reachable.append(Target(number, price, level.close_ratio + carried))
            carried = Decimal(0)
    if carried and found.reachable:
        last = found.reachable.pop()
        found.reachable.append(replace(last, close_ratio=last.close_ratio + carried))
    return found


def _price_after(entry: Entry, at: PercentTarget | PriceTarget | AtrTarget, before: list[Target]) -> Decimal:
    price = level_price(entry, at)
    if before and entry.is_better(before[-1].price, price):
        raise LevelUnreachable(f"a level at {price:f} cannot follow one at {before[-1].price:f}")
    return price


def rungs(entry: Entry, ladder: Ladder, original: Decimal, spec: InstrumentSpec) -> list[Rung]:
    """Ordered from the entry outwards. What is left after each is nothing or can be traded at any of their prices."""
    reachable = targets(entry, ladder).reachable
    lowest = min((entry.price, *(target.price for target in reachable)))
    closes_all = sum(level.close_ratio for level in ladder.levels) == 1
    made: list[Rung] = []
    left, ratio = original, Decimal(0)
    for target in reachable:
        ratio += target.close_ratio
        takes_rest = closes_all and target is reachable[-1]
        quantity = left if takes_rest else min(left, floor_to(original * ratio, spec.size_increment))
        if quantity <= 0 or not _is_tradable(quantity, target.price, spec):
            continue
        if not _is_tradable(left - quantity, lowest, spec):
            quantity = left
        made.append(Rung(target.level, target.price, quantity, ratio))
        left, ratio = left - quantity, Decimal(0)
    return made


def _is_tradable(quantity: Decimal, price: Decimal, spec: InstrumentSpec) -> bool:
    return quantity >= spec.min_quantity and quantity * price * spec.contract_size >= spec.min_notional
