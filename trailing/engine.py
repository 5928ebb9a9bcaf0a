"""What is protected, where its trailing stop is in its life, and the words of a verdict. Pure.

Long: profit is upwards; short is the mirror. Percent values are percent: 1 means 1 %. Stops are rounded away from
the market (floor for a long, ceiling for a short): rounded towards it, a coarse tick could put one on the price itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum

from exchanges.types import PositionSide

HUNDRED = Decimal(100)


class TrailingPhase(StrEnum):
    INACTIVE = "inactive"
    WAITING = "waiting"
    ACTIVE = "active"
    TRIGGERED = "triggered"


PHASES: dict[TrailingPhase, frozenset[TrailingPhase]] = {
    TrailingPhase.INACTIVE: frozenset({TrailingPhase.WAITING, TrailingPhase.ACTIVE, TrailingPhase.TRIGGERED}),
    TrailingPhase.WAITING: frozenset({TrailingPhase.ACTIVE, TrailingPhase.TRIGGERED}),
    TrailingPhase.ACTIVE: frozenset({TrailingPhase.TRIGGERED}),
    TrailingPhase.TRIGGERED: frozenset(),
}


class IllegalPhase(Exception):
    """A bug in the caller: this phase cannot follow that one."""


class StopReason(StrEnum):
    """Which candidate the effective stop is."""

    STOP_LOSS = "stop_loss"
    BREAKEVEN = "breakeven"
    PROFIT_LOCK = "profit_lock"
    AFTER_LEVEL = "after_level"
    TRAILING = "trailing"
    BY_HAND = "by_hand"
    OPPOSITE = "opposite"  # at the entry, since a signal spoke against the position


@dataclass(frozen=True, slots=True)
class Entry:
    """`price` is the average the entry paid; `atr` the average true range then, in quote currency, None if unknown."""

    side: PositionSide
    price: Decimal
    price_increment: Decimal
    leverage: int = 1
    atr: Decimal | None = None

    def __post_init__(self) -> None:
        numbers = [self.price, self.price_increment, Decimal(self.leverage)]
        numbers += [] if self.atr is None else [self.atr]
        if not all(number.is_finite() and number > 0 for number in numbers):
            raise ValueError("entry price, price increment, leverage and average true range must be positive")

    def offset(self, price: Decimal, percent: Decimal) -> Decimal:
        """The price `percent` of it further into profit; negative percent into loss."""
        return price * (1 + self.side.sign * percent / HUNDRED)

    def moved(self, price: Decimal, distance: Decimal) -> Decimal:
        """The same in quote currency."""
        return price + self.side.sign * distance

    def is_better(self, one: Decimal, other: Decimal) -> bool:
        """One is further into profit than the other."""
        return (one - other) * self.side.sign > 0

    def better(self, one: Decimal, other: Decimal) -> Decimal:
        return one if self.is_better(one, other) else other

    def worse(self, one: Decimal, other: Decimal) -> Decimal:
        return other if self.is_better(one, other) else one

    def has_reached(self, price: Decimal, target: Decimal) -> bool:
        return not self.is_better(target, price)

    def away_from_market(self, stop: Decimal) -> Decimal:
        return self._on_the_grid(stop, ROUND_FLOOR if self.side is PositionSide.LONG else ROUND_CEILING)

    def towards_market(self, stop: Decimal) -> Decimal:
        return self._on_the_grid(stop, ROUND_CEILING if self.side is PositionSide.LONG else ROUND_FLOOR)

    def next_tick(self, stop: Decimal) -> Decimal:
        """The nearest price of the grid further into profit."""
        return self.moved(self.away_from_market(stop), self.price_increment)

    def _on_the_grid(self, price: Decimal, rounding: str) -> Decimal:
        return (price / self.price_increment).to_integral_value(rounding) * self.price_increment


@dataclass(frozen=True, slots=True)
class TrailingState:
    """`high_water_mark` is the best price that mattered since the entry (the lowest for a short), None before;
    `levels_taken`: how many take-profit levels filled; `loosened_from`: the stop a person took back for a wider one."""

    phase: TrailingPhase = TrailingPhase.INACTIVE
    high_water_mark: Decimal | None = None
    stop_price: Decimal | None = None
    stop_reason: StopReason = StopReason.STOP_LOSS
    levels_taken: int = 0
    loosened_from: Decimal | None = None

    def moved_to(self, phase: TrailingPhase) -> TrailingState:
        if phase not in PHASES[self.phase]:
            raise IllegalPhase(f"{phase} cannot follow {self.phase}")
        return replace(self, phase=phase)


class ExitReason(StrEnum):
    """Why a position leaves; the stop's own reasons and two more."""

    STOP_LOSS = "stop_loss"
    BREAKEVEN = "breakeven"
    PROFIT_LOCK = "profit_lock"
    AFTER_LEVEL = "after_level"
    TRAILING = "trailing"
    BY_HAND = "by_hand"
    OPPOSITE = "opposite"
    TAKE_PROFIT = "take_profit"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Hold:
    state: TrailingState


@dataclass(frozen=True, slots=True)
class Close:
    state: TrailingState
    reason: ExitReason
