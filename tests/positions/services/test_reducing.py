"""Parts of the original quantity, sold at market; the stop follows, the books add up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connections
from django.utils import timezone

from exchanges.errors import NothingToReduce, OutcomeUnknown
from exchanges.types import PositionSide
from positions.lifecycle import CloseReason
from positions.models import Order, Position
from positions.services import lookups, orders
from positions.services.closing import request_close
from positions.services.gap_filling import read_all
from positions.services.placing import OrderRefused
from positions.services.reducing import close_part, close_position_partial
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from trailing import services as trailing

BTC = "BTCUSDT"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.engine.set_price(BTC, D(100_000), 0)
    return desk


def part(position: Position, ratio: str, **words: bool) -> Order:
    return Order.objects.get(pk=close_part(position.pk, D(ratio), requested_by="owner", **words))


def sent(desk: Desk, order: Order) -> Order:
    orders.submit(order.pk)
    order.refresh_from_db()
    return order


def state(position: Position) -> tuple[str, D]:
    position.refresh_from_db()
    return position.status, position.quantity


def test_a_part_is_sold_and_the_rest_stays_open(desk: Desk) -> None:
    position = desk.filled()
    order = sent(desk, part(position, "0.2"))
    assert (order.purpose, order.quantity, order.status) == ("reduce", D("0.002"), "filled")
    assert (state(position), desk.held()) == (("open", D("0.008")), D("0.008"))


def test_by_symbol_and_leg(desk: Desk) -> None:
    long, short = desk.filled(), desk.filled(side=PositionSide.SHORT)
    order = Order.objects.get(pk=close_position_partial(BTC, 2, D("0.5")))
    assert (order.position_id, order.side, order.position_idx) == (short.pk, "buy", 2)
    sent(desk, order)
    assert (state(long)[1], state(short)[1]) == (D("0.010"), D("0.005"))


def test_a_leg_that_is_not_there_is_named(desk: Desk) -> None:
    desk.filled()
    with pytest.raises(OrderRefused, match="there is no position 2 in BTCUSDT"):
        close_position_partial(BTC, 2, D("0.5"))
    with pytest.raises(OrderRefused, match="there is no"):
        close_position_partial(BTC, 1, D("0.5"), account_id=0)


def test_every_ratio_is_of_what_the_entry_bought(desk: Desk) -> None:
    position = desk.filled()
    for ratio, left in (("0.25", "0.008"), ("0.25", "0.006")):
        sent(desk, part(position, ratio))
        assert state(position)[1] == D(left)
    last = sent(desk, part(position, "0.5", is_last=True))
    assert (last.purpose, last.quantity) == ("close", D("0.006"))
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "manual", 0)


def test_what_would_leave_a_crumb_closes_everything(desk: Desk) -> None:
    position = desk.filled()
    type(position.instrument).objects.filter(exchange_symbol=BTC).update(min_notional=D(250))
    order = part(position, "0.8")
    assert (order.purpose, order.quantity) == ("close", D("0.010"))
    assert state(position)[0] == "closing"


def test_the_stop_follows_new_before_old_is_taken_back(desk: Desk) -> None:
    position = desk.filled()
    trailing.protect(position.pk)
    first = desk.submit(position, "protect")
    sent(desk, part(position, "0.4"))
    trailing.protect(position.pk)
    second = desk.submit(position, "protect")
    assert (second.status, second.quantity, second.trigger_price) == (
        "accepted",
        D("0.006"),
        first.trigger_price,
    )
    assert len(desk.engine.open_algos(desk.paper_name)) == 2
    lookups.cancel(first.pk)
    assert [algo.quantity for algo in desk.engine.open_algos(desk.paper_name)] == [D("0.006")]
    assert state(position) == ("open", D("0.006"))
    assert position.unprotected_since is None


def test_two_stops_that_both_fire_sell_what_is_held_once(desk: Desk) -> None:
    position = desk.filled()
    trailing.protect(position.pk)
    first = desk.submit(position, "protect")
    sent(desk, part(position, "0.4"))
    trailing.protect(position.pk)
    second = desk.submit(position, "protect")
    desk.engine.set_price(BTC, D(97_000), 0)
    for stop in (first, second):
        lookups.cancel(stop.pk)
        lookups.resolve(stop.pk)
        stop.refresh_from_db()
    assert (first.status, first.filled_quantity, second.status) == ("rejected", 0, "filled")
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "stop_loss", 0)


def test_one_part_at_a_time(desk: Desk) -> None:
    position = desk.filled()
    part(position, "0.2")
    with pytest.raises(OrderRefused, match="another part"):
        part(position, "0.2")


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_sell_one_part(desk: Desk) -> None:
    position = desk.filled()

    def ask(_: int) -> bool:
        try:
            part(position, "0.2")
        except OrderRefused:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(ask, range(10))) == Order.objects.filter(purpose="reduce").count() == 1


@pytest.mark.parametrize("ratio", ["0", "1.5", "-1", "0.01"])
def test_ratios_that_make_no_row(desk: Desk, ratio: str) -> None:
    position = desk.filled()
    with pytest.raises(OrderRefused):
        part(position, ratio)
    assert not Order.objects.filter(purpose="reduce").exists()


def test_no_part_of_what_is_closing(desk: Desk) -> None:
    position = desk.filled()
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    with pytest.raises(OrderRefused, match="closing"):
        part(position, "0.5")


def test_a_close_beside_a_part_under_way_asks_for_the_rest_only(desk: Desk) -> None:
    position = desk.filled()
    Trouble(desk).answer_with(OutcomeUnknown("lost"), after_the_work=True)
    order = sent(desk, part(position, "0.4"))
    assert order.status == "submitted"
    Trouble(desk).over()
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    assert desk.submit(position, "close").quantity == D("0.006")
    assert state(position)[0] == "closing", "what the part did is not known yet"
    lookups.resolve(order.pk)
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "manual", 0)


def test_a_part_that_never_arrived_is_closed_with_the_rest(desk: Desk) -> None:
    position = desk.filled()
    Trouble(desk).answer_with(OutcomeUnknown("lost"))
    order = sent(desk, part(position, "0.4"))
    Trouble(desk).over()
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    desk.submit(position, "close")
    Order.objects.filter(pk=order.pk).update(submitted_at=timezone.now() - timedelta(seconds=60))
    lookups.resolve(order.pk)
    assert desk.submit(position, "close").quantity == D("0.004")
    assert (state(position), desk.held()) == (("closed", 0), 0)


def test_a_part_that_is_refused_leaves_the_position_as_it_was(desk: Desk) -> None:
    position = desk.filled()
    Trouble(desk).answer_with(NothingToReduce("ReduceOnly Order is rejected.", code="-2022"))
    assert sent(desk, part(position, "0.4")).status == "rejected"
    assert state(position) == ("open", D("0.010"))
    Trouble(desk).over()
    assert sent(desk, part(position, "0.4")).client_order_id.endswith("r2")


def test_profit_of_the_parts_adds_up(desk: Desk) -> None:
    position = desk.filled()
    desk.engine.set_price(BTC, D(101_000), 0)
    sent(desk, part(position, "0.5"))
    desk.engine.set_price(BTC, D(102_000), 0)
    sent(desk, part(position, "1"))
    read_all(desk.account)
    position.refresh_from_db()
    theirs = sum((trade.realized_pnl for trade in desk.engine.account(desk.paper_name).trades), D(0))
    assert (position.status, position.realized_pnl) == ("closed", theirs)
