"""What the first bot left, generation by generation, in our tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from exchanges.models import ExchangeAccount, Instrument
from ops.legacy.services.positions import POSITIONS
from ops.models import ALL_ROWS, LegacyRow
from positions.models import Fill, Order, Position, RiskEvent
from signals_app.models import SignalLog, Strategy
from tests.builders import an_account
from tests.legacy.importing import an_old_bot, import_now, outcomes, sql
from trailing.models import TrailingStop

pytestmark = pytest.mark.django_db
OURS = (Position, Fill, Order, RiskEvent, SignalLog, Strategy)


def our(legacy_id: int, model: Any = Position, table: str = "positions") -> Any:
    row = LegacyRow.objects.get(
        table=f"monitoring.{table}", legacy_id=str(legacy_id), our_table=model._meta.db_table
    )
    return model.objects.get(pk=row.our_id)


def decided() -> dict[str, int]:
    found: dict[str, int] = {}
    for row in LegacyRow.objects.all():
        rows = int(row.reason.split()[0]) if row.legacy_id == ALL_ROWS else 1
        found[row.table] = found.get(row.table, 0) + rows
    return found


def rows_there() -> dict[str, int]:
    names = sql("SELECT tablename FROM pg_tables WHERE schemaname = 'monitoring'")
    counts = {f"monitoring.{name}": sql(f"SELECT count(*) FROM monitoring.{name}")[0][0] for (name,) in names}  # noqa: S608
    return {name: count for name, count in counts.items() if count}


def verdicts() -> list[tuple[Any, ...]]:
    return sql("SELECT id, outcome, our_id FROM legacy_rows WHERE outcome <> 'waiting' ORDER BY id")


def test_generation_0() -> None:
    an_old_bot(0)
    import_now()
    assert {name: n for name, n in decided().items() if name.startswith("monitoring")} == rows_there()
    assert outcomes("monitoring.positions") == {"imported": 210, "waiting": 22}
    assert outcomes("monitoring.trades") == {"imported": 227, "skipped": 59}

    contract = Instrument.objects.get(exchange_symbol="OLD30USDT", venue="binance")
    assert (contract.symbol, contract.active) == ("OLD30/USDT:USDT", False)
    fill = our(50, Fill, "trades")
    assert (fill.side, fill.quantity, fill.price, fill.symbol) == ("buy", D(10), D("2.5"), "OLD50USDT")
    assert (fill.signal_id, fill.exchange_order_id, fill.position) == ("12048914", "order-50", None)
    signal = SignalLog.objects.get(signal_id="12024414")
    assert (signal.symbol, signal.direction, signal.status) == ("BTCUSDT", "short", "ignored")
    assert signal.reason == "an older bot decided about it: executed"
    assert signal.dispatched_at == signal.received_at
    assert our(30).close_reason == "external"
    assert our(170).close_reason == "PHANTOM_AGED"

    said = StringIO()
    call_command("legacy", "report", stdout=said)
    failed = "tradingbot monitoring.trades 228 skipped: nothing was executed: failed (Margin is insufficient)"
    assert failed in said.getvalue().splitlines()

    before, counts = verdicts(), [model.objects.count() for model in OURS]
    assert not [line for line in import_now() if "waiting" not in line]
    assert verdicts() == before
    assert [model.objects.count() for model in OURS] == counts


def test_generation_1() -> None:
    an_old_bot(1)
    sql("UPDATE monitoring.positions SET exit_reason = 'phantom_on_sync: gone', signal_id = 77 WHERE id = 3")
    sql("UPDATE monitoring.events SET position_id = 1 WHERE event_type = 'stop_loss_error'")
    import_now()
    assert {name: n for name, n in decided().items() if name.startswith("monitoring")} == rows_there()
    assert outcomes("monitoring.positions") == {"imported": 287, "waiting": 13}
    assert outcomes("monitoring.trailing_stop_state") == {"skipped": 29, "waiting": 9}
    assert outcomes("monitoring.orders") == {"imported": 1, "waiting": 1, "skipped": 1, "rejected": 2}
    assert not Position.objects.filter(is_live=True).exists()
    assert not TrailingStop.objects.exists()
    modes = dict(ExchangeAccount.objects.values_list("name", "position_mode"))
    assert modes == {"legacy-binance": "one_way", "legacy-bybit": "one_way"}  # until its owner says otherwise

    position = our(3)
    assert (position.status, position.position_side, position.position_idx) == ("closed", "short", 0)
    assert (position.signal_id, position.planned_quantity, position.quantity) == ("77", D(13), D(0))
    assert (position.realized_pnl, position.close_reason) == (D(-147), "never_opened")
    assert position.close_requested_by == "phantom_on_sync: gone"
    assert position.created_at == datetime(2025, 10, 20, 1, 0, tzinfo=UTC)
    assert position.closed_at == datetime(2025, 10, 20, 1, 10, tzinfo=UTC)
    assert (position.account.name, position.account.api_key) == ("legacy-binance", "")
    assert not position.account.is_live_confirmed
    order = our(3, Order, "orders")
    assert (order.position_id, order.status, order.filled_quantity) == (our(1).pk, "filled", D(11))
    event = our(2, RiskEvent, "events")
    assert (event.risk_level, event.position_id) == ("high", str(our(1).pk))
    assert event.details["error_message"] == "no such position"

    theirs = sql("SELECT id::text, signal_id::text FROM monitoring.positions WHERE id <= 287")
    ours = sql(
        "SELECT l.legacy_id, p.signal_id FROM legacy_rows l JOIN positions p ON p.id = l.our_id::bigint "
        "WHERE l.\"table\" = 'monitoring.positions' AND l.outcome = 'imported'"
    )
    assert dict(ours) == dict(theirs)

    sql(
        "INSERT INTO monitoring.trades (symbol, exchange, side, quantity, price, status, executed_at) "
        "VALUES ('NEWUSDT', 'binance', 'BUY', 3, 1.5, 'FILLED', '2025-11-01 10:00'); "
        "INSERT INTO monitoring.positions (symbol, exchange, side, quantity, entry_price, status, closed_at) "
        "VALUES ('NEWUSDT', 'Binance', 'Buy', 3, 1.5, 'Closed', '2025-11-01 11:00')"
    )
    before, counts = verdicts(), [model.objects.count() for model in (Fill, Position, Order)]
    import_now()
    assert verdicts()[: len(before)] == before
    assert [m.objects.count() for m in (Fill, Position, Order)] == [counts[0] + 1, counts[1] + 1, counts[2]]


def test_generation_2_with_ids_that_are_text() -> None:
    an_old_bot(2)
    sql("ALTER TABLE monitoring.positions ALTER COLUMN signal_id TYPE varchar(100)")
    changes = {
        1: "signal_id = 'websocket_test_123'", 2: "signal_id = 'unknown'", 3: "status = 'weird'", 4: "side = 'up'",
        5: "exchange = 'okx'", 6: "quantity = 0", 7: "symbol = '?'",
    }  # fmt: skip
    for legacy_id, change in changes.items():
        sql(f"UPDATE monitoring.positions SET {change} WHERE id = {legacy_id}")  # noqa: S608
    import_now()
    assert {name: n for name, n in decided().items() if name.startswith("monitoring")} == rows_there()
    assert (our(1).signal_id, our(2).signal_id) == ("websocket_test_123", None)
    refused = LegacyRow.objects.filter(table="monitoring.positions", outcome="rejected").order_by("pk")
    assert list(refused.values_list("legacy_id", "reason")) == [
        ("3", "status 'weird' is not known"),
        ("4", "side 'up' is neither long nor short"),
        ("5", "exchange 'okx' is not one of ours"),
        ("6", "it has no quantity"),
        ("7", "symbol '?' is no contract's name"),
    ]
    strategy = Strategy.objects.get(name="legacy-bybit")
    assert (strategy.enabled, strategy.allow_open) == (False, False)
    assert strategy.protection["trailing"]["activation_percent"] == "1.5"
    assert strategy.protection["stop_loss"]["percent"] == "4"
    assert RiskEvent.objects.get(event_type="phase_change").details["market_price"] == "97010.00000000"
    assert RiskEvent.objects.get(event_type="unprotected").risk_level == "critical"


def test_an_account_that_was_named_must_be_at_its_exchange(settings) -> None:
    an_account(name="mine", venue="bybit")
    settings.LEGACY_ACCOUNTS = {"binance": "mine"}
    an_old_bot(1)
    with pytest.raises(CommandError, match="names mine, which is an account at bybit"):
        import_now()


def test_the_database_refuses_a_second_verdict() -> None:
    row = {"source": POSITIONS.source, "table": POSITIONS.full_name, "legacy_id": "1"}
    LegacyRow.objects.create(**row, outcome="skipped", reason="seen")
    with pytest.raises(IntegrityError, match="legacy_row_once"), transaction.atomic():
        LegacyRow.objects.create(**row, outcome="imported", our_table="positions", our_id="1")
