"""Orders that wait for a price, told to the exchange in its own words; what is wrong makes no row."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from exchanges.types import OrderType, PositionSide, TimeInForce
from positions.lifecycle import CloseReason, OrderPurpose
from positions.models import Order, Position
from positions.services import lookups, orders
from positions.services.closing import request_close
from positions.services.opening import Opened, open_position
from positions.services.placing import OrderRefused, place_order
from positions.sizing import Skip
from positions.terms import MARKET, Terms
from tests.positions.services.conftest import Desk
from trailing import services as trailing

BTC = "BTCUSDT"
REDUCE, TAKE_PROFIT = OrderPurpose.REDUCE, OrderPurpose.TAKE_PROFIT


def limit(price: str, **words: Any) -> Terms:
    return Terms(OrderType.LIMIT, D(price), **words)


def target(price: str) -> Terms:
    return Terms(OrderType.TAKE_PROFIT_MARKET, trigger_price=D(price))


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.engine.set_price(BTC, D(100_000), 0)
    return desk


def opened(desk: Desk, terms: Terms, side: PositionSide = PositionSide.LONG) -> Position:
    outcome = open_position(desk.propose(BTC, side, entry=terms))
    assert isinstance(outcome, Opened), outcome
    return Position.objects.get(pk=outcome.position_id)


def price_moves_to(desk: Desk, price: str, *told: Order) -> None:
    """The stream is not part of these stories: what it would tell is asked for."""
    desk.engine.set_price(BTC, D(price), 0)
    for order in told:
        lookups.resolve(order.pk)
        order.refresh_from_db()


def state(position: Position) -> tuple[str, D]:
    position.refresh_from_db()
    return position.status, position.quantity


# entries


def test_a_limit_entry_rests_and_opens_the_position_when_it_fills(desk: Desk) -> None:
    position = opened(desk, limit("99000"))
    assert position.planned_quantity == D("0.010"), "sized at its own price"
    entry = desk.submit(position, "entry")
    assert (entry.status, entry.price) == ("accepted", D(99_000))
    assert state(position) == ("opening", 0)
    price_moves_to(desk, "98999", entry)
    assert state(position) == ("open", D("0.010"))
    assert position.average_entry_price == D(99_000)


def test_a_limit_entry_that_fills_in_parts_has_a_stop_for_what_it_holds(desk: Desk) -> None:
    desk.engine.depth_notional = D(400)
    position = opened(desk, limit("99000"))
    entry = desk.submit(position, "entry")
    price_moves_to(desk, "98999", entry)
    assert (entry.status, state(position)) == ("partially_filled", ("open", D("0.004")))
    trailing.protect(position.pk)
    assert desk.submit(position, "protect").quantity == D("0.004")
    price_moves_to(desk, "98998", entry)
    trailing.protect(position.pk)
    assert desk.submit(position, "protect").quantity == D("0.008")


def test_a_post_only_entry_that_would_take_opens_nothing(desk: Desk) -> None:
    position = opened(desk, limit("100100", time_in_force=TimeInForce.GTX))
    entry = desk.submit(position, "entry")
    assert entry.status == "rejected"
    assert entry.reason.startswith("-5022")
    assert state(position) == ("closed", 0)
    assert position.close_reason == "never_opened"


def test_all_or_nothing_that_finds_too_little_opens_nothing(desk: Desk) -> None:
    desk.engine.depth_notional = D(400)
    position = opened(desk, limit("100000.1", time_in_force=TimeInForce.FOK))
    assert desk.submit(position, "entry").reason.startswith("-5021")
    assert (state(position), position.close_reason) == (("closed", 0), "never_opened")


def test_an_immediate_entry_keeps_what_it_got(desk: Desk) -> None:
    desk.engine.depth_notional = D(400)
    position = opened(desk, limit("100000.1", time_in_force=TimeInForce.IOC))
    entry = desk.submit(position, "entry")
    assert (entry.status, entry.filled_quantity) == ("expired", D("0.003"))
    assert state(position) == ("open", D("0.003"))
    assert desk.held() == D("0.003")


def test_an_entry_good_till_a_date_is_ended_by_the_exchange(desk: Desk) -> None:
    position = opened(desk, limit("99000", expires_at=timezone.now() + timedelta(hours=1)))
    entry = desk.submit(position, "entry")
    [resting] = desk.engine.open_orders(desk.paper_name)
    assert (entry.status, resting.time_in_force) == ("accepted", "GTD")
    desk.engine.set_price(BTC, D(100_001), resting.good_till_ms)
    lookups.resolve(entry.pk)
    assert (state(position), desk.order(position, "entry").status) == (("closed", 0), "expired")


def test_an_end_too_near_for_the_exchange_is_ours_to_keep(desk: Desk) -> None:
    position = opened(desk, limit("99000", expires_at=timezone.now() + timedelta(minutes=5)))
    desk.submit(position, "entry")
    [resting] = desk.engine.open_orders(desk.paper_name)
    assert (resting.time_in_force, resting.good_till_ms) == ("GTC", 0)


def test_an_entry_with_bad_terms_makes_no_position(desk: Desk) -> None:
    for terms, words in (
        (limit("99000.05"), "not a multiple"),
        (limit("120000"), "through the market"),
        (limit("99000", expires_at=timezone.now()), "has passed"),
    ):
        outcome = open_position(desk.propose(BTC, entry=terms))
        assert isinstance(outcome, Skip)
        assert words in outcome.reason
    assert not Position.objects.exists()
    assert not Order.objects.exists()


# exits


def test_a_limit_part_is_sold_at_its_price_and_the_stop_follows(desk: Desk) -> None:
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    order = Order.objects.get(pk=place_order(position.pk, REDUCE, D("0.004"), limit("101000")))
    assert (order.reduce_only, order.client_order_id[-2:]) == (True, "r1")
    desk.submit(position, "reduce")
    price_moves_to(desk, "101001", order)
    assert (order.status, state(position)) == ("filled", ("open", D("0.006")))
    trailing.protect(position.pk)
    assert desk.submit(position, "protect").quantity == D("0.006")
    assert desk.held() == D("0.006")


def test_take_profits_of_several_prices_share_what_is_held(desk: Desk) -> None:
    position = desk.filled()
    for quantity, price in (("0.004", "101000"), ("0.006", "102000")):
        place_order(position.pk, TAKE_PROFIT, D(quantity), limit(price))
    with pytest.raises(OrderRefused, match="only 0"):
        place_order(position.pk, TAKE_PROFIT, D("0.001"), limit("103000"))
    targets = list(Order.objects.filter(purpose="take_profit").order_by("generation"))
    for order in targets:
        orders.submit(order.pk)
    price_moves_to(desk, "102001", *targets)
    assert (state(position), position.close_reason) == (("closed", 0), "take_profit")
    assert position.realized_pnl == 0, "executions have not been told yet"


def test_a_target_in_the_conditional_book_closes_with_its_reason(desk: Desk) -> None:
    position = desk.filled()
    order = Order.objects.get(pk=place_order(position.pk, TAKE_PROFIT, D("0.010"), target("101000")))
    assert order.book == "algo"
    orders.submit(order.pk)
    price_moves_to(desk, "101000", order)
    assert (state(position), position.close_reason) == (("closed", 0), "take_profit")
    assert desk.held() == 0


@pytest.mark.parametrize(
    ("purpose", "quantity", "terms", "words"),
    [
        (REDUCE, "0.011", MARKET, "only 0.010"),
        (REDUCE, "0.0005", MARKET, "not a multiple"),
        (REDUCE, "0.001", limit("94999"), "through the market"),
        (REDUCE, "0.001", target("101000"), "cannot be placed like this"),
        (TAKE_PROFIT, "0.001", limit("99999"), "already at the take-profit"),
        (TAKE_PROFIT, "0.001", MARKET, "cannot be placed like this"),
        (OrderPurpose.ENTRY, "0.001", MARKET, "cannot be placed like this"),
        (OrderPurpose.CLOSE, "0.001", MARKET, "cannot be placed like this"),
        (OrderPurpose.PROTECT, "0.001", target("99000"), "cannot be placed like this"),
    ],
)
def test_exits_that_make_no_row(
    desk: Desk, purpose: OrderPurpose, quantity: str, terms: Terms, words: str
) -> None:
    position = desk.filled()
    with pytest.raises(OrderRefused, match=words):
        place_order(position.pk, purpose, D(quantity), terms)
    assert set(Order.objects.values_list("purpose", flat=True)) == {"entry"}


def test_one_part_at_a_time(desk: Desk) -> None:
    position = desk.filled()
    place_order(position.pk, REDUCE, D("0.001"), limit("101000"))
    with pytest.raises(OrderRefused, match="another part"):
        place_order(position.pk, REDUCE, D("0.001"))


def test_nothing_is_placed_for_what_is_not_open(desk: Desk) -> None:
    position = opened(desk, limit("99000"))
    with pytest.raises(OrderRefused, match="opening"):
        place_order(position.pk, REDUCE, D("0.001"))


# a close meets orders that wait


def test_a_close_takes_what_is_free_and_the_rest_when_the_waiting_order_is_gone(desk: Desk) -> None:
    position = desk.filled()
    waiting = Order.objects.get(pk=place_order(position.pk, TAKE_PROFIT, D("0.004"), limit("101000")))
    orders.submit(waiting.pk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    assert desk.order(position, "close").quantity == D("0.006")
    desk.submit(position, "close")
    assert state(position) == ("closing", D("0.004"))
    lookups.cancel(waiting.pk)
    assert desk.submit(position, "close").quantity == D("0.004")
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "manual", 0)


def test_a_waiting_order_that_fills_before_its_cancel_leaves_nothing_to_close(desk: Desk) -> None:
    position = desk.filled()
    waiting = Order.objects.get(pk=place_order(position.pk, TAKE_PROFIT, D("0.004"), limit("101000")))
    orders.submit(waiting.pk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    desk.submit(position, "close")
    desk.engine.set_price(BTC, D(101_001), 0)
    lookups.cancel(waiting.pk)
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "manual", 0)
    assert Order.objects.filter(purpose="close").count() == 1


def test_a_waiting_order_for_all_that_is_held_delays_the_close_by_its_cancel(desk: Desk) -> None:
    position = desk.filled()
    waiting = Order.objects.get(pk=place_order(position.pk, TAKE_PROFIT, D("0.010"), limit("101000")))
    orders.submit(waiting.pk)
    assert request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner") is None
    lookups.cancel(waiting.pk)
    desk.submit(position, "close")
    assert (state(position), desk.held()) == (("closed", 0), 0)
