"""May this trade be opened? Pure: limits, the current book and the proposal in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from signals_app.reasons import ReasonCode

HUNDRED = Decimal(100)
# percent of the notional that the exchange wants to see left: the least of any contract, for a small position
MAINTENANCE_PERCENT = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Limits:
    max_open_positions: int
    max_exposure: Decimal
    max_strategy_positions: int


@dataclass(frozen=True, slots=True)
class OpenBook:
    """Counted from rows inside the opening transaction. exposure is the sum of live notionals."""

    positions: int
    exposure: Decimal
    strategy_positions: int
    available_balance: Decimal | None


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Denied:
    reason: str
    code: ReasonCode = ReasonCode.NOT_OPENED


def judge(limits: Limits, book: OpenBook, notional: Decimal, margin: Decimal) -> Allowed | Denied:
    if book.positions >= limits.max_open_positions:
        return Denied(f"account already holds {book.positions} of {limits.max_open_positions} positions")
    if book.strategy_positions >= limits.max_strategy_positions:
        return Denied(
            f"strategy already holds {book.strategy_positions} of {limits.max_strategy_positions} positions"
        )
    if book.exposure + notional > limits.max_exposure:
        return Denied(
            f"exposure {book.exposure + notional:.2f} would pass the limit {limits.max_exposure:.2f}"
        )
    if book.available_balance is not None and margin > book.available_balance:
        text = f"margin {margin:.2f} is more than the free balance {book.available_balance:.2f}"
        return Denied(text, ReasonCode.NO_FUNDS)
    return Allowed()


def liquidated_at_percent(leverage: int) -> Decimal:
    return HUNDRED / leverage - MAINTENANCE_PERCENT


def judge_stop(stop_percent: Decimal, leverage: int) -> Allowed | Denied:
    """A stop beyond the price at which the margin of this position alone is used up would never fire."""
    liquidation = liquidated_at_percent(leverage)
    if stop_percent >= liquidation:
        return Denied(
            f"the stop is {stop_percent:.2f} % away, but leverage {leverage} may be liquidated at {liquidation:.2f} %"
        )
    return Allowed()
