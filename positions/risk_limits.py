"""Limits, and what is counted against them, as values. Pure.

0 is no limit. Rows of several scopes hold at the same time; a row only ever adds a no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from exchanges.types import PositionSide

ZERO = Decimal(0)
HUNDRED = Decimal(100)


class Scope(StrEnum):
    GLOBAL = "all accounts"
    ACCOUNT = "account"
    STRATEGY = "strategy"


class Rule(StrEnum):
    POSITIONS = "positions"
    SYMBOL_POSITIONS = "positions of one symbol"
    DIRECTION_POSITIONS = "positions of one direction"
    EXPOSURE = "exposure"
    LEVERAGE = "leverage"
    NOTIONAL = "notional of one position"
    UTILISATION = "margin in use"
    CONCENTRATION = "margin of one symbol"
    TOTAL_RISK = "risk to the stops"
    DAILY_LOSS = "loss of the day"
    DRAWDOWN = "drawdown"

    @property
    def is_loss(self) -> bool:
        return self in (Rule.DAILY_LOSS, Rule.DRAWDOWN)

    @property
    def is_percent(self) -> bool:
        return self.is_loss or self in (Rule.UTILISATION, Rule.CONCENTRATION, Rule.TOTAL_RISK)


@dataclass(frozen=True, slots=True)
class Tier:
    """From this equity on, the most notional of one position."""

    equity_from: Decimal
    max_notional: Decimal


@dataclass(frozen=True, slots=True)
class Limits:
    """Money in quote currency, percents of the account's equity."""

    max_positions: int = 0
    max_positions_per_symbol: int = 0
    max_positions_per_direction: int = 0
    max_exposure: Decimal = ZERO
    max_leverage: int = 0
    notional_tiers: tuple[Tier, ...] = ()
    max_utilisation: Decimal = ZERO
    max_concentration: Decimal = ZERO
    max_total_risk: Decimal = ZERO
    max_daily_loss: Decimal = ZERO
    max_drawdown: Decimal = ZERO

    @property
    def counts(self) -> bool:
        """Whether anything must be counted in its scope, beyond what one account knows."""
        return bool(
            self.max_positions
            or self.max_positions_per_symbol
            or self.max_positions_per_direction
            or self.max_exposure
        )


NO_LIMITS = Limits()
# of all accounts, in a new installation
RECOMMENDED = {
    "max_positions": 10,
    "max_leverage": 20,
    "max_utilisation": Decimal(80),
    "max_concentration": Decimal(30),
    "max_total_risk": Decimal(10),
    "max_daily_loss": Decimal(5),
    "max_drawdown": Decimal(20),
}
LimitsByScope = Mapping[Scope, Limits]


@dataclass(frozen=True, slots=True)
class Held:
    """The live positions of one scope. risk: what is lost when every stop is hit."""

    positions: int = 0
    on_symbol: int = 0
    on_side: int = 0
    exposure: Decimal = ZERO
    margin: Decimal = ZERO
    margin_on_symbol: Decimal = ZERO
    risk: Decimal = ZERO


NOTHING_HELD = Held()


@dataclass(frozen=True, slots=True)
class Book:
    """Counted from rows under the locks of the opening. None: not known. Losses in percent of what there was."""

    held: Mapping[Scope, Held] = field(default_factory=dict)
    equity: Decimal | None = None
    available_balance: Decimal | None = None
    daily_loss: Decimal = ZERO
    drawdown: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Wish:
    """The position somebody wants. risk: what it loses at its stop."""

    symbol: str
    side: PositionSide
    notional: Decimal
    leverage: int
    risk: Decimal

    @property
    def margin(self) -> Decimal:
        return self.notional / self.leverage


@dataclass(frozen=True, slots=True)
class Use:
    """used None: it cannot be known."""

    rule: Rule
    scope: Scope
    used: Decimal | None
    of: Decimal

    @property
    def is_beyond(self) -> bool:
        """A loss is refused when it is reached, everything else when it would be passed."""
        if self.used is None:
            return True
        return self.used >= self.of if self.rule.is_loss else self.used > self.of

    @property
    def percent(self) -> Decimal | None:
        return None if self.used is None else self.used / self.of * HUNDRED


def tiers_from(said: object) -> tuple[Tier, ...]:
    """Raises ValueError with a sentence for the owner."""
    if not isinstance(said, list):
        raise ValueError('tiers are a list like [{"equity_from": 0, "max_notional": 500}]')
    tiers = tuple(map(_tier, said))
    starts = [tier.equity_from for tier in tiers]
    if starts and starts[0] != 0:
        raise ValueError("the first tier begins at an equity of 0")
    if any(later <= earlier for earlier, later in pairwise(starts)):
        raise ValueError("every tier begins at a higher equity than the one before it")
    return tiers


def _tier(said: object) -> Tier:
    if not isinstance(said, Mapping) or set(said) != {"equity_from", "max_notional"}:
        raise ValueError("a tier has equity_from and max_notional, and nothing else")
    return Tier(_amount(said["equity_from"], "equity_from"), _amount(said["max_notional"], "max_notional"))


def _amount(said: object, name: str) -> Decimal:
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        raise ValueError(f"{name} is a number")
    try:
        amount = Decimal(str(said))
    except ArithmeticError:
        raise ValueError(f"{name} is a number, not {said!r}") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{name} is 0 or more")
    return amount


def most_notional(tiers: Iterable[Tier], equity: Decimal) -> Decimal:
    """Of the last tier that has begun; 0: no limit."""
    begun = [tier.max_notional for tier in tiers if tier.equity_from <= max(equity, ZERO)]
    return begun[-1] if begun else ZERO
