"""The reports as tables of cells: trades, what moved the wallet, and a year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from positions.accounting import QUOTE_CURRENCIES
from positions.models import Fill, FundingPayment, Position
from positions.reports.cells import Cell
from positions.reports.figures import Statistics, Trade, grouped, statistics
from positions.reports.reading import closed_positions, trades_of
from positions.wallets import booked_by, that_moved_a_wallet

Table = tuple[tuple[str, ...], list[tuple[Cell, ...]]]

TRADE_HEAD = (
    "position_id", "account", "venue", "symbol", "quote_currency", "strategy", "position_side", "quantity",
    "opened_at", "closed_at", "duration_seconds", "entry_price", "exit_price", "close_reason", "profit", "fees",
    "funding", "result", "r_multiple", "fees_in_other_coins",
)  # fmt: skip
BOOKED_HEAD = (
    "at", "kind", "account", "venue", "symbol", "position_side", "side", "quantity", "price", "value", "profit", "fee",
    "fee_currency", "funding", "wallet_change", "trade_id", "exchange_order_id", "client_order_id", "position_id",
    "strategy", "forced",
)  # fmt: skip
CONTRACT_HEAD = (
    "year",
    "venue",
    "symbol",
    "quote_currency",
    "positions",
    "profit",
    "fees",
    "funding",
    "result",
)


def trade_table(trades: list[Trade]) -> Table:
    return TRADE_HEAD, [_trade_cells(one) for one in trades]


def _trade_cells(one: Trade) -> tuple[Cell, ...]:
    multiple = one.r_multiple
    return (
        one.position_id, one.account, one.venue, one.symbol, one.quote_currency, one.strategy, one.position_side,
        one.bought, one.opened_at, one.closed_at, one.duration, one.entry_price, one.exit_price, one.close_reason,
        one.profit, one.fees, one.funding, one.result, None if multiple is None else round(multiple, 4),
        one.fees_in_other_coins,
    )  # fmt: skip


def booked_table(fills: QuerySet[Fill], payments: QuerySet[FundingPayment]) -> Table:
    """All that moved a wallet, oldest first. The sum of `wallet_change` is what the wallet changed by; a fee in another
    coin was taken from another wallet and is told without being in it."""
    related = ("account", "position__strategy")
    keys = [f"account__{name}" for name in ("api_key", "api_secret")]
    moved = that_moved_a_wallet(fills).select_related(*related).defer(*keys)
    rows = [(one.executed_at, one.pk, _fill_cells(one)) for one in moved]
    paid = payments.select_related(*related).defer(*keys)
    rows += [(one.paid_at, one.pk, _funding_cells(one)) for one in paid]
    return BOOKED_HEAD, [cells for *_, cells in sorted(rows, key=lambda row: row[:2])]


def _fill_cells(one: Fill) -> tuple[Cell, ...]:
    change = one.realized_pnl - (one.fee if one.fee_currency in QUOTE_CURRENCIES else 0)
    return (
        one.executed_at, "fill", one.account.name, one.account.venue, one.symbol, one.position_side, one.side,
        one.quantity, one.price, one.quantity * one.price, one.realized_pnl, one.fee, one.fee_currency, None, change,
        one.trade_id, one.exchange_order_id, one.client_order_id, one.position_id, _strategy(one), one.forced,
    )  # fmt: skip


def _funding_cells(one: FundingPayment) -> tuple[Cell, ...]:
    side = one.position.position_side if one.position else ""
    return (
        one.paid_at, "funding", one.account.name, one.account.venue, one.symbol, side, "", None, None, None, None,
        None, one.currency, one.amount, one.amount, one.payment_id, "", "", one.position_id, _strategy(one), "",
    )  # fmt: skip


def _strategy(one: Any) -> str:
    return one.position.strategy.name if one.position and one.position.strategy else ""


@dataclass(frozen=True, slots=True)
class Contract:
    """What one contract earned in a year."""

    year: int
    venue: str
    symbol: str
    quote_currency: str
    figures: Statistics


@dataclass(frozen=True, slots=True)
class Year:
    """A position belongs to the year, in UTC, in which it closed; `moved` is what the wallets moved in it."""

    year: int
    contracts: list[Contract]
    trades: list[Trade]  # by contract, then oldest first
    moved: Decimal


def year_of(year: int) -> Year:
    closed = closed_positions().filter(**within("closed_at", year))
    trades = sorted(
        trades_of(closed), key=lambda one: (one.venue, one.symbol, one.closed_at, one.position_id)
    )
    groups = grouped(trades, lambda one: (one.venue, one.symbol, one.quote_currency))
    contracts = [Contract(year, *key, statistics(those)) for key, those in sorted(groups.items())]
    return Year(year, contracts, trades, booked_by(*booked_in(year)).amount)


def booked_in(year: int) -> tuple[QuerySet[Fill], QuerySet[FundingPayment]]:
    return (
        Fill.objects.filter(**within("executed_at", year)),
        FundingPayment.objects.filter(**within("paid_at", year)),
    )


def within(column: str, year: int) -> dict[str, datetime]:
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    return {f"{column}__gte": start, f"{column}__lt": end}


def contract_table(year: Year) -> Table:
    return CONTRACT_HEAD, [_contract_cells(one) for one in year.contracts]


def _contract_cells(one: Contract) -> tuple[Cell, ...]:
    figures = one.figures
    return (
        one.year, one.venue, one.symbol, one.quote_currency, figures.count, figures.profit, figures.fees,
        figures.funding, figures.result,
    )  # fmt: skip


def years() -> Iterator[int]:
    """Newest first, from the last close back to the first."""
    ends = [closed_positions().values_list("closed_at", flat=True)[:1].first(), _first_close()]
    if ends[0] and ends[1]:
        yield from range(ends[0].year, ends[1].year - 1, -1)


def _first_close() -> datetime | None:
    oldest = Position.objects.filter(status="closed", opened_at__isnull=False).order_by("closed_at", "pk")
    return oldest.values_list("closed_at", flat=True).first()
