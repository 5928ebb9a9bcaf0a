"""What an entry paid is known from its answer; its executions, told later in any order, do not bend it meanwhile."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide
from positions.models import Fill, Order, Position, RiskEvent
from tests.positions.services.conftest import Desk
from trailing import services
from trailing.models import TrailingStop
from trailing.plan import read_plan

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BTC = "BTCUSDT"
FAR = read_plan({"stop_loss": {"type": "distance", "distance": 90_000}, "trailing": None}).as_json()


def armed_with_stop(position: Position) -> tuple[D, D]:
    services.protect(position.pk)
    return TrailingStop.objects.values_list("entry_price", "stop_price").get(pk=position.pk)


@pytest.mark.parametrize(
    ("side", "later", "average", "stop"),
    [(LONG, 104_000, "100363.63636364", "98356.3"), (SHORT, 96_000, "99636.36363636", "101629.1")],
)
def test_another_hand_told_before_our_own_executions_counts_beside_them(
    desk: Desk, side: PositionSide, later: int, average: str, stop: str
) -> None:
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    position = desk.filled(side=side)
    own = list(desk.engine.account(desk.paper_name).trades)
    desk.engine.prices[BTC] = D(later)
    words = {"symbol": BTC, "side": side.entry_side.upper(), "position_side": side.upper(), "type": "MARKET"}
    desk.engine.place(desk.paper_name, quantity=D("0.001"), now_ms=now_ms() + 1, **words)
    desk.tell(desk.engine.account(desk.paper_name).trades[-1])
    assert armed_with_stop(position) == (D(average), D(stop))
    for trade in own:
        desk.tell(trade)
    assert armed_with_stop(position) == (D(average), D(stop))


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_the_first_of_two_executions_leaves_the_answered_average(desk: Desk, side: PositionSide) -> None:
    desk.engine.depth_notional = D(600)
    position = desk.filled(side=side)
    first, *others = desk.engine.account(desk.paper_name).trades
    order = Order.objects.get(position=position, purpose="entry")
    assert others
    assert first.price != order.average_price
    desk.tell(first)
    position.refresh_from_db()
    assert (Fill.objects.count(), position.average_entry_price) == (1, order.average_price)


def test_an_average_below_the_planned_distance_has_the_widest_stop_that_still_protects(desk: Desk) -> None:
    """Planned at 100000 with a stop 90000 away; somebody bought more at 1000, and no stop stands yet."""
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    desk.strategy.leverage, desk.strategy.protection = 1, FAR
    desk.strategy.save()
    position = desk.filled()
    Position.objects.filter(pk=position.pk).update(average_entry_price=D(50_000))
    assert armed_with_stop(position) == (50_000, D("250.1"))
    stop = desk.submit(position, "protect")
    assert (stop.status, stop.trigger_price) == ("accepted", D("250.1"))
    told = RiskEvent.objects.get(event_type="stop_nearer_than_planned")
    assert (told.risk_level, D(told.details["stop_price"]), told.details["plan"]) == (
        "high",
        D("250.1"),
        "stop 90000 away",
    )
    services.protect(position.pk)
    services.advance(position.pk, D(60_000), timezone.now())
    assert RiskEvent.objects.filter(event_type="stop_nearer_than_planned").count() == 1


def test_a_stop_that_stands_is_not_loosened_by_such_an_average(desk: Desk) -> None:
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    desk.strategy.leverage, desk.strategy.protection = 1, FAR
    desk.strategy.save()
    position = desk.filled()
    assert armed_with_stop(position) == (100_000, 10_000)
    Position.objects.filter(pk=position.pk).update(average_entry_price=D(50_000))
    assert armed_with_stop(position) == (50_000, 10_000)
