"""Live positions of the first bot, held on the paper exchange, become the running bot's own."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.paper.venue import now_ms
from ops.models import LegacyRow
from positions.models import Order, Position, RiskEvent
from positions.services import orders
from positions.services.gap_filling import read_all
from positions.services.reconciliation import reconcile_account
from tests.legacy.importing import an_old_bot, import_now, outcomes, sql
from tests.positions.services.conftest import Desk, desk
from tests.trailing.conftest import sweep_and_ask

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
HELD = {"BTCUSDT": ("BUY", "0.004"), "ETHUSDT": ("SELL", "0.1"), "SOLUSDT": ("BUY", "2"), "DOGEUSDT": ("SELL", "1000"),
        "BNBUSDT": ("BUY", "0.5")}  # fmt: skip
AN_HOUR = 3_600_000
UNTOUCHED = ("XRPUSDT", "ADAUSDT")  # begun by the old bot, and never bought


@pytest.fixture
def mine(desk: Desk, settings) -> ExchangeAccount:
    """The account that holds what the old bot opened on Binance; what it had at Bybit waits."""
    account = desk.account
    account.position_mode = "one_way"
    account.save()
    desk.engine.open_account(desk.paper_name, D(10_000))
    settings.LEGACY_ACCOUNTS = {"binance": account.name}
    for symbol, (side, quantity) in HELD.items():
        desk.engine.place(
            desk.paper_name, symbol=symbol, side=side, type="MARKET", quantity=D(quantity), position_side="BOTH",
            client_order_id=f"old-{symbol}", now_ms=now_ms() - AN_HOUR,
        )  # fmt: skip
    an_old_bot(1)
    sql("UPDATE monitoring.positions SET updated_at = now() AT TIME ZONE 'UTC'")
    return account


def taken(symbol: str) -> Position:
    return Position.objects.get(instrument__exchange_symbol=symbol, is_live=True)


def reconcile(account: ExchangeAccount, seconds_later: int = 0) -> None:
    before = timezone.now() - timedelta(seconds=seconds_later + 1)
    Order.objects.update(updated_at=before)
    Position.objects.update(updated_at=before)
    for column in ("absent_since", "differs_since"):
        Position.objects.exclude(**{column: None}).update(**{column: before})
    reconcile_account(account.pk)


def send_all() -> None:
    for order in Order.objects.filter(status="initialized"):
        orders.submit(order.pk)


def test_live_positions_are_compared_protected_and_trailed_from_their_best_price(
    desk: Desk, mine: ExchangeAccount
) -> None:
    desk.engine.set_price("BTCUSDT", D(97900), now_ms())
    desk.engine.set_price("ETHUSDT", D(3495), now_ms())
    desk.engine.set_price("SOLUSDT", D(190), now_ms())
    import_now()
    assert outcomes("monitoring.trailing_stop_state") == {"imported": 6, "waiting": 3, "skipped": 29}
    btc, eth = taken("BTCUSDT"), taken("ETHUSDT")
    assert (btc.status, btc.quantity, btc.average_entry_price) == ("open", D("0.004"), D(97000))
    assert (btc.signal_id, btc.position_idx) == ("1200301", 0)
    trail = btc.trailing_stop
    assert (trail.state, trail.high_water_mark, trail.stop_price) == ("active", D(98100), D("97609.5"))
    assert (eth.position_side, eth.trailing_stop.high_water_mark) == ("short", D(3490))
    assert (taken("BNBUSDT").status, taken("ADAUSDT").status) == ("opening", "opening")

    reconcile(mine)
    reconcile(mine, seconds_later=10)
    assert not Position.objects.filter(is_live=True, instrument__exchange_symbol__in=UNTOUCHED).exists()
    ended = Position.objects.get(instrument__exchange_symbol="ADAUSDT", account=mine, position_side="long",
                                 signal_id="1200306")  # fmt: skip
    assert (ended.status, ended.close_reason) == ("closed", "never_opened")
    assert (taken("BNBUSDT").status, taken("BNBUSDT").quantity) == ("open", D("0.5"))

    sweep_and_ask(timezone.now())
    send_all()
    stops = {o.symbol: o for o in Order.objects.filter(purpose="protect", status="accepted")}
    assert set(stops) == set(HELD)
    assert (stops["BTCUSDT"].trigger_price, stops["BTCUSDT"].quantity) == (D("97609.5"), D("0.004"))
    assert stops["ETHUSDT"].trigger_price == D("3507.45")

    desk.engine.set_price("BTCUSDT", D(99000), now_ms())
    sweep_and_ask(timezone.now())
    send_all()
    assert taken("BTCUSDT").trailing_stop.stop_price == D("98505")
    reconcile(mine)
    assert Position.objects.filter(is_live=True, absent_since=None, differs_since=None).count() == len(HELD)


def test_what_was_held_before_counts_once_and_what_ends_it_is_heard(
    desk: Desk, mine: ExchangeAccount
) -> None:
    import_now()
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=D("0.004"), position_side="BOTH",
        client_order_id="by-hand", now_ms=now_ms(),
    )  # fmt: skip
    read_all(mine)
    reconcile(mine)
    btc = Position.objects.get(signal_id="1200301")
    assert (btc.status, btc.close_reason, btc.quantity) == ("closed", "external", D(0))
    assert btc.realized_pnl == (btc.average_exit_price - D(97000)) * D("0.004")


def test_a_second_import_takes_nothing_over_twice(mine: ExchangeAccount) -> None:
    import_now()
    live = Position.objects.filter(is_live=True).count()
    sql("DELETE FROM legacy_rows WHERE legacy_id = '301'")
    import_now()
    assert Position.objects.filter(is_live=True).count() == live
    row = LegacyRow.objects.get(table="monitoring.positions", legacy_id="301")
    assert row.outcome == "rejected"
    assert row.reason.endswith(f"of account {mine.name} is live there already")


def test_live_positions_wait_while_their_contracts_are_unknown(mine: ExchangeAccount, settings) -> None:
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"
    sql("UPDATE exchanges_instrument SET active = false WHERE exchange_symbol = 'BTCUSDT'")
    import_now()
    row = LegacyRow.objects.get(table="monitoring.positions", legacy_id="301")
    assert (row.outcome, row.reason) == (
        "waiting", "binance has not listed BTCUSDT to us yet, so its price step is not known",
    )  # fmt: skip
    assert not RiskEvent.objects.filter(position_id=row.our_id).exists()


def test_a_state_of_an_earlier_position_is_not_taken(desk: Desk, mine: ExchangeAccount) -> None:
    sql(
        "UPDATE monitoring.trailing_stop_state SET position_id = 301, entry_price = 108000, highest_price = 112000, "
        "current_stop_price = 111440, last_update_time = '2025-10-27' WHERE symbol = 'BTCUSDT' AND exchange = 'binance'"
    )
    desk.engine.set_price("BTCUSDT", D(97900), now_ms())
    import_now()
    btc = taken("BTCUSDT")
    assert (btc.trailing_stop.state, btc.trailing_stop.high_water_mark, btc.trailing_stop.stop_price) == (
        "waiting", None, D(95060),
    )  # fmt: skip
    row = LegacyRow.objects.get(table="monitoring.positions", legacy_id="301")
    assert row.reason == "trailing state 101 is left out: it was entered at 108000, the position at 97000"
    sweep_and_ask(timezone.now())
    assert taken("BTCUSDT").status == "open"


def test_a_stop_that_the_market_has_passed_sells_nothing(desk: Desk, mine: ExchangeAccount) -> None:
    desk.engine.set_price("BTCUSDT", D(97400), now_ms())
    import_now()
    sweep_and_ask(timezone.now())
    send_all()
    btc = taken("BTCUSDT")
    assert (btc.status, btc.trailing_stop.stop_price) == ("open", D(96913))
    told = RiskEvent.objects.get(event_type="older_stop_passed", position_id=str(btc.pk))
    assert D(told.details["older_stop"]) == D("97609.5")
