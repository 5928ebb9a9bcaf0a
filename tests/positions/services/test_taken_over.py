"""A position that no order of ours opened: what is told of its entry afterwards changes neither how much it began with
nor how far it had come."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.models import Instrument
from positions.models import Order, Position
from positions.services.ladder import check_partial_tp
from positions.services.plans import kept
from positions.services.reducing import close_part
from tests.builders import a_position
from tests.positions.services.conftest import Desk
from trailing import services as trailing
from trailing.models import TrailingStop
from trailing.plan import read_plan

BTC, STEP = "BTCUSDT", timedelta(minutes=5)
PLAN = {
    "stop_loss": {"type": "percent", "percent": 2},
    "trailing": {"type": "percent", "activation_percent": 1, "callback_percent": "0.5"},
    "take_profits": {"levels": [{"at": {"type": "price", "price": "120000"}, "close_ratio": 1}]},
}


@pytest.fixture
def taken(desk: Desk) -> Position:
    """Held since an hour; its row says 100000, the exchange will say a little more."""
    now, held = timezone.now(), D("0.004")
    desk.engine.set_dual_side(desk.paper_name, True)
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D("100010"), 0)
    desk.engine.place(
        desk.paper_name, symbol=BTC, side="BUY", type="MARKET", quantity=held, position_side="LONG",
        client_order_id="web_1", now_ms=int((now - STEP).timestamp() * 1000),
    )  # fmt: skip
    desk.engine.set_price(BTC, D(102_000), 0)
    position = a_position(
        account=desk.account, instrument=Instrument.objects.get(exchange_symbol=BTC, venue="binance"), status="open",
        quantity=held, planned_quantity=held, unexplained_quantity=held, unexplained_price=D(100_000),
        unexplained_at=now, average_entry_price=D(100_000),
        created_at=now - 2 * STEP, opened_at=now - STEP, plan=kept(read_plan(PLAN)),
    )  # fmt: skip
    TrailingStop.objects.update_or_create(
        position=position,
        defaults={
            "state": "active", "entry_price": D(100_000), "high_water_mark": D(103_000), "stop_price": D("102485"),
            "stop_reason": "trailing", "known_until": now - STEP,
        },
    )  # fmt: skip
    return position


def entry_is_told(desk: Desk, position: Position) -> None:
    desk.tell(desk.engine.account(desk.paper_name).trades[0])
    position.refresh_from_db()
    assert (position.quantity, position.unexplained_quantity) == (D("0.004"), D(0))
    assert position.average_entry_price == D(100_010)


def test_its_best_price_outlives_a_better_known_entry(desk: Desk, taken: Position) -> None:
    before = TrailingStop.objects.get(pk=taken.pk)
    entry_is_told(desk, taken)
    trailing.keep_stop(taken.pk)
    row = TrailingStop.objects.get(pk=taken.pk)
    assert (row.entry_price, row.high_water_mark, row.stop_price) == (D(100_010), D(103_000), D(102_485))
    assert row.known_until == before.known_until


def test_its_ladder_and_its_parts_are_of_all_it_began_with(desk: Desk, taken: Position) -> None:
    entry_is_told(desk, taken)
    (level,) = check_partial_tp(taken.pk)
    assert (level.status, level.quantity) == ("pending", D("0.004"))
    Order.objects.filter(purpose="take_profit").update(status="canceled")
    part = Order.objects.get(pk=close_part(taken.pk, D("0.5"), requested_by="owner"))
    assert part.quantity == D("0.002")
