"""When a trailing stop starts, where it stands and when it fires. Pure; prices are mark prices.

Long: starts at entry * (1 + activation / 100), stands at high_water_mark * (1 - callback_rate / 100).
Short is the mirror. Percent values are percent: 1 means 1 %. Stops are rounded away from the market (floor for a
long, ceiling for a short): rounded towards it, a coarse tick could put the stop on the price itself.
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


@dataclass(frozen=True, slots=True)
class TrailingParams:
    """activation_percent of profit starts trailing, inclusive; callback_rate is percent of the best price."""

    side: PositionSide
    entry_price: Decimal
    activation_percent: Decimal
    callback_rate: Decimal
    stop_loss_percent: Decimal
    price_increment: Decimal

    def __post_init__(self) -> None:
        positive = (self.entry_price, self.callback_rate, self.stop_loss_percent, self.price_increment)
        activation_is_sane = self.activation_percent.is_finite() and self.activation_percent >= 0
        if not activation_is_sane or not all(value.is_finite() and value > 0 for value in positive):
            raise ValueError(
                "entry, callback, stop loss and tick must be positive, activation not below zero"
            )
        if self.callback_rate >= HUNDRED or self.stop_loss_percent >= HUNDRED:
            raise ValueError("callback and stop loss are percent of a price and must stay below 100")

    @property
    def activation_price(self) -> Decimal:
        return self.offset(self.entry_price, self.activation_percent)

    def offset(self, price: Decimal, percent: Decimal) -> Decimal:
        """The price `percent` into profit; negative percent into loss."""
        return price * (1 + self.side.sign * percent / HUNDRED)

    def is_better(self, one: Decimal, other: Decimal) -> bool:
        """One is further into profit than the other."""
        return (one - other) * self.side.sign > 0

    def better(self, one: Decimal, other: Decimal) -> Decimal:
        return one if self.is_better(one, other) else other

    def away_from_market(self, stop: Decimal) -> Decimal:
        rounding = ROUND_FLOOR if self.side is PositionSide.LONG else ROUND_CEILING
        return (stop / self.price_increment).to_integral_value(rounding) * self.price_increment


@dataclass(frozen=True, slots=True)
class TrailingState:
    """high_water_mark is the best price since activation (the lowest for a short), None before."""

    phase: TrailingPhase = TrailingPhase.INACTIVE
    high_water_mark: Decimal | None = None
    stop_price: Decimal | None = None

    def moved_to(self, phase: TrailingPhase) -> TrailingState:
        if phase not in PHASES[self.phase]:
            raise IllegalPhase(f"{phase} cannot follow {self.phase}")
        return replace(self, phase=phase)


@dataclass(frozen=True, slots=True)
class Hold:
    state: TrailingState


@dataclass(frozen=True, slots=True)
class Close:
    """The stop is crossed; `was_trailing` tells the trailing stop from the fixed one."""

    state: TrailingState
    was_trailing: bool
