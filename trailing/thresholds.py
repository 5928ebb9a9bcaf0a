"""The next prices that matter to a position: between them no price changes its stop or its fate. Pure.

Trailing stops move in steps of the plan's least improvement, so the price of the next step is known beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from exchanges.types import PositionSide
from trailing.aging import exit_target
from trailing.distances import activation_price, behind
from trailing.engine import Entry, StopReason, TrailingPhase, TrailingState
from trailing.plan import ProtectionPlan, StepsTrail
from trailing.protection import least_improved, profit_steps

# finer than any price: a threshold is never rounded beyond the price it stands for
_GRAIN = Decimal(1).scaleb(-12)


@dataclass(frozen=True, slots=True)
class Band:
    """A price inside, bounds excluded, needs no work; a missing bound is never reached."""

    lower: Decimal | None
    upper: Decimal | None

    def is_left_by(self, price: Decimal) -> bool:
        below = self.lower is not None and price <= self.lower
        return below or (self.upper is not None and price >= self.upper)


def band(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, age_hours: Decimal, atr: Decimal | None = None
) -> Band:
    good = None
    for price in _next_good(entry, plan, state, age_hours, atr):
        good = price if good is None else entry.worse(good, price)
    if good is not None:
        good = good.quantize(_GRAIN, ROUND_FLOOR if entry.side is PositionSide.LONG else ROUND_CEILING)
    is_long = entry.side is PositionSide.LONG
    return Band(state.stop_price, good) if is_long else Band(good, state.stop_price)


def _next_good(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, age_hours: Decimal, atr: Decimal | None
) -> Iterator[Decimal]:
    best = state.high_water_mark
    for price in _triggers(entry, plan, state):
        if best is None or entry.is_better(price, best):
            yield price
    if best is not None and state.phase is TrailingPhase.ACTIVE and plan.trailing is not None:
        moved = behind(entry, plan.trailing, best, atr).best_for(entry, _next_stop(entry, plan, state))
        yield entry.better(moved, best)
    ages = plan.age is not None and (plan.age.while_trailing or state.phase is not TrailingPhase.ACTIVE)
    target = exit_target(entry, plan.age, age_hours) if ages and plan.age is not None else None
    if target is not None:
        yield target


def _triggers(entry: Entry, plan: ProtectionPlan, state: TrailingState) -> Iterator[Decimal]:
    for trigger, _lock, _reason in profit_steps(plan):
        yield entry.offset(entry.price, trigger)
    if plan.trailing is not None and state.phase is not TrailingPhase.ACTIVE:
        yield activation_price(entry, plan.trailing)
    if isinstance(plan.trailing, StepsTrail):
        for step in plan.trailing.steps:
            yield entry.offset(entry.price, step.profit_percent)


def _next_stop(entry: Entry, plan: ProtectionPlan, state: TrailingState) -> Decimal:
    """The nearest stop that is worth a move."""
    if state.stop_price is None:
        return entry.price_increment
    next_tick = entry.moved(state.stop_price, entry.price_increment)
    if state.stop_reason is not StopReason.TRAILING:
        return next_tick
    return entry.better(next_tick, entry.towards_market(least_improved(entry, plan, state.stop_price)))
