"""Parameters the tables of this folder share: entry 100, tick 0.1, activation 1.5 %, callback 0.5 %, stop 2 %."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from exchanges.types import PositionSide
from trailing.engine import TrailingParams

LONG = TrailingParams(
    PositionSide.LONG, Decimal(100), Decimal("1.5"), Decimal("0.5"), Decimal(2), Decimal("0.1")
)
SHORT = replace(LONG, side=PositionSide.SHORT)


def mirrored(price: str | Decimal) -> Decimal:
    """The same distance on the other side of the entry at 100."""
    return 200 - Decimal(price)


def params(of: TrailingParams = LONG, **values: Any) -> TrailingParams:
    return replace(of, **values)
