"""Asks the risk limits about an opening, under its account's lock; where they say no, the owner can read of it."""

from __future__ import annotations

from typing import Any

from exchanges.models import ExchangeAccount, GlobalState
from exchanges.switch import EVERYWHERE
from positions.book import book_of, limits_on
from positions.risk import Allowed, Denied, judge
from positions.risk_limits import LimitsByScope, Scope, Wish
from positions.services import events
from positions.sizing import Skip
from signals_app.models import Strategy


def judged(account: ExchangeAccount, strategy: Strategy, wish: Wish) -> Allowed | Denied:
    limits = limits_on(account, strategy)
    if limits[Scope.GLOBAL].counts:
        _count_alone()
    return _judged(account, strategy, wish, limits)


def looked_at(account: ExchangeAccount, strategy: Strategy, wish: Wish) -> Allowed | Denied:
    """Without waiting for others who open: what is counted may be another number a moment later."""
    return _judged(account, strategy, wish, limits_on(account, strategy))


def _judged(
    account: ExchangeAccount, strategy: Strategy, wish: Wish, limits: LimitsByScope
) -> Allowed | Denied:
    book = book_of(account.pk, limits, symbol=wish.symbol, side=wish.side, strategy_id=strategy.pk)
    return judge(limits, book, wish)


def _count_alone() -> None:
    """What other accounts open now must be a row before this is counted."""
    GlobalState.objects.get_or_create(pk=EVERYWHERE)
    GlobalState.objects.select_for_update(no_key=True).get(pk=EVERYWHERE)


def refused(account_id: int, **details: Any) -> None:
    events.record("risk_limit", "medium", account_id=account_id, **details)


def denied(account_id: int, strategy: str, wish: Wish, verdict: Denied) -> Skip:
    use = verdict.use
    refused(
        account_id, strategy=strategy, symbol=wish.symbol,
        reason=verdict.reason, code=verdict.code, used=use and use.used, of=use and use.of,
    )  # fmt: skip
    return Skip(verdict.reason, verdict.code)
