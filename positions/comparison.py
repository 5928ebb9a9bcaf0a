"""What the exchange holds against what we believe. Pure; an unanswered question never gets here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from exchanges.types import PositionReport, PositionSide

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
    theirs: Decimal


@dataclass(frozen=True, slots=True)
class Unknown:
    """The exchange holds it, no live row of ours explains it."""

    report: PositionReport


Difference = Absent | Present | QuantityDiffers | Unknown


def compare(
    ours: Iterable[OurLeg], theirs: Iterable[PositionReport], explained: frozenset[Leg]
) -> list[Difference]:
    """`explained`: legs with a live row that is not compared now, because orders of it are on their way."""
    reported = {(r.symbol, r.position_side): r for r in theirs}
    found = [_compare_leg(leg, reported.pop(leg.key, None)) for leg in ours]
    return found + [Unknown(report) for key, report in reported.items() if key not in explained]


def _compare_leg(leg: OurLeg, report: PositionReport | None) -> Difference:
    if report is None:
        return Absent(leg.position_id)
    if report.quantity != leg.quantity:
        return QuantityDiffers(leg.position_id, leg.quantity, report.quantity)
    return Present(leg.position_id)
