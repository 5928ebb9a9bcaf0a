"""The next prices that matter to a position: between them a tick changes nothing worth doing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trailing.engine import HUNDRED, TrailingParams, TrailingPhase, TrailingState

# a better best price is worth a write when it lifts the stop by this part of the price
STEP_PERCENT = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Band:
    """A tick inside, bounds excluded, needs no work."""

    lower: Decimal
    upper: Decimal

    def is_left_by(self, mark_price: Decimal) -> bool:
        return mark_price <= self.lower or mark_price >= self.upper


def band(params: TrailingParams, state: TrailingState) -> Band:
    adverse = state.stop_price if state.stop_price is not None else params.entry_price
    good = _next_good(params, state)
    return Band(min(adverse, good), max(adverse, good))


def _next_good(params: TrailingParams, state: TrailingState) -> Decimal:
    if state.phase is TrailingPhase.ACTIVE and state.high_water_mark is not None:
        return state.high_water_mark * (1 + params.side.sign * STEP_PERCENT / HUNDRED)
    return params.activation_price
