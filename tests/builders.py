"""Rows for tests, with defaults that satisfy every constraint. Override what the test is about, nothing else."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from exchanges.models import AccountBalance, ExchangeAccount, Instrument
from exchanges.types import OrderType, PositionSide
from positions.lifecycle import STANDING, CloseReason, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Fill, Order, Position
from positions.services.plans import kept
from signals_app.forecast_models import ForecastModel
from signals_app.models import (
    EntryStatus,
    SignalLog,
    SignalLogEntry,
    SignalStatus,
    Strategy,
    StrategyAccount,
    Ticker,
    Wave,
)
from signals_app.reasons import ReasonCode
from trailing.engine import TrailingPhase
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan

_numbers = count(1)


def _next() -> int:
    return next(_numbers)


def an_account(**values: Any) -> ExchangeAccount:
    defaults = {"name": f"paper-{_next()}", "api_key": "key", "api_secret": "secret"}
    return ExchangeAccount.objects.create(**defaults | values)


def a_balance(account: ExchangeAccount | None = None, **values: Any) -> AccountBalance:
    defaults = {
        "wallet_balance": Decimal(10000),
        "equity": Decimal(10000),
        "available_balance": Decimal(9000),
        "reported_at": timezone.now(),
    }
    return AccountBalance.objects.create(account=account or an_account(), **defaults | values)


def an_instrument(base: str = "BTC", **values: Any) -> Instrument:
    """The contract of this base currency; the same row when asked for twice."""
    defaults = {
        "symbol": f"{base}/USDT:USDT",
        "price_increment": Decimal("0.1"),
        "size_increment": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "min_notional": Decimal(5),
        "refreshed_at": timezone.now(),
    }
    identity = {"venue": "binance", "exchange_symbol": f"{base}USDT"}
    return Instrument.objects.get_or_create(**identity, defaults=defaults | values)[0]


def a_ticker(symbol: str = "BTCUSDT", **values: Any) -> Ticker:
    return Ticker.objects.get_or_create(symbol=symbol, defaults=values)[0]


def a_strategy(account: ExchangeAccount | None = None, **values: Any) -> Strategy:
    defaults = {"name": f"strategy-{_next()}"}
    made = Strategy.objects.create(**defaults | values)
    trades_on(made, account or an_account())
    return made


def trades_on(strategy: Strategy, account: ExchangeAccount, **values: Any) -> StrategyAccount:
    return StrategyAccount.objects.create(strategy=strategy, account=account, **values)


def account_of(strategy: Strategy) -> ExchangeAccount:
    return strategy.accounts.get().account


def a_position(base: str = "BTC", **values: Any) -> Position:
    """An open long of 0.008 at 97250.4 unless told otherwise; `status` brings the columns it asks for."""
    status = values.setdefault("status", PositionStatus.OPEN)
    side = values.setdefault("position_side", PositionSide.LONG)
    values.setdefault("position_idx", 1 if side == PositionSide.LONG else 2)
    values["instrument"] = values.get("instrument") or an_instrument(base)
    values["account"] = values.get("account") or an_account()
    defaults = {
        "planned_quantity": Decimal("0.008"),
        "planned_notional": Decimal("778.0032"),
        "reference_price": Decimal("97250.4"),
        "leverage": 5,
    }
    values["plan"] = values.get("plan") or kept(ProtectionPlan())
    return Position.objects.create(**defaults | _of_status(status) | values)


def _of_status(status: str) -> dict[str, Any]:
    if status == PositionStatus.OPENING:
        return {}
    held = {"opened_at": timezone.now(), "average_entry_price": Decimal("97250.4")}
    if status == PositionStatus.CLOSED:
        return held | {"closed_at": timezone.now(), "close_reason": CloseReason.MANUAL}
    asked = {"close_reason": CloseReason.MANUAL} if status == PositionStatus.CLOSING else {}
    return held | {"quantity": Decimal("0.008")} | asked


def an_order(position: Position | None = None, **values: Any) -> Order:
    """A filled market entry of its position, unless `purpose` says close or protect."""
    position = position or a_position()
    purpose = values.setdefault("purpose", OrderPurpose.ENTRY)
    side = PositionSide(position.position_side)
    is_entry, number = purpose == OrderPurpose.ENTRY, _next()
    defaults = {
        "account": position.account,
        "symbol": position.instrument.exchange_symbol,
        "side": side.entry_side if is_entry else side.exit_side,
        "quantity": position.planned_quantity,
        "status": OrderStatus.ACCEPTED,
        "position_idx": position.position_idx,
        "reduce_only": not is_entry,
        "generation": number % 30000,
        "order_type": OrderType.STOP_MARKET if purpose == OrderPurpose.PROTECT else OrderType.MARKET,
        "client_order_id": f"test-{number}",
    }
    values = defaults | values
    if values["status"] == OrderStatus.FILLED:
        values.setdefault("filled_quantity", values["quantity"])
    if values["status"] in STANDING:
        values.setdefault("stood_at", timezone.now())
    return Order.objects.create(position=position, **values)


def a_fill(order: Order | None = None, **values: Any) -> Fill:
    order = order or an_order(status=OrderStatus.FILLED)
    defaults = {
        "account": order.account,
        "position": order.position,
        "symbol": order.symbol,
        "trade_id": str(_next()),
        "side": order.side,
        "position_side": order.position.position_side,
        "quantity": order.quantity,
        "price": Decimal("97250.4"),
        "fee": Decimal("0.3"),
        "fee_currency": "USDT",
        "executed_at": timezone.now(),
    }
    return Fill.objects.create(order=order, **defaults | values)


def a_trailing_stop(position: Position | None = None, **values: Any) -> TrailingStop:
    position = position or a_position()
    defaults = {
        "state": TrailingPhase.WAITING if position.average_entry_price else TrailingPhase.INACTIVE,
        "entry_price": position.average_entry_price,
    }
    return TrailingStop.objects.create(position=position, **defaults | values)


def a_signal_log(**values: Any) -> SignalLog:
    number = _next()
    values.setdefault("status", SignalStatus.NEW)
    defaults = {
        "uid": hashlib.sha256(str(number).encode()).hexdigest(),
        "symbol": "BTCUSDT",
        "direction": "long",
        "source": "test",
        "message": f"signal {number}",
        "raw_message": "{}",
        "received_at": timezone.now(),
        "dispatched_at": timezone.now(),
    }
    if values["status"] == SignalStatus.IGNORED:
        defaults |= {"reason": "unknown ticker", "reason_code": ReasonCode.UNKNOWN_TICKER}
    return SignalLog.objects.create(**defaults | values)


def a_log_entry(
    log: SignalLog | None = None, strategy: Strategy | None = None, **values: Any
) -> SignalLogEntry:
    """On the strategy's only account, unless told otherwise."""
    values.setdefault("status", EntryStatus.OPENED)
    strategy = strategy or a_strategy()
    values.setdefault("account", account_of(strategy))
    if values["status"] in (EntryStatus.SKIPPED, EntryStatus.FAILED):
        values.setdefault("reason_code", ReasonCode.NOT_OPENED)
    return SignalLogEntry.objects.create(log=log or a_signal_log(), strategy=strategy, **values)


def a_wave(**values: Any) -> Wave:
    """Claimed and looked for, unless told otherwise."""
    now = timezone.now()
    defaults = {"exchange": "binance", "wave_time": now, "look_until": now, "started_at": now}
    return Wave.objects.create(**defaults | values)


def a_forecast_model(**values: Any) -> ForecastModel:
    """A row whose bytes are no model."""
    content = values.setdefault("content", b"no trees")
    defaults = {
        "features_version": "0" * 16,
        "sha256": hashlib.sha256(content).hexdigest(),
        "card": {},
        "is_worth_using": False,
        "verdict": "Not worth using: made by a test.",
        "of_paper": True,
        "trained_until": timezone.now(),
        "trained_at": timezone.now(),
    }
    return ForecastModel.objects.create(**{**defaults, **values})
