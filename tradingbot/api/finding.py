"""Which rows an address means. Keys of accounts are never read: one that cannot be opened concerns nobody here."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model, Prefetch, QuerySet

from exchanges.models import KEYS, KEYS_OF_ACCOUNT, AccountBalance, ExchangeAccount, FlatReport, FlatRun
from positions import book, queries
from positions.models import Fill, Order, Position
from signals_app.models import SignalLog, SignalLogEntry, Strategy, StrategyAccount, Ticker
from tradingbot.api import contract
from tradingbot.api.problems import Refusal


def positions() -> QuerySet[Position]:
    return Position.objects.select_related("account", "instrument", "strategy").defer(*KEYS_OF_ACCOUNT)


def orders() -> QuerySet[Order]:
    return Order.objects.select_related("account").defer(*KEYS_OF_ACCOUNT)


def fills() -> QuerySet[Fill]:
    return Fill.objects.select_related("account").defer(*KEYS_OF_ACCOUNT)


def signals() -> QuerySet[SignalLog]:
    entries = (
        SignalLogEntry.objects.select_related("strategy", "account").defer(*KEYS_OF_ACCOUNT).order_by("pk")
    )
    return SignalLog.objects.prefetch_related(Prefetch("entries", entries))


def strategies() -> QuerySet[Strategy]:
    traded = StrategyAccount.objects.select_related("account").defer(*KEYS_OF_ACCOUNT).order_by("pk")
    return Strategy.objects.prefetch_related("tickers", Prefetch("accounts", traded))


def tickers() -> QuerySet[Ticker]:
    return Ticker.objects.prefetch_related("aliases")


def accounts() -> QuerySet[ExchangeAccount]:
    return ExchangeAccount.objects.defer(*KEYS)


def flat_runs() -> QuerySet[FlatRun]:
    reports = FlatReport.objects.select_related("account").defer(*KEYS_OF_ACCOUNT).order_by("account__name")
    return FlatRun.objects.prefetch_related(Prefetch("reports", reports))


def the_one(rows: QuerySet[Any], **named: Any) -> Any:
    found: Model | None = rows.filter(**named).first()
    if found is None:
        raise Refusal(404, "There is no such row.")
    return found


def account_id_of(name: str | None) -> int | None:
    return None if name is None else the_one(accounts(), name=name).pk


def given(**filters: Any) -> dict[str, Any]:
    """Those that were asked for."""
    return {column: value for column, value in filters.items() if value is not None}


def figures(now: datetime) -> contract.Figures:
    held = queries.held_positions(now=now)
    parts = [one.unrealized_pnl for one in held if one.quantity]
    known = [part for part in parts if part is not None]
    money = equity()
    told = [one.equity for one in money if one.equity is not None]
    return contract.Figures(
        mode=queries.mode(),
        at=now,
        equity=sum(told, Decimal(0)) if told else None,
        unrealized_pnl=sum(known, Decimal(0)) if len(known) == len(parts) else None,
        open_positions=len(held),
        accounts=money,
    )


def equity() -> list[contract.AccountEquity]:
    rows = accounts().select_related("balance").order_by("name")
    return [_equity_of(one, getattr(one, "balance", None)) for one in rows]


def _equity_of(account: ExchangeAccount, balance: AccountBalance | None) -> contract.AccountEquity:
    track = book.track_of(account.pk)
    return contract.AccountEquity(
        account=account.name,
        equity=balance.equity if balance else None,
        wallet_balance=balance.wallet_balance if balance else None,
        available_balance=balance.available_balance if balance else None,
        reported_at=balance.reported_at if balance else None,
        day=track.day if track else None,
        earned=track.earned if track else None,
        daily_loss_percent=track.daily_loss if track else None,
        drawdown_percent=track.drawdown if track else None,
    )
