"""Stops when something else goes wrong at the same time."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
import redis
from django.utils import timezone

from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide
from positions.models import Order, Position
from positions.services import lookups, orders
from positions.services.ladder import check_partial_tp
from tests.positions.services.conftest import Desk
from trailing import services
from trailing.models import PlanVersion, TrailingStop
from trailing.plan import read_plan

BTC = "BTCUSDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BOTH = pytest.mark.parametrize("side", [LONG, SHORT])


@pytest.fixture
def desk(desk: Desk, marks: redis.Redis) -> Desk:
    """Entries are filled at 100000, whatever their side."""
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    return desk


def price_at(percent: object, side: PositionSide) -> D:
    """So much profit from 100000."""
    return D(100_000) * (1 + side.sign * D(str(percent)) / 100)


def follow(desk: Desk, **plan: object) -> None:
    desk.strategy.protection = read_plan(plan).as_json()
    desk.strategy.save()


def protected(desk: Desk, side: PositionSide = LONG) -> Position:
    """Filled, armed, its stop confirmed by the exchange."""
    position = desk.filled(BTC, side)
    services.protect(position.pk)
    assert desk.submit(position, "protect").status == "accepted"
    position.refresh_from_db()
    return position


def send(position: Position) -> None:
    for order in Order.objects.filter(position=position, status="initialized").order_by("created_at"):
        orders.submit(order.pk)
    for order in Order.objects.filter(position=position, status="pending_cancel"):
        lookups.cancel(order.pk)


def trade_by_hand(desk: Desk, trade: str, quantity: str, side: PositionSide = LONG) -> None:
    account = desk.engine.account(desk.paper_name)
    way = side.entry_side if trade == "more" else side.exit_side
    desk.engine.place(
        desk.paper_name, symbol=BTC, side=way.upper(), type="MARKET", quantity=D(quantity),
        position_side=side.upper(), now_ms=now_ms() + 1,
    )  # fmt: skip
    for trade_made in list(account.trades):
        desk.tell(trade_made)


def row_of(position: Position) -> TrailingStop:
    return TrailingStop.objects.get(pk=position.pk)


def state(position: Position) -> tuple[str, str]:
    return Position.objects.values_list("status", "close_reason").get(pk=position.pk)


def stand_unprotected(position: Position, since: timedelta = timedelta(hours=1)) -> None:
    Order.objects.filter(position=position, purpose="protect").update(status="expired")
    Position.objects.filter(pk=position.pk).update(unprotected_since=timezone.now() - since)


# no stop can be reckoned


@BOTH
@pytest.mark.parametrize(
    "policy",
    [
        {"type": "breakeven", "offset_percent": "0.1"},
        {"type": "previous_level"},
        {"type": "percent", "percent": "1"},
    ],
)
def test_a_level_that_is_no_profit_any_more_keeps_no_stop_away(
    desk: Desk, side: PositionSide, policy: dict[str, str]
) -> None:
    """Sold at its price; then more was bought beyond it, and the average is worse than the level."""
    levels = [
        {"at": {"type": "price", "price": str(price_at(percent, side))}, "close_ratio": "0.3"}
        for percent in (1, 30)
    ]
    follow(desk, trailing=None, take_profits={"levels": levels, "stop_after_level": policy})
    position = protected(desk, side)
    check_partial_tp(position.pk)
    send(position)
    desk.engine.set_price(BTC, price_at(1, side), 0)
    for order in Order.objects.filter(position=position, level=1):
        lookups.resolve(order.pk)
    assert row_of(position).levels_taken == 1
    desk.engine.set_price(BTC, price_at(10, side), 0)
    trade_by_hand(desk, "more", "0.010", side)
    services.protect(position.pk)
    send(position)
    position.refresh_from_db()
    newest = desk.order(position, "protect")
    assert (newest.status, newest.quantity) == ("accepted", position.quantity)
    assert newest.quantity == D("0.017")


def test_a_position_without_an_entry_price_is_closed_when_it_stays_unprotected(desk: Desk) -> None:
    position = desk.filled()
    Position.objects.update(average_entry_price=0, unprotected_since=timezone.now() - timedelta(hours=1))
    services.sweep(timezone.now())
    assert state(position) == ("closing", "unprotected")


def test_a_position_whose_plan_nobody_can_read_is_closed_when_it_stays_unprotected(desk: Desk) -> None:
    position = protected(desk)
    plan = PlanVersion.objects.create(digest="0" * 64, body={"stop_loss": {"type": "hope"}})
    Position.objects.update(plan=plan)
    services.sweep(timezone.now())
    assert state(position)[0] == "open", "its stop stands"
    stand_unprotected(position)
    services.sweep(timezone.now())
    assert state(position) == ("closing", "unprotected")
