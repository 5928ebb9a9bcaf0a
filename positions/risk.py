"""May this position be opened? Pure: limits, the counted book and the wish in, a verdict out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from positions.risk_limits import (
    HUNDRED,
    NO_LIMITS,
    NOTHING_HELD,
    Book,
    Held,
    Limits,
    LimitsByScope,
    Rule,
    Scope,
    Use,
    Wish,
    most_notional,
)
from signals_app.reasons import ReasonCode

# percent of the notional that the exchange wants to see left: the least of any contract, for a small position
MAINTENANCE_PERCENT = Decimal("0.5")

CODES = {
    Rule.SYMBOL_POSITIONS: ReasonCode.SYMBOL_POSITIONS,
    Rule.DIRECTION_POSITIONS: ReasonCode.DIRECTION_POSITIONS,
    Rule.LEVERAGE: ReasonCode.LEVERAGE_LIMIT,
    Rule.NOTIONAL: ReasonCode.NOTIONAL_LIMIT,
    Rule.UTILISATION: ReasonCode.UTILISATION_LIMIT,
    Rule.CONCENTRATION: ReasonCode.CONCENTRATION_LIMIT,
    Rule.TOTAL_RISK: ReasonCode.TOTAL_RISK_LIMIT,
    Rule.DAILY_LOSS: ReasonCode.DAILY_LOSS,
    Rule.DRAWDOWN: ReasonCode.DRAWDOWN,
}
CODES_BY_SCOPE = {
    (Rule.POSITIONS, Scope.GLOBAL): ReasonCode.GLOBAL_POSITIONS,
    (Rule.POSITIONS, Scope.ACCOUNT): ReasonCode.ACCOUNT_POSITIONS,
    (Rule.POSITIONS, Scope.STRATEGY): ReasonCode.STRATEGY_POSITIONS,
    (Rule.EXPOSURE, Scope.GLOBAL): ReasonCode.GLOBAL_EXPOSURE,
    (Rule.EXPOSURE, Scope.ACCOUNT): ReasonCode.ACCOUNT_EXPOSURE,
    (Rule.EXPOSURE, Scope.STRATEGY): ReasonCode.STRATEGY_EXPOSURE,
}
HOLDER = {
    Scope.GLOBAL: "all accounts already hold",
    Scope.ACCOUNT: "account already holds",
    Scope.STRATEGY: "strategy already holds",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Denied:
    reason: str
    code: ReasonCode = ReasonCode.NOT_OPENED
    use: Use | None = None


def judge(limits: LimitsByScope, book: Book, wish: Wish) -> Allowed | Denied:
    beyond = next((use for use in uses(limits, book, wish) if use.is_beyond), None)
    if beyond is not None:
        return _denied(beyond, wish)
    if book.available_balance is not None and wish.margin > book.available_balance:
        text = f"margin {wish.margin:.2f} is more than the free balance {book.available_balance:.2f}"
        return Denied(text, ReasonCode.NO_FUNDS)
    return Allowed()


def uses(limits: LimitsByScope, book: Book, wish: Wish | None = None) -> Iterator[Use]:
    """Of every limit that is set: how much of it is used, with the wish in it."""
    for scope in Scope:
        row = limits.get(scope, NO_LIMITS)
        yield from _set(scope, _counted(row, book.held.get(scope, NOTHING_HELD), wish))
        yield from _set(scope, _of_equity(row, book, wish))
        if wish is not None:
            yield from _set(scope, _of_the_wish(row, book, wish))


Figures = Iterator[tuple[Rule, Decimal | int | None, Decimal | int]]


def _set(scope: Scope, figures: Figures) -> Iterator[Use]:
    for rule, used, of in figures:
        if of:
            yield Use(rule, scope, None if used is None else Decimal(used), Decimal(of))


def _counted(row: Limits, held: Held, wish: Wish | None) -> Figures:
    more = 0 if wish is None else 1
    yield Rule.POSITIONS, held.positions + more, row.max_positions
    if wish is not None:
        yield Rule.SYMBOL_POSITIONS, held.on_symbol + 1, row.max_positions_per_symbol
        yield Rule.DIRECTION_POSITIONS, held.on_side + 1, row.max_positions_per_direction
    yield Rule.EXPOSURE, held.exposure + (wish.notional if wish else 0), row.max_exposure


def _of_equity(row: Limits, book: Book, wish: Wish | None) -> Figures:
    """Whoever sets them, they are asked of the one account that would hold the position."""
    held = book.held.get(Scope.ACCOUNT, NOTHING_HELD)
    margin, risk = (wish.margin, wish.risk) if wish else (Decimal(0), Decimal(0))
    yield Rule.UTILISATION, _share(held.margin + margin, book.equity), row.max_utilisation
    yield Rule.CONCENTRATION, _share(held.margin_on_symbol + margin, book.equity), row.max_concentration
    yield Rule.TOTAL_RISK, _share(held.risk + risk, book.equity), row.max_total_risk
    yield Rule.DAILY_LOSS, book.daily_loss, row.max_daily_loss
    yield Rule.DRAWDOWN, book.drawdown, row.max_drawdown


def _of_the_wish(row: Limits, book: Book, wish: Wish) -> Figures:
    yield Rule.LEVERAGE, wish.leverage, row.max_leverage
    if not row.notional_tiers:
        return
    if book.equity is None:
        yield Rule.NOTIONAL, None, 1
    else:
        yield Rule.NOTIONAL, wish.notional, most_notional(row.notional_tiers, book.equity)


def _share(amount: Decimal, equity: Decimal | None) -> Decimal | None:
    return None if equity is None or equity <= 0 else amount / equity * HUNDRED


def _denied(use: Use, wish: Wish) -> Denied:
    if use.used is None:
        text = f"equity of the account is not known, the limit on {use.rule} needs it"
        return Denied(text, ReasonCode.EQUITY_UNKNOWN, use)
    code = CODES.get(use.rule) or CODES_BY_SCOPE[use.rule, use.scope]
    return Denied(_sentence(use, use.used, wish), code, use)


def _sentence(use: Use, used: Decimal, wish: Wish) -> str:
    match use.rule:
        case Rule.POSITIONS:
            return f"{HOLDER[use.scope]} {used - 1} of {use.of} positions"
        case Rule.SYMBOL_POSITIONS:
            return f"{HOLDER[use.scope]} {used - 1} of {use.of} positions in {wish.symbol}"
        case Rule.DIRECTION_POSITIONS:
            return f"{HOLDER[use.scope]} {used - 1} of {use.of} {wish.side} positions"
        case Rule.EXPOSURE:
            whose = "" if use.scope is Scope.ACCOUNT else f" of {use.scope}"
            return f"exposure {used:.2f} would pass the limit{whose} {use.of:.2f}"
        case Rule.LEVERAGE:
            return f"leverage {used} is more than the limit {use.of}"
        case Rule.NOTIONAL:
            return f"notional {used:.2f} is more than {use.of:.2f}, the most at this equity"
        case Rule.DAILY_LOSS | Rule.DRAWDOWN:
            return f"the {use.rule} is {used:.2f} % of equity, the limit is {use.of:.2f} %"
        case _:
            return f"{use.rule} would be {used:.2f} % of equity, the limit is {use.of:.2f} %"


def liquidated_at_percent(leverage: int) -> Decimal:
    return HUNDRED / leverage - MAINTENANCE_PERCENT


def judge_stop(stop_percent: Decimal, leverage: int) -> Allowed | Denied:
    """A stop beyond the price at which the margin of this position alone is used up would never fire."""
    liquidation = liquidated_at_percent(leverage)
    if stop_percent >= liquidation:
        text = (
            f"the stop is {stop_percent:.2f} % away, but leverage {leverage} may be liquidated at "
            f"{liquidation:.2f} %"
        )
        return Denied(text, ReasonCode.STOP_BEYOND_LIQUIDATION)
    return Allowed()
