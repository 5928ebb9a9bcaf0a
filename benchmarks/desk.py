"""Rows for the measurement: accounts with a strategy each, and what arrived at the exchange."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from decimal import Decimal

from exchanges.models import ExchangeAccount, Instrument
from ops.report.evidence import sent_orders
from ops.report.figures import fill_to_stop
from positions.models import Order, RiskLimits
from positions.services.instruments import refresh_instruments
from signals_app.models import SignalLogEntry, SignalSender, Strategy, StrategyAccount, StrategySignal, Ticker
from signals_app.tokens import token_hash
from trailing.plan import ProtectionPlan

TOKEN = secrets.token_urlsafe(24)


def prepare(signals: int) -> list[tuple[str, str, bool]]:
    """(symbol, phrase, counts): longs first, which warm every account and contract, then the shorts that count."""
    SignalSender.objects.update_or_create(
        name="bench", defaults={"token_hash": token_hash(TOKEN), "rate_per_minute": 0}
    )
    RiskLimits.objects.all().delete()  # those of a new installation allow a few positions
    first = _account(0)
    refresh_instruments()
    symbols = sorted(Instrument.objects.values_list("exchange_symbol", flat=True))
    Ticker.objects.bulk_create([Ticker(symbol=symbol) for symbol in symbols], ignore_conflicts=True)
    strategies = [_strategy(first if n == 0 else _account(n)) for n in range(-(-signals // len(symbols)))]
    plan = [
        (symbol, strategy, side)
        for side in ("LONG", "SHORT")
        for strategy in strategies
        for symbol in symbols
    ]
    return [(symbol, f"{name} {side}", side == "SHORT") for symbol, name, side in plan]


def _account(number: int) -> ExchangeAccount:
    return ExchangeAccount.objects.create(
        name=f"bench-{number}-{secrets.token_hex(3)}", max_open_positions=1000, max_exposure=10**9
    )


def _strategy(account: ExchangeAccount) -> str:
    strategy = Strategy.objects.create(
        name=account.name, notional=Decimal(200), leverage=2, max_open_positions=1000,
        opposite_signal="hedge", protection=ProtectionPlan.plain("20", "1.5", "0.5").as_json(),
    )  # fmt: skip
    StrategyAccount.objects.create(strategy=strategy, account=account)
    StrategySignal.objects.create(strategy=strategy, phrase=f"{account.name} LONG", direction="long")
    StrategySignal.objects.create(strategy=strategy, phrase=f"{account.name} SHORT", direction="short")
    return account.name


def arrivals(uids: list[str]) -> dict[str, float]:
    """Signal uid -> when its entry order's request reached the exchange's socket."""
    at = {order.client_order_id: order.at for order in sent_orders()}
    entries = SignalLogEntry.objects.filter(log__uid__in=uids, position__isnull=False)
    found = {}
    for uid, position_id in entries.values_list("log__uid", "position_id"):
        order = Order.objects.get(position_id=position_id, purpose="entry", generation=1)
        if order.client_order_id in at:
            found[uid] = at[order.client_order_id]
    return found


def parts_of(sent: dict[str, float], arrived: dict[str, float]) -> dict[str, list[float]]:
    """Milliseconds of each part of the way: who waited for whom shows here."""
    entries = SignalLogEntry.objects.filter(log__uid__in=arrived, position__isnull=False)
    parts: dict[str, list[float]] = {
        "to the door": [],
        "decided": [],
        "to a worker": [],
        "to the exchange": [],
    }
    for uid, received, position_id in entries.values_list("log__uid", "log__received_at", "position_id"):
        order = Order.objects.get(position_id=position_id, purpose="entry", generation=1)
        assert order.submitted_at
        told = (received, order.created_at, order.submitted_at)
        moments = [sent[uid], *(at.timestamp() for at in told), arrived[uid]]
        for waited, began, ended in zip(parts.values(), moments, moments[1:], strict=False):
            waited.append((ended - began) * 1000)
    return parts


def stops(uids: list[str]) -> list[float]:
    """Milliseconds from an entry's first execution to the acceptance of its stop."""
    waited = fill_to_stop(datetime.min.replace(tzinfo=UTC))
    positions = SignalLogEntry.objects.filter(log__uid__in=uids, position__in=waited)
    return [waited[pk] for pk in positions.values_list("position", flat=True)]
