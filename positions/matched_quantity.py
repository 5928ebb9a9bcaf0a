"""How much two accounts can hold of one contract alike: one sells exactly what the other buys. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import lcm

from exchanges.types import InstrumentSpec
from positions.sizing import Skip, ceil_to, floor_to


@dataclass(frozen=True, slots=True)
class Place:
    """One account's side: `most` is what it may put into this, in quote currency."""

    name: str
    spec: InstrumentSpec
    price: Decimal
    most: Decimal


@dataclass(frozen=True, slots=True)
class Matched:
    """The same amount in base units, as contracts of each venue."""

    base: Decimal
    contracts: tuple[Decimal, Decimal]


def matched_quantity(places: tuple[Place, Place]) -> Matched | Skip:
    step = common_step(_step(places[0].spec), _step(places[1].spec))
    base = floor_to(min(_most(place) for place in places), step)
    for place in places:
        if base < (least := ceil_to(_least(place), step)):
            return Skip(f"{base:f} is all that both may hold, {place.name} takes {least:f} or more")
    first, second = (base / place.spec.contract_size for place in places)
    return Matched(base, (first, second))


def _step(spec: InstrumentSpec) -> Decimal:
    return spec.size_increment * spec.contract_size


def _most(place: Place) -> Decimal:
    by_money = max(place.most, Decimal(0)) / place.price
    spec = place.spec
    return by_money if spec.max_quantity is None else min(by_money, spec.max_quantity * spec.contract_size)


def _least(place: Place) -> Decimal:
    return max(place.spec.min_quantity * place.spec.contract_size, place.spec.min_notional / place.price)


def common_step(one: Decimal, other: Decimal) -> Decimal:
    """The least amount that is a whole number of both steps."""
    (a, b), (c, d) = one.as_integer_ratio(), other.as_integer_ratio()
    return Decimal(lcm(a * d, c * b)) / Decimal(b * d)


def most_notional(
    wanted: Decimal, available: Decimal | None, leverage: int, taker_fee_percent: Decimal
) -> Decimal:
    """What one account may put in: as much as wanted, its margin and both its fees within the free balance."""
    if available is None:
        return wanted
    return min(wanted, available / (Decimal(1) / leverage + 2 * taker_fee_percent / 100))
