"""The take-profit ladder on the exchange: each level once, the stop behind what was sold; longs and shorts alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from exchanges.types import OrderType, PositionSide
from positions.lifecycle import CloseReason, OrderPurpose
from positions.models import Order, Position, RiskEvent
from positions.services import expiring, ladder, lookups, modifying, orders
from positions.services.closing import request_close
from positions.services.ladder import check_ladders, check_partial_tp
from positions.services.modifying import modify_order
from positions.services.opening import open_position
from positions.services.placing import OrderRefused, place_order
from positions.terms import Terms
from tests.positions.services.conftest import Desk
from tests.sampling import sample
from trailing import services as trailing
from trailing import sweeping
from trailing.models import PartialTakeProfit, TrailingStop
from trailing.plan import read_plan

BTC = "BTCUSDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BOTH = pytest.mark.parametrize("side", sample([LONG, SHORT], 2))


def percents(*wished: tuple[object, object]) -> list[dict[str, object]]:
    return [
        {"at": {"type": "percent", "percent": str(percent)}, "close_ratio": str(ratio)}
        for percent, ratio in wished
    ]


THREE = percents((1, "0.3"), (2, "0.3"), (3, "0.4"))


def follow(desk: Desk, levels: list[dict[str, object]], policy: dict[str, object] | None = None) -> None:
    wished = {"levels": levels, "stop_after_level": policy or {"type": "breakeven", "offset_percent": "0.1"}}
    plan = {"stop_loss": {"type": "percent", "percent": 2}, "trailing": None, "take_profits": wished}
    desk.strategy.protection = read_plan(plan).as_json()
    desk.strategy.save()


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Entries are filled at 100000, whatever their side."""
    desk.engine.spread_ticks = 0
    desk.engine.set_price(BTC, D(100_000), 0)
    follow(desk, THREE)
    return desk


def price_at(percent: object, side: PositionSide) -> D:
    """So much profit from 100000."""
    return D(100_000) * (1 + side.sign * D(str(percent)) / 100)


def held_with_levels(desk: Desk, side: PositionSide = LONG) -> Position:
    """Protected, its levels at rest."""
    position = desk.filled(side=side)
    check_partial_tp(position.pk)
    send(position)
    return position


def levels_of(position: Position) -> list[Order]:
    return list(Order.objects.filter(position=position, level__isnull=False).order_by("generation"))


def send(position: Position) -> None:
    for order in Order.objects.filter(position=position, status="initialized").order_by("created_at"):
        orders.submit(order.pk)


def settle(position: Position) -> None:
    """What streams, hints and sweeps would do, until nothing more happens."""
    for _ in range(4):
        for order in Order.objects.filter(position=position, status="pending_cancel"):
            lookups.cancel(order.pk)
        working = ("accepted", "partially_filled", "triggered")
        for order in Order.objects.filter(position=position, status__in=working):
            lookups.resolve(order.pk)
        trailing.protect(position.pk)
        send(position)


def price_moves(desk: Desk, position: Position, percent: object) -> None:
    side = PositionSide(position.position_side)
    desk.engine.set_price(BTC, price_at(percent, side), 0)
    settle(position)


def history(position: Position) -> list[tuple[int, str, D]]:
    rows = PartialTakeProfit.objects.filter(position=position).order_by("level")
    return list(rows.values_list("level", "status", "close_qty"))


def statuses(position: Position) -> list[str]:
    return [status for _, status, _ in history(position)]


def stop(position: Position) -> tuple[D, D, str]:
    """The one stop at the exchange."""
    standing = Order.objects.get(position=position, purpose="protect", status="accepted")
    return standing.trigger_price, standing.quantity, TrailingStop.objects.get(pk=position.pk).stop_reason


def state(position: Position) -> tuple[str, D]:
    position.refresh_from_db()
    return position.status, position.quantity


# placing


@BOTH
def test_levels_rest_at_the_exchange_once_the_entry_has_ended(desk: Desk, side: PositionSide) -> None:
    position = held_with_levels(desk, side)
    placed = levels_of(position)
    assert [(o.level, o.quantity, o.price) for o in placed] == [
        (1, D("0.003"), price_at(1, side)),
        (2, D("0.003"), price_at(2, side)),
        (3, D("0.004"), price_at(3, side)),
    ]
    assert {(o.order_type, o.reduce_only, o.book, o.status, o.side) for o in placed} == {
        ("limit", True, "plain", "accepted", side.exit_side)
    }
    assert [o.client_order_id[-3:] for o in placed] == ["-t1", "-t2", "-t3"]
    resting = {o.client_order_id: o.quantity for o in desk.engine.open_orders(desk.paper_name)}
    assert resting == {o.client_order_id: o.quantity for o in placed}
    assert stop(position) == (price_at(-2, side), D("0.010"), "stop_loss")


def test_the_rows_say_what_was_wished_for_and_which_order_does_it(desk: Desk) -> None:
    position = held_with_levels(desk)
    first = PartialTakeProfit.objects.get(position=position, level=1)
    assert (first.percent, first.close_ratio, first.close_qty) == (D("1.00"), D("0.3"), D("0.003"))
    assert (first.price, first.status, first.error) == (D(101_000), "pending", "")
    assert first.order_id == levels_of(position)[0].client_order_id


def test_checking_again_finds_and_adds_nothing(desk: Desk) -> None:
    position = held_with_levels(desk)
    found = check_partial_tp(position.pk)
    assert [(one.level, one.status, one.quantity, one.sold) for one in found] == [
        (1, "pending", D("0.003"), 0),
        (2, "pending", D("0.003"), 0),
        (3, "pending", D("0.004"), 0),
    ]
    assert len(levels_of(position)) == 3


def test_a_plan_without_a_ladder_places_none(desk: Desk) -> None:
    desk.strategy.protection = read_plan({}).as_json()
    desk.strategy.save()
    position = desk.filled()
    assert check_partial_tp(position.pk) == []
    assert check_ladders(timezone.now()) == 0
    assert levels_of(position) == []


def test_levels_wait_for_the_end_of_an_entry_that_fills_in_parts(desk: Desk) -> None:
    desk.engine.depth_notional = D(400)
    position = desk.open()
    desk.submit(position, "entry")
    Order.objects.filter(position=position, purpose="entry").update(status="partially_filled")
    check_ladders(timezone.now())
    assert check_partial_tp(position.pk) == []
    Order.objects.filter(position=position, purpose="entry").update(status="expired")
    assert check_ladders(timezone.now()) == 1
    assert len(levels_of(position)) > 0


@BOTH
def test_at_the_first_level_the_rest_of_a_limit_entry_is_taken_back(desk: Desk, side: PositionSide) -> None:
    outcome = open_position(desk.propose(side=side, entry=Terms(OrderType.LIMIT, price=price_at(-1, side))))
    position = Position.objects.get(pk=outcome.position_id)
    desk.submit(position, "entry")
    desk.engine.depth_notional = D(600)
    price_moves(desk, position, -1)
    desk.engine.depth_notional = None
    bought = state(position)[1]
    assert 0 < bought < position.planned_quantity
    desk.engine.prices[BTC] = price_at("-0.1", side)
    check_ladders(timezone.now())
    assert desk.order(position, "entry").status == "partially_filled", "it may still be filled"
    desk.engine.prices[BTC] = price_at("0.1", side)
    check_ladders(timezone.now())
    settle(position)
    assert desk.order(position, "entry").status == "canceled"
    check_ladders(timezone.now())
    settle(position)
    assert statuses(position) == ["executed", "pending", "pending"]
    assert state(position) == ("open", bought - levels_of(position)[0].quantity)


def test_the_sweep_begins_what_no_hint_began_and_then_rests(desk: Desk) -> None:
    position = desk.filled()
    assert modifying.tend_waiting(timezone.now()) == 1
    assert len(levels_of(position)) == 3
    assert modifying.tend_waiting(timezone.now()) == 0


@pytest.mark.django_db(transaction=True)
def test_ten_checkers_at_once_place_each_level_once(desk: Desk) -> None:
    position = desk.filled()

    def check(_: int) -> int:
        try:
            return len(check_partial_tp(position.pk))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(check, range(10))) == [3] * 10
    assert [o.level for o in levels_of(position)] == [1, 2, 3]
    assert len(history(position)) == 3


def test_the_database_refuses_a_level_twice(desk: Desk) -> None:
    position = held_with_levels(desk)
    with pytest.raises(IntegrityError, match="level_once"), transaction.atomic():
        PartialTakeProfit.objects.create(position=position, level=1, close_ratio=D("0.1"))
    working = levels_of(position)[0]
    working.pk, working.client_order_id, working.generation = None, "another", 99
    with pytest.raises(IntegrityError, match="one_pending_order_per_level"), transaction.atomic():
        working.save(force_insert=True)


def test_a_level_too_small_is_sold_with_the_next(desk: Desk) -> None:
    follow(desk, percents((1, "0.04"), (2, "0.5"), (3, "0.46")))
    position = held_with_levels(desk)
    assert history(position) == [(1, "merged", 0), (2, "pending", D("0.005")), (3, "pending", D("0.005"))]
    merged = PartialTakeProfit.objects.get(position=position, level=1)
    assert merged.error == "too little for an order of its own: sold with level 2"
    price_moves(desk, position, 2)
    assert statuses(position) == ["merged", "executed", "pending"]
    assert TrailingStop.objects.get(pk=position.pk).levels_taken == 2


def test_what_would_be_left_below_the_minimum_goes_with_the_level_before(desk: Desk) -> None:
    follow(desk, percents((1, "0.5"), (2, "0.47")))
    position = desk.open()
    type(position.instrument).objects.filter(exchange_symbol=BTC).update(min_notional=D(350))
    desk.submit(position, "entry")
    check_partial_tp(position.pk)
    assert history(position) == [(1, "pending", D("0.005")), (2, "pending", D("0.005"))]


# filling


@BOTH
def test_a_level_that_fills_leaves_a_stop_for_the_rest(desk: Desk, side: PositionSide) -> None:
    position = held_with_levels(desk, side)
    price_moves(desk, position, 1)
    assert statuses(position) == ["executed", "pending", "pending"]
    assert state(position) == ("open", D("0.007"))
    assert stop(position) == (price_at("0.1", side), D("0.007"), "after_level")


@BOTH
def test_two_levels_in_one_jump_both_fill(desk: Desk, side: PositionSide) -> None:
    position = held_with_levels(desk, side)
    price_moves(desk, position, "2.5")
    assert statuses(position) == ["executed", "executed", "pending"]
    assert TrailingStop.objects.get(pk=position.pk).levels_taken == 2
    assert stop(position)[1] == D("0.004")
    assert desk.held() == D("0.004")


@BOTH
def test_the_last_level_closes_the_position(desk: Desk, side: PositionSide) -> None:
    position = held_with_levels(desk, side)
    price_moves(desk, position, 3)
    assert statuses(position) == ["executed"] * 3
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "take_profit", 0)
    assert desk.engine.open_algos(desk.paper_name) == []


POLICIES = [
    ({"type": "none"}, "-2", "-2"),
    ({"type": "breakeven", "offset_percent": "0.2"}, "0.2", "0.2"),
    ({"type": "previous_level"}, "0", "1"),
    ({"type": "percent", "percent": "1"}, None, None),
]


@BOTH
@pytest.mark.parametrize(("policy", "after_first", "after_second"), POLICIES)
def test_the_stop_follows_the_policy(
    desk: Desk,
    side: PositionSide,
    policy: dict[str, object],
    after_first: str | None,
    after_second: str | None,
) -> None:
    follow(desk, THREE, policy)
    position = held_with_levels(desk, side)
    behind = 1 - side.sign * D("0.01")  # one percent of the level's own price
    price_moves(desk, position, 1)
    first = price_at(1, side) * behind if after_first is None else price_at(after_first, side)
    assert stop(position)[:2] == (first, D("0.007"))
    price_moves(desk, position, 2)
    second = price_at(2, side) * behind if after_second is None else price_at(after_second, side)
    assert stop(position)[:2] == (second, D("0.004"))


def test_the_stop_follows_true_ranges(desk: Desk) -> None:
    follow(desk, THREE, {"type": "atr", "multiple": "1.5"})
    position = desk.filled()
    TrailingStop.objects.filter(pk=position.pk).update(entry_atr=D(400))
    check_partial_tp(position.pk)
    send(position)
    price_moves(desk, position, 1)
    assert stop(position) == (D(100_400), D("0.007"), "after_level")


def test_a_part_of_a_level_moves_the_quantity_of_the_stop_and_not_its_price(desk: Desk) -> None:
    position = held_with_levels(desk)
    desk.engine.depth_notional = D(150)
    price_moves(desk, position, "1.01")
    sold = levels_of(position)[0].filled_quantity
    assert 0 < sold < D("0.003")
    assert statuses(position) == ["pending"] * 3
    assert stop(position) == (D(98_000), D("0.010") - sold, "stop_loss")
    desk.engine.depth_notional = None
    price_moves(desk, position, "1.02")
    assert statuses(position) == ["executed", "pending", "pending"]
    assert stop(position) == (D(100_100), D("0.007"), "after_level")


def test_levels_reported_in_the_wrong_order(desk: Desk) -> None:
    position = held_with_levels(desk)
    desk.engine.set_price(BTC, D(102_500), 0)
    first, second, _ = levels_of(position)
    lookups.resolve(second.pk)
    assert statuses(position) == ["pending", "executed", "pending"]
    assert TrailingStop.objects.get(pk=position.pk).levels_taken == 2
    lookups.resolve(first.pk)
    assert statuses(position) == ["executed", "executed", "pending"]
    assert TrailingStop.objects.get(pk=position.pk).levels_taken == 2


def test_executions_alone_tell_that_a_level_is_sold(desk: Desk) -> None:
    position = held_with_levels(desk)
    desk.engine.set_price(BTC, D(101_000), 0)
    name = levels_of(position)[0].client_order_id
    told = [t for t in desk.engine.account(desk.paper_name).trades if t.client_order_id == name]
    for trade in told * 2:
        desk.tell(trade)
    assert statuses(position) == ["executed", "pending", "pending"]
    assert state(position) == ("open", D("0.007"))


def test_a_restart_between_fill_and_follow_up_repeats_nothing(desk: Desk) -> None:
    """The report was applied and no hint survived: the trailing sweep moves the stop, no level is placed again."""
    position = held_with_levels(desk)
    desk.engine.set_price(BTC, D(101_000), 0)
    lookups.resolve(levels_of(position)[0].pk)
    assert stop(position)[1] == D("0.010")
    sweeping.sweep(timezone.now())
    check_ladders(timezone.now())
    settle(position)
    assert stop(position) == (D(100_100), D("0.007"), "after_level")
    assert len(levels_of(position)) == 3


def test_a_market_beyond_the_levels_before_they_were_placed_sells_them_at_once(desk: Desk) -> None:
    position = desk.filled()
    desk.engine.set_price(BTC, D(110_000), 0)
    check_partial_tp(position.pk)
    assert [o.price for o in levels_of(position)] == [D(104_500)] * 3, "no further through it than is allowed"
    settle(position)
    assert (state(position), desk.held()) == (("closed", 0), 0)
    assert statuses(position) == ["executed"] * 3


def test_the_price_falls_back_beyond_the_new_stop(desk: Desk) -> None:
    position = held_with_levels(desk)
    desk.engine.set_price(BTC, D(101_000), 0)
    lookups.resolve(levels_of(position)[0].pk)
    desk.engine.set_price(BTC, D(99_000), 0)
    settle(position)
    settle(position)
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "after_level", 0)
    assert statuses(position) == ["executed", "canceled", "canceled"]


# what is refused, and what ends otherwise


def test_levels_the_entry_has_passed_are_told_once(desk: Desk) -> None:
    follow(desk, [{"at": {"type": "price", "price": "99000"}, "close_ratio": "0.5"}])
    position = desk.filled()
    for _ in range(3):
        check_partial_tp(position.pk)
    assert history(position) == [(1, "error", 0)]
    [row] = PartialTakeProfit.objects.filter(position=position)
    assert "is no profit for a long" in row.error
    assert RiskEvent.objects.filter(event_type="level_refused").count() == 1
    assert check_ladders(timezone.now()) == 0
    assert levels_of(position) == []


def prices(*wished: tuple[object, object]) -> list[dict[str, object]]:
    return [{"at": {"type": "price", "price": str(price)}, "close_ratio": ratio} for price, ratio in wished]


@BOTH
def test_a_level_the_entry_has_passed_leaves_its_part_to_the_next(desk: Desk, side: PositionSide) -> None:
    follow(
        desk, prices((price_at("-0.1", side), "0.3"), (price_at(5, side), "0.5"), (price_at(6, side), "0.2"))
    )
    position = held_with_levels(desk, side)
    assert history(position) == [(1, "error", 0), (2, "pending", D("0.008")), (3, "pending", D("0.002"))]
    assert RiskEvent.objects.filter(event_type="level_refused").count() == 1
    price_moves(desk, position, 6)
    assert (state(position), desk.held()) == (("closed", 0), 0)


def test_a_level_too_far_for_its_percent_is_a_level_all_the_same(desk: Desk) -> None:
    follow(desk, [*percents((1, "0.3")), *prices(("900000000000", "0.3"))])
    desk.engine.set_price("DOGEUSDT", D("0.2"), 0)
    position = desk.filled("DOGEUSDT")
    check_partial_tp(position.pk)
    rows = PartialTakeProfit.objects.filter(position=position).order_by("level")
    assert [row.percent for row in rows] == [D("1.00"), None]
    assert len(levels_of(position)) == 2


def test_a_true_range_is_waited_for_and_then_missed(desk: Desk) -> None:
    follow(desk, [{"at": {"type": "atr", "multiple": "2"}, "close_ratio": "0.5"}])
    position = desk.filled()
    assert check_partial_tp(position.pk) == []
    Position.objects.update(opened_at=timezone.now() - ladder.TRUE_RANGE_PATIENCE)
    [found] = check_partial_tp(position.pk)
    assert (found.status, found.error) == ("error", "the average true range at entry is not known")


def test_a_true_range_that_became_known_is_used(desk: Desk) -> None:
    follow(desk, [{"at": {"type": "atr", "multiple": "2"}, "close_ratio": "0.5"}])
    position = desk.filled()
    TrailingStop.objects.filter(pk=position.pk).update(entry_atr=D(300))
    [found] = check_partial_tp(position.pk)
    assert (found.status, found.price) == ("pending", D(100_600))


def test_a_level_the_exchange_refuses_is_an_error_and_the_others_stand(desk: Desk) -> None:
    position = desk.filled()
    check_partial_tp(position.pk)
    refused = levels_of(position)[1]
    Order.objects.filter(pk=refused.pk).update(quantity=D("0.0035"))  # off the exchange's step
    settle(position)
    for _ in range(3):
        check_partial_tp(position.pk)
        settle(position)
        check_ladders(timezone.now())
    assert history(position) == [(1, "pending", D("0.003")), (2, "error", 0), (3, "pending", D("0.007"))]
    assert PartialTakeProfit.objects.get(position=position, level=2).error.startswith("-1111")
    assert len(levels_of(position)) == 4, "the third sells more, by another order"
    assert RiskEvent.objects.filter(event_type="level_refused").count() == 1


@BOTH
@pytest.mark.parametrize(("refused", "sold_at"), [(1, 2), (2, 1)])
def test_what_a_refused_level_was_to_sell_goes_with_another(
    desk: Desk, side: PositionSide, refused: int, sold_at: int
) -> None:
    """The next one, or the last one before it: nothing is left without a target."""
    follow(desk, percents((1, "0.5"), (2, "0.5")))
    position = desk.filled(side=side)
    check_partial_tp(position.pk)
    Order.objects.filter(position=position, level=refused).update(quantity=D("0.0045"))  # off the step
    settle(position)
    for _ in range(3):
        check_ladders(timezone.now())
        settle(position)
    assert sorted(history(position), key=lambda row: row[1]) == [
        (refused, "error", 0),
        (sold_at, "pending", D("0.010")),
    ]
    [resting] = desk.engine.open_orders(desk.paper_name)
    assert resting.quantity == D("0.010")
    price_moves(desk, position, sold_at)
    assert (state(position), desk.held()) == (("closed", 0), 0)


def cancel_there(desk: Desk, order: Order) -> None:
    there = {one.client_order_id: one.order_id for one in desk.engine.open_orders(desk.paper_name)}
    desk.engine.cancel(desk.paper_name, BTC, there[order.client_order_id], now_ms=0)
    lookups.resolve(order.pk)


def test_a_level_the_exchange_canceled_is_placed_again_a_few_times(desk: Desk) -> None:
    position = held_with_levels(desk)
    for _ in range(ladder.MOST_ORDERS + 2):
        for order in levels_of(position):
            if order.level == 1 and order.status == "accepted":
                cancel_there(desk, order)
        check_ladders(timezone.now())
        send(position)
    tries = [o for o in levels_of(position) if o.level == 1]
    assert [o.status for o in tries] == ["canceled"] * ladder.MOST_ORDERS
    assert statuses(position) == ["error", "pending", "pending"]
    assert len(history(position)) == 3


def test_what_a_canceled_order_had_sold_is_not_sold_again(desk: Desk) -> None:
    position = held_with_levels(desk)
    desk.engine.depth_notional = D(150)
    price_moves(desk, position, "1.01")
    first = levels_of(position)[0]
    cancel_there(desk, first)
    desk.engine.depth_notional = None
    desk.engine.set_price(BTC, D(100_500), 0)
    check_partial_tp(position.pk)
    settle(position)
    again = levels_of(position)[-1]
    assert (again.level, again.quantity) == (1, D("0.003") - first.filled_quantity)
    price_moves(desk, position, "1.02")
    assert statuses(position) == ["executed", "pending", "pending"]
    assert state(position) == ("open", D("0.007"))


def test_a_level_taken_back_by_its_owner_stays_away(desk: Desk) -> None:
    position = held_with_levels(desk)
    first = levels_of(position)[0]
    assert expiring.take_back(first.pk)
    settle(position)
    check_partial_tp(position.pk)
    assert statuses(position) == ["canceled", "pending", "pending"]
    assert len(levels_of(position)) == 3


# beside other orders


@BOTH
def test_a_close_calls_the_levels_off_and_sells_everything(desk: Desk, side: PositionSide) -> None:
    position = held_with_levels(desk, side)
    assert request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner") is None
    settle(position)
    settle(position)
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "manual", 0)
    assert statuses(position) == ["canceled"] * 3
    assert desk.engine.open_orders(desk.paper_name) == []


def test_a_level_that_filled_before_its_cancel_came_counts(desk: Desk) -> None:
    position = held_with_levels(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    desk.engine.set_price(BTC, D(101_000), 0)
    settle(position)
    settle(position)
    assert (state(position), desk.held()) == (("closed", 0), 0)
    assert statuses(position) == ["executed", "canceled", "canceled"]


def test_levels_sell_no_more_than_is_held(desk: Desk) -> None:
    position = desk.filled()
    place_order(position.pk, OrderPurpose.REDUCE, D("0.008"))
    desk.submit(position, "reduce")
    check_partial_tp(position.pk)
    assert history(position) == [
        (1, "pending", D("0.002")),
        (2, "canceled", D("0.003")),
        (3, "canceled", D("0.004")),
    ]
    settle(position)
    price_moves(desk, position, 1)
    assert (state(position), desk.held()) == (("closed", 0), 0)


@BOTH
def test_levels_get_back_what_another_order_waited_to_sell(desk: Desk, side: PositionSide) -> None:
    position = desk.filled(side=side)
    part = place_order(
        position.pk, OrderPurpose.REDUCE, D("0.008"), Terms(OrderType.LIMIT, price=price_at(20, side))
    )
    send(position)
    check_partial_tp(position.pk)
    settle(position)
    assert history(position) == [
        (1, "pending", D("0.003")),
        (2, "pending", D("0.003")),
        (3, "pending", D("0.004")),
    ]
    assert [order.quantity for order in levels_of(position)] == [D("0.002")]
    expiring.take_back(part)
    settle(position)
    check_ladders(timezone.now())
    settle(position)
    assert [order.quantity for order in levels_of(position)] == [D("0.002"), D("0.003"), D("0.004")]
    price_moves(desk, position, 1)
    check_ladders(timezone.now())
    settle(position)
    assert statuses(position) == ["executed", "pending", "pending"]
    price_moves(desk, position, 3)
    assert (state(position), desk.held()) == (("closed", 0), 0)


def test_a_target_for_everything_is_refused_while_levels_are_at_work(desk: Desk) -> None:
    position = desk.filled()
    entry = desk.order(position, "entry")
    for _ in range(2):
        with pytest.raises(OrderRefused, match="the levels of its plan"):
            modify_order(entry.pk, take_profit=D(105_000))
        check_partial_tp(position.pk)
    settle(position)
    for order in levels_of(position):
        expiring.take_back(order.pk)
    settle(position)
    check_partial_tp(position.pk)
    assert statuses(position) == ["canceled"] * 3
    assert modify_order(entry.pk, take_profit=D(105_000)).take_profit_order_id is not None


def test_the_fixed_stop_ends_the_levels(desk: Desk) -> None:
    position = held_with_levels(desk)
    price_moves(desk, position, "-2.1")
    settle(position)
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "stop_loss", 0)
    assert statuses(position) == ["canceled"] * 3
    assert desk.engine.open_orders(desk.paper_name) == []
