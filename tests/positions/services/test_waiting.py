"""A take-profit level too far away for the exchange's price filter."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.errors import PriceTooFar
from exchanges.types import PositionSide
from positions.lifecycle import CloseReason
from positions.models import Order, Position, RiskEvent
from positions.position_page import page_of, record_of
from positions.services.closing import request_close
from positions.services.ladder import check_ladders, check_partial_tp
from tests.positions.services.conftest import Desk
from tests.positions.services.test_ladder import (
    BTC,
    follow,
    levels_of,
    percents,
    price_at,
    send,
    settle,
    statuses,
)
from tests.positions.services.test_orders import Trouble
from trailing.models import PartialTakeProfit

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BOTH = pytest.mark.parametrize("side", [LONG, SHORT])
FILTER = D("1.1")  # so far from the market a limit may be


class PercentPrice(Trouble):
    """The exchange takes no limit further than a tenth from the market."""

    def begin(self, desk: Desk) -> None:
        client = self.client()
        honest = type(client).create_order

        async def filtered(request):
            market = desk.engine.prices[BTC]
            highest, lowest = market * FILTER, market * (2 - FILTER)
            if request.price is not None and request.price > highest:
                raise PriceTooFar(f"Limit price can't be higher than {highest}.", code="-4016")
            if request.price is not None and request.price < lowest:
                raise PriceTooFar(f"Limit price can't be lower than {lowest}.", code="-4024")
            return await honest(client, request)

        client.create_order = filtered  # type: ignore[method-assign]


@pytest.fixture
def desk(desk: Desk):
    """Entries are filled at 100000; the second level is 25 % away."""
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    follow(desk, percents((1, "0.5"), (25, "0.5")), {"type": "none"})
    filtering = PercentPrice(desk)
    filtering.begin(desk)
    yield desk
    filtering.over()


def waiting(desk: Desk, side: PositionSide) -> Position:
    position = desk.filled(side=side)
    check_partial_tp(position.pk)
    send(position)
    check_ladders(timezone.now())
    return position


def tries(position: Position) -> list[str]:
    made = Order.objects.filter(position=position, level=2).order_by("generation")
    return list(made.values_list("status", flat=True))


def later(position: Position, **by: float) -> None:
    for order in Order.objects.filter(position=position, level=2):
        Order.objects.filter(pk=order.pk).update(updated_at=order.updated_at - timedelta(**by))


def market_at(desk: Desk, percent: object, side: PositionSide) -> None:
    desk.engine.prices[BTC] = price_at(percent, side)


@BOTH
def test_it_waits_and_the_others_stand(desk: Desk, side: PositionSide) -> None:
    position = waiting(desk, side)
    assert (statuses(position), tries(position)) == (["pending", "pending"], ["rejected"])
    level = PartialTakeProfit.objects.get(position=position, level=2)
    assert level.close_qty == D("0.005")
    assert level.error.startswith("too far from the market: -40")
    for _ in range(5):
        later(position, minutes=2)
        check_ladders(timezone.now())
    assert tries(position) == ["rejected"], "not before the market is nearer"


@BOTH
def test_it_is_placed_again_when_the_market_is_near_enough(desk: Desk, side: PositionSide) -> None:
    position = waiting(desk, side)
    later(position, minutes=2)
    market_at(desk, 13, side)
    check_ladders(timezone.now())
    assert tries(position) == ["rejected"]
    market_at(desk, 20, side)
    check_ladders(timezone.now())
    send(position)
    assert tries(position) == ["rejected", "accepted"]
    assert PartialTakeProfit.objects.get(position=position, level=2).error == ""


@BOTH
def test_one_event_tells_of_it_however_often_it_is_refused(desk: Desk, side: PositionSide) -> None:
    position = waiting(desk, side)
    PartialTakeProfit.objects.filter(level=2).update(waits_for=D(100_000))  # much too short an estimate
    for _ in range(6):
        later(position, minutes=2)
        check_ladders(timezone.now())
        PartialTakeProfit.objects.filter(level=2).update(waits_for=D(100_000))
        send(position)
    assert tries(position) == ["rejected"] * 7, "four refusals are no end"
    assert statuses(position) == ["pending", "pending"]
    told = RiskEvent.objects.filter(position_id=str(position.pk))
    assert [row.event_type for row in told] == ["level_waits"]
    assert told[0].details["level"] == "2"


def test_nobody_asks_again_before_the_pause_is_over(desk: Desk) -> None:
    position = waiting(desk, LONG)
    PartialTakeProfit.objects.filter(level=2).update(waits_for=D(100_000))
    later(position, seconds=0.5)
    check_ladders(timezone.now())
    assert tries(position) == ["rejected"]
    later(position, seconds=1)
    check_ladders(timezone.now())
    assert tries(position) == ["rejected", "initialized"]


def test_a_close_does_not_wait_for_it(desk: Desk) -> None:
    position = waiting(desk, LONG)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    settle(position)
    settle(position)
    position.refresh_from_db()
    assert (position.status, desk.held()) == ("closed", 0)
    assert statuses(position) == ["canceled", "canceled"]


def test_the_page_says_for_which_price_it_waits(desk: Desk) -> None:
    position = waiting(desk, LONG)
    record = record_of(position.pk, timezone.now())
    assert record is not None
    (facts,) = [
        facts for name, facts in page_of(record, timezone.now())["groups"] if name == "Take-profit levels"
    ]
    assert "too far from the market" in facts[1].note
    assert "placed again at 113,636" in facts[1].note


def test_an_order_by_hand_is_simply_refused(desk: Desk) -> None:
    position = waiting(desk, LONG)
    assert len(levels_of(position)) == 2
    RiskEvent.objects.all().delete()
    Order.objects.filter(level=2).update(level=None, status="initialized", next_attempt_at=None, reason="")
    send(position)
    assert set(RiskEvent.objects.values_list("event_type", flat=True)) == {"order_refused", "part_refused"}
