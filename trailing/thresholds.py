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
from trailing.engine import Entry, TrailingPhase, TrailingState
from trailing.plan import ProtectionPlan
from trailing.protection import (
    FINEST,
    next_noted_best,
    next_trailing_stop,
    profit_steps,
    protected,
    stop_to_beat,
)
from trailing.rules import StepsTrail


@dataclass(frozen=True, slots=True)
class Band:
    """A price inside, bounds excluded, needs no work; a missing bound is never reached."""

    lower: Decimal | None
    upper: Decimal | None

    def is_left_by(self, price: Decimal) -> bool:
        below = self.lower is not None and price <= self.lower
        return below or (self.upper is not None and price >= self.upper)


ANY_PRICE = Band(None, Decimal(0))
NO_PRICE = Band(None, None)


def band(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, age_hours: Decimal, atr: Decimal | None = None
) -> Band:
    """For this age and this average true range: when either changes, ask again."""
    if state.phase is TrailingPhase.TRIGGERED:
        return NO_PRICE
    if _is_behind(entry, plan, state, atr):
        return ANY_PRICE
    good = None
    for price in _next_good(entry, plan, state, age_hours, atr):
        good = price if good is None else entry.worse(good, price)
    return Band(state.stop_price, good) if entry.side is PositionSide.LONG else Band(good, state.stop_price)


def _is_behind(entry: Entry, plan: ProtectionPlan, state: TrailingState, atr: Decimal | None) -> bool:
    """The next price changes something whatever it is."""
    lost_mark = state.phase is TrailingPhase.ACTIVE and state.high_water_mark is None
    return lost_mark or protected(entry, plan, state, atr) != state


def _next_good(
    entry: Entry, plan: ProtectionPlan, state: TrailingState, age_hours: Decimal, atr: Decimal | None
) -> Iterator[Decimal]:
    best, standing = state.high_water_mark, state.stop_price
    for price in _triggers(entry, plan):
        if best is None or entry.is_better(price, best):
            yield price
    if plan.trailing is not None and state.phase is not TrailingPhase.ACTIVE:
        yield activation_price(entry, plan.trailing)
    if plan.trailing is not None and state.phase is TrailingPhase.ACTIVE and best and standing:
        wished = next_trailing_stop(entry, plan, state, stop_to_beat(entry, state, standing))
        yield _grained(entry, behind(entry, plan.trailing, best, atr).best_for(entry, wished))
    if (worth_noting := next_noted_best(entry, plan, state)) is not None:
        yield worth_noting
    if plan.age is not None and (plan.age.while_trailing or state.phase is not TrailingPhase.ACTIVE):
        target = exit_target(entry, plan.age, age_hours)
        if target is not None:
            yield target


def _grained(entry: Entry, price: Decimal) -> Decimal:
    """A quotient is never rounded beyond the price it stands for."""
    return price.quantize(FINEST, ROUND_FLOOR if entry.side is PositionSide.LONG else ROUND_CEILING)


def _triggers(entry: Entry, plan: ProtectionPlan) -> Iterator[Decimal]:
    for trigger, _lock, _reason in profit_steps(plan):
        yield entry.offset(entry.price, trigger)
    if isinstance(plan.trailing, StepsTrail):
        for step in plan.trailing.steps:
            yield entry.offset(entry.price, step.profit_percent)
