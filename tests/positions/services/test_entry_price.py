"""What an entry paid is known from its answer; its executions, told later in any order, do not bend it meanwhile."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide
from positions.models import Fill, Order, Position
from tests.positions.services.conftest import Desk
from trailing import services
from trailing.models import TrailingStop

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BTC = "BTCUSDT"


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
