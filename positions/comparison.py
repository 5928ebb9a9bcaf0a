"""What the exchange holds and works against what we believe. Pure; an unanswered question never gets here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from exchanges.types import OrderReport, PositionReport, PositionSide

Leg = tuple[str, PositionSide]


@dataclass(frozen=True, slots=True)
class OurLeg:
    position_id: int
    symbol: str
    position_side: PositionSide
    quantity: Decimal

    @property
    def key(self) -> Leg:
        return self.symbol, self.position_side


@dataclass(frozen=True, slots=True)
class Absent:
    """We hold it, a successful answer does not show it."""

    position_id: int


@dataclass(frozen=True, slots=True)
class Present:
    position_id: int


@dataclass(frozen=True, slots=True)
class QuantityDiffers:
    position_id: int
    ours: Decimal
    report: PositionReport


@dataclass(frozen=True, slots=True)
class Unknown:
    """The exchange holds it, no live row of ours explains it."""

    report: PositionReport


class OrderState(Enum):
    """What our row says of an order the exchange lists, or should list."""

    RESTING = auto()  # confirmed: must be listed
    UNDERWAY = auto()  # may or may not be listed
    ENDED = auto()  # must not be listed


@dataclass(frozen=True, slots=True)
class OrderLost:
    """We believe that it stands, the listing of both books does not show it."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class OrderLeftOver:
    """It ended by our rows, or its position did, and still works at the exchange."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class OrderUnasked:
    """It carries our name and has no row."""

    report: OrderReport


PositionDifference = Absent | QuantityDiffers | Unknown
OrderDifference = OrderLost | OrderLeftOver | OrderUnasked
Difference = PositionDifference | OrderDifference


def compare(
    ours: Iterable[OurLeg], theirs: Iterable[PositionReport], explained: frozenset[Leg]
) -> list[PositionDifference | Present]:
    """`explained`: legs with a live row that is not compared now, because orders of it are on their way."""
    reported = {(r.symbol, r.position_side): r for r in theirs}
    found = [_compare_leg(leg, reported.pop(leg.key, None)) for leg in ours]
    return found + [Unknown(report) for key, report in reported.items() if key not in explained]


def _compare_leg(leg: OurLeg, report: PositionReport | None) -> PositionDifference | Present:
    if report is None:
        return Absent(leg.position_id)
    if report.quantity != leg.quantity:
        return QuantityDiffers(leg.position_id, leg.quantity, report)
    return Present(leg.position_id)


def compare_orders(
    ours: Mapping[str, OrderState], listed: Iterable[OrderReport], prefix: str
) -> list[OrderDifference]:
    """`ours` by client order id: every pending row, and every row that a listed order names."""
    named = {r.client_order_id: r for r in listed if r.client_order_id.startswith(prefix)}
    lost = [OrderLost(n) for n, state in ours.items() if state is OrderState.RESTING and n not in named]
    unasked = [OrderUnasked(report) for name, report in named.items() if name not in ours]
    left = [OrderLeftOver(r) for name, r in named.items() if ours.get(name) is OrderState.ENDED]
    return [*lost, *unasked, *left]
