"""How much a part of a position is. Pure: ratios of the ORIGINAL quantity, steps and minima in, a quantity out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from exchanges.types import InstrumentSpec
from positions.sizing import Skip, floor_to


@dataclass(frozen=True, slots=True)
class Holding:
    """Base units. `original`: what the entry bought. `promised`: what other closing orders may still take."""

    original: Decimal
    held: Decimal
    promised: Decimal = Decimal(0)

    @property
    def free(self) -> Decimal:
        return max(self.held - self.promised, Decimal(0))


@dataclass(frozen=True, slots=True)
class Reduce:
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class CloseAll:
    """The last part takes the rest, and so does one that would leave a crumb nobody can close."""


def part_of(
    holding: Holding, close_ratio: Decimal, spec: InstrumentSpec, price: Decimal, *, is_last: bool = False
) -> Reduce | CloseAll | Skip:
    """`price` is what stays behind is valued at; `is_last` takes all that earlier parts, rounded down, left."""
    if not (close_ratio.is_finite() and 0 < close_ratio <= 1):
        return Skip(f"the close ratio must be above 0 and at most 1, not {close_ratio}")
    if holding.free <= 0:
        return Skip("nothing is held that is not already being closed")
    share = holding.free if is_last else floor_to(holding.original * close_ratio, spec.size_increment)
    wanted = min(share, holding.free)
    if wanted < spec.min_quantity and wanted < holding.held:
        return Skip(f"{close_ratio} of {holding.original:f} is below the exchange's minimum quantity")
    return _without_crumbs(holding, wanted, spec, price)


def quantity_of(
    holding: Holding, wanted: Decimal, spec: InstrumentSpec, price: Decimal
) -> Reduce | CloseAll | Skip:
    """So much in base units, rounded down to the contract's step."""
    if not (wanted.is_finite() and wanted > 0):
        return Skip("say how much: a number above 0")
    if wanted > holding.free:
        return Skip(f"only {holding.free.normalize():f} can still be closed, not {wanted.normalize():f}")
    rounded = floor_to(wanted, spec.size_increment)
    if rounded < spec.min_quantity and wanted < holding.held:
        return Skip(f"{wanted:f} is below the exchange's minimum quantity of {spec.min_quantity:f}")
    return _without_crumbs(holding, rounded, spec, price)


def _without_crumbs(
    holding: Holding, wanted: Decimal, spec: InstrumentSpec, price: Decimal
) -> Reduce | CloseAll:
    if not is_tradable(holding.held - wanted, spec, price):
        return CloseAll()
    return Reduce(wanted)


def is_tradable(quantity: Decimal, spec: InstrumentSpec, price: Decimal) -> bool:
    """Enough to be an order of its own."""
    return quantity >= spec.min_quantity and quantity * price * spec.contract_size >= spec.min_notional
