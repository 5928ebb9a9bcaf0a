"""Orders, stops and sold parts of the v3 bot become positions that are over; what may still be held does not."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.db import connection

from ops.legacy.mapping.v3_orders import STILL_HELD
from ops.legacy.outcomes import not_imported
from ops.models import LegacyRow
from positions.models import Fill, Order, Position, RiskEvent
from tests.legacy.importing import import_now, sql
from tests.legacy.signal_bots import v3_bot
from trailing.models import PartialTakeProfit

pytestmark = pytest.mark.django_db
ORDER = "00000000-0000-0000-0000-00000000000"


@pytest.fixture(autouse=True)
def _moved_in() -> None:
    with connection.cursor() as cursor:
        v3_bot(cursor)
    import_now()


def reasons(table: str) -> dict[str, str]:
    return dict(not_imported().filter(table=f"public.{table}").values_list("legacy_id", "reason"))


def test_orders_until_nothing_is_left_are_a_position() -> None:
    one = Position.objects.get(instrument__exchange_symbol="BTCUSDT")
    assert (one.status, one.position_side, one.position_idx) == ("closed", "long", 1)
    assert (one.planned_quantity, one.average_entry_price) == (D("0.1"), 60000)
    assert (one.average_exit_price, one.realized_pnl) == (D(60225), D("22.5"))
    orders = Order.objects.filter(position=one).order_by("created_at")
    assert list(orders.values_list("purpose", "generation", "status", "order_type", "reduce_only")) == [
        ("entry", 1, "filled", "market", False), ("close", 1, "filled", "limit", True),
        ("close", 2, "filled", "stop_market", True),
    ]  # fmt: skip
    assert Fill.objects.filter(position=one).count() == 3


def test_what_may_still_be_held_is_left_to_the_exchange() -> None:
    assert reasons("orders") == {
        f"{ORDER}4": STILL_HELD,
        f"{ORDER}5": "it bought and sold nothing",
        f"{ORDER}6": "it sells what was not bought here",
    }
    assert not Position.objects.filter(is_live=True).exists()


def test_parts_belong_to_the_position_of_their_order() -> None:
    one = Position.objects.get(instrument__exchange_symbol="BTCUSDT")
    assert list(one.levels.order_by("level").values_list("level", "percent", "close_ratio", "status", "error")) == [
        (1, D(1), D("0.25"), "executed", ""), (2, D(2), D("0.25"), "error", "below the minimum"),
    ]  # fmt: skip
    event = RiskEvent.objects.get(position_id=str(one.pk))
    assert (event.event_type, event.details["stop_loss_price"]) == ("legacy_sltp_order", "59000.0")


def test_a_trade_without_orders_is_what_its_parts_tell() -> None:
    one = Position.objects.get(instrument__exchange_symbol="SOLUSDT")
    assert (one.position_side, one.planned_quantity, one.average_entry_price) == ("short", 10, 200)
    assert one.levels.get().status == "executed"


def test_stops_that_still_stand_and_trades_nobody_knows_are_listed() -> None:
    said = reasons("sltp_orders")
    assert set(said) == {"3", "4"}
    assert said["3"].startswith("its trade was not over")
    assert said["4"].startswith("the trade it belongs to is not on record")
    assert LegacyRow.objects.get(table="public.sltp_orders", legacy_id="3").outcome == "waiting"


def test_a_second_run_changes_nothing() -> None:
    models = (Position, Order, Fill, PartialTakeProfit, RiskEvent)
    before = [list(model.objects.order_by("pk").values()) for model in models]
    import_now()
    assert [list(model.objects.order_by("pk").values()) for model in models] == before


def buys_back(number: int, quantity: str, price: int) -> None:
    sql(
        "INSERT INTO public.orders (id, symbol, side, quantity, status, position_idx, reduce_only, order_type, "
        "order_id, filled_quantity, average_price, created_at, updated_at) "
        "VALUES (%s, 'BTCUSDT', 'BUY', %s, 'FILLED', 2, true, 'limit', %s, %s, %s, '2025-08-03Z', '2025-08-03Z')",
        f"{ORDER}{number}", D(quantity), f"x-{number}", D(quantity), price,
    )  # fmt: skip


def test_what_was_held_comes_whole_once_it_has_ended() -> None:
    """The short and its parts wait for the order that ends it."""
    buys_back(7, "0.02", 59000)
    sql(
        "INSERT INTO public.partial_tp_history (trade_id, level, percent, close_ratio, close_qty, price, order_id, "
        "status, created_at, updated_at) "
        "VALUES (15, 1, 1, 0.2, 0.02, 59000, 'x-7', 'executed', '2025-08-03Z', '2025-08-03Z')"
    )
    import_now()
    waiting = LegacyRow.objects.filter(reason=STILL_HELD)
    assert set(waiting.values_list("outcome", "table")) == {
        ("waiting", "public.orders"), ("waiting", "public.partial_tp_history"),
    }  # fmt: skip
    buys_back(8, "0.08", 58000)
    import_now()
    assert not waiting.exists()
    short = Position.objects.get(instrument__exchange_symbol="BTCUSDT", position_side="short")
    orders = Order.objects.filter(position=short).order_by("created_at", "generation")
    assert list(orders.values_list("purpose", "filled_quantity")) == [
        ("entry", D("0.1")), ("close", D("0.02")), ("close", D("0.08")),
    ]  # fmt: skip
    assert short.levels.get().close_qty == D("0.02")
