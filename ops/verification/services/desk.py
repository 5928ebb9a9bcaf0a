"""Rows to try things with, in a database that is there for nothing else."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from exchanges.models import AccountBalance, ExchangeAccount
from exchanges.paper.demo import DEMO_PRICES, DEMO_RULES
from exchanges.paper.inprocess import ENGINES
from exchanges.paper.matching import Engine
from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide
from ops.verification.frames import PHRASE, SYMBOL
from positions.services.instruments import refresh_instruments
from positions.services.opening import Opened, open_position
from positions.services.proposals import Proposal
from positions.sizing import Skip
from signals_app.models import Strategy, StrategyAccount, StrategySignal, Ticker

EQUITY = Decimal(10_000)
MARKET = "inprocess:verification"


def a_market() -> Engine:
    """A paper exchange in this process, and no other one: prices move only when they are told."""
    settings.PAPER_EXCHANGE_URL, settings.PAPER_EXCHANGE_URLS = MARKET, {}
    engine = ENGINES[MARKET] = Engine(DEMO_RULES)
    engine.spread_ticks = 0
    for symbol, price in DEMO_PRICES.items():
        engine.set_price(symbol, price, now_ms())
    return engine


def an_account(**values: Any) -> ExchangeAccount:
    """With its contracts, and as much money as the paper exchange gives it."""
    usual = {"max_open_positions": 0, "max_exposure": 0}
    account = ExchangeAccount.objects.create(name=f"trial-{secrets.token_hex(4)}", **usual | values)
    AccountBalance.objects.create(
        account=account,
        wallet_balance=EQUITY,
        equity=EQUITY,
        available_balance=EQUITY,
        reported_at=timezone.now(),
    )
    return account


def a_strategy(account: ExchangeAccount, **values: Any) -> Strategy:
    usual = {"notional": Decimal(1000), "leverage": 5, "max_open_positions": 0}
    strategy = Strategy.objects.create(name=account.name, **usual | values)
    StrategyAccount.objects.create(strategy=strategy, account=account)
    return strategy


def contracts_are_known() -> None:
    if not refresh_instruments():
        raise RuntimeError("the paper exchange lists no contracts")


def open_at(strategy: Strategy, symbol: str, side: PositionSide, price: Decimal) -> Opened | Skip:
    account = strategy.accounts.get().account
    return open_position(Proposal(strategy.pk, account.pk, symbol, side, price))


def a_strategy_that_is_off() -> None:
    """It knows the phrase of the frames: each makes a row, a verdict and entries in the trail, and opens nothing."""
    Ticker.objects.get_or_create(symbol=SYMBOL)
    strategy = Strategy.objects.create(name="switched off", enabled=False)
    StrategyAccount.objects.create(strategy=strategy, account=ExchangeAccount.objects.create(name="idle"))
    StrategySignal.objects.create(strategy=strategy, phrase=PHRASE, direction="long")
