"""Profit, margin and liquidation of an account at given mark prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from exchanges.paper.book import ZERO, AccountState, PaperPosition, Rules

Prices = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Balance:
    """Quote currency. equity is wallet plus unrealized profit, available is equity less initial margin."""

    wallet: Decimal
    unrealized: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal

    @property
    def equity(self) -> Decimal:
        return self.wallet + self.unrealized

    @property
    def available(self) -> Decimal:
        return max(self.equity - self.initial_margin, ZERO)


def unrealized_pnl(position: PaperPosition, price: Decimal) -> Decimal:
    return (price - position.entry_price) * position.amount


def notional(position: PaperPosition, price: Decimal) -> Decimal:
    return abs(position.amount) * price


def leverage_of(account: AccountState, symbol: str) -> int:
    return account.leverage.get(symbol, account.venue.default_leverage)


def balance_of(account: AccountState, prices: Prices, rules: Mapping[str, Rules]) -> Balance:
    held = [(p, prices[p.symbol]) for p in account.positions.values() if p.amount]
    return Balance(
        wallet=account.wallet_balance,
        unrealized=sum((unrealized_pnl(p, price) for p, price in held), ZERO),
        initial_margin=sum((notional(p, price) / leverage_of(account, p.symbol) for p, price in held), ZERO),
        maintenance_margin=sum((_maintenance(p, price, rules) for p, price in held), ZERO),
    )


def _maintenance(position: PaperPosition, price: Decimal, rules: Mapping[str, Rules]) -> Decimal:
    return notional(position, price) * rules[position.symbol].maintenance_margin_ratio


def must_liquidate(balance: Balance) -> bool:
    return balance.maintenance_margin > 0 and balance.equity < balance.maintenance_margin


def liquidation_price(
    account: AccountState, position: PaperPosition, prices: Prices, rules: Mapping[str, Rules]
) -> Decimal:
    """The price of this contract alone at which equity meets maintenance margin (cross); 0 when there is none."""
    price = prices[position.symbol]
    whole = balance_of(account, prices, rules)
    spare = whole.equity - whole.maintenance_margin
    ratio = rules[position.symbol].maintenance_margin_ratio
    slope = position.amount - abs(position.amount) * ratio
    return max(price - spare / slope, ZERO) if slope else ZERO
