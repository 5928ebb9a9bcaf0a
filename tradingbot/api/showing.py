"""Rows as the contract shows them. Reads what it is given; pages of rows come with their relations."""

from __future__ import annotations

from typing import Any

from exchanges.models import ExchangeAccount, FlatRun
from ops.trail.telling.entries import Sentence
from positions.models import Fill, Order, Position
from positions.position_page import Record
from signals_app.models import SignalLog, Strategy, Ticker
from tradingbot.api import contract


def position(row: Position) -> contract.Position:
    return contract.Position(**_of_position(row))


def _of_position(row: Position) -> dict[str, Any]:
    return {
        "id": row.pk, "account": row.account.name, "venue": row.account.venue,
        "symbol": row.instrument.exchange_symbol, "side": row.position_side, "status": row.status,
        "strategy": row.strategy.name if row.strategy else None,
        "signal_id": None if row.signal_id is None else str(row.signal_id),
        "quantity": row.quantity, "leverage": row.leverage, "entry_price": row.average_entry_price,
        "exit_price": row.average_exit_price, "realized_pnl": row.realized_pnl, "fees": row.fees,
        "funding": row.funding, "close_reason": row.close_reason,
        "close_requested_by": row.close_requested_by, "created_at": row.created_at,
        "opened_at": row.opened_at, "closed_at": row.closed_at,
    }  # fmt: skip


def whole_position(record: Record, story: list[Sentence]) -> contract.WholePosition:
    held = record.held
    return contract.WholePosition(
        **_of_position(record.position),
        mark_price=held.mark_price if held else None,
        stop_price=held.stop_price if held else None,
        unrealized_pnl=held.unrealized_pnl if held and held.quantity else None,
        orders=[order(one) for one in record.orders],
        fills=[fill(one) for one in record.fills],
        timeline=[contract.Event(at=one.at, text=one.text, details=list(one.details)) for one in story],
    )


def order(row: Order) -> contract.Order:
    return contract.Order(
        id=row.pk, position_id=row.position_id, account=row.account.name, symbol=row.symbol, purpose=row.purpose,
        side=row.side, type=row.order_type, status=row.status, quantity=row.quantity,
        filled_quantity=row.filled_quantity, price=row.price, trigger_price=row.trigger_price,
        average_price=row.average_price, reduce_only=row.reduce_only, client_order_id=row.client_order_id,
        exchange_order_id=row.exchange_order_id, reason=row.reason, created_at=row.created_at,
        updated_at=row.updated_at,
    )  # fmt: skip


def fill(row: Fill) -> contract.Fill:
    return contract.Fill(
        id=row.pk, account=row.account.name, position_id=row.position_id, order_id=row.order_id,
        symbol=row.symbol, side=row.side, quantity=row.quantity, price=row.price, fee=row.fee,
        fee_currency=row.fee_currency, realized_pnl=row.realized_pnl, trade_id=row.trade_id,
        executed_at=row.executed_at,
    )  # fmt: skip


def signal(row: SignalLog) -> contract.Signal:
    verdicts = [
        contract.Verdict(
            strategy=one.strategy.name, account=one.account.name if one.account else None,
            position_id=one.position_id, status=one.status, reason_code=one.reason_code, note=one.note,
        )
        for one in row.entries.all()
    ]  # fmt: skip
    return contract.Signal(
        id=row.pk, signal_id=row.signal_id, source=row.source, symbol=row.symbol, direction=row.direction,
        message=row.message, status=row.status, reason=row.reason, reason_code=row.reason_code,
        bar_time=row.bar_time, received_at=row.received_at, decided_at=row.dispatched_at, verdicts=verdicts,
    )  # fmt: skip


def strategy(row: Strategy) -> contract.Strategy:
    return contract.Strategy(
        id=row.pk, name=row.name, kind=row.kind, enabled=row.enabled, archived=row.archived,
        allow_open=row.allow_open, accounts=[one.account.name for one in row.accounts.all()],
        use_all_tickers=row.use_all_tickers, tickers=[one.symbol for one in row.tickers.all()],
        sizing_mode=row.sizing_mode, notional=row.notional, leverage=row.leverage,
        max_open_positions=row.max_open_positions, opposite_signal=row.opposite_signal,
        protection=row.protection, updated_at=row.updated_at,
    )  # fmt: skip


def ticker(row: Ticker) -> contract.Ticker:
    return contract.Ticker(
        symbol=row.symbol, enabled=row.enabled, trade_permission=row.trade_permission,
        aliases=[one.alias for one in row.aliases.all()], created_at=row.created_at,
    )  # fmt: skip


def account(row: ExchangeAccount) -> contract.Account:
    return contract.Account(
        name=row.name, venue=row.venue, trading_state=row.trading_state, state_reason=row.state_reason,
        state_by=row.state_by, state_since=row.state_since, is_live_confirmed=row.is_live_confirmed,
        position_mode=row.position_mode, margin_mode=row.margin_mode, max_open_positions=row.max_open_positions,
        max_exposure=row.max_exposure, created_at=row.created_at,
    )  # fmt: skip


def flat_run(row: FlatRun) -> contract.FlatRun:
    reports = [
        contract.FlatReport(
            account=one.account.name, outcome=one.outcome, error=one.error, ended_at=one.ended_at
        )
        for one in row.reports.all()
    ]
    return contract.FlatRun(
        id=row.pk, reason=row.reason, by=row.by, begun_at=row.begun_at, ended_at=row.ended_at, reports=reports
    )
