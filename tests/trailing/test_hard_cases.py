"""Stops when something else goes wrong at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal as D
from threading import Event

import pytest
import redis
from django.db import connections, transaction
from django.utils import timezone

from exchanges.marks import publish_prices
from exchanges.models import Instrument
from exchanges.paper.venue import now_ms
from exchanges.types import PositionSide, PriceTick
from positions.models import Order, Position
from positions.services import lookups, orders
from positions.services.closing import lock_position
from positions.services.ladder import check_partial_tp
from positions.services.modifying import modify_order
from positions.services.placing import OrderRefused
from tests.locks import waiting_for_a_lock
from tests.ops.waiting import until
from tests.positions.services.conftest import Desk
from tests.sampling import sample
from trailing import services, sweeping
from trailing.models import PlanVersion, TrailingStop
from trailing.plan import read_plan
from trailing.rows import band_of, open_rows

BTC = "BTCUSDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BOTH = pytest.mark.parametrize("side", sample([SHORT, LONG], 2))


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
    sweeping.sweep(timezone.now())
    assert state(position) == ("closing", "unprotected")


def test_a_position_whose_plan_nobody_can_read_is_closed_when_it_stays_unprotected(desk: Desk) -> None:
    position = protected(desk)
    plan = PlanVersion.objects.create(digest="0" * 64, body={"stop_loss": {"type": "hope"}})
    Position.objects.update(plan=plan)
    sweeping.sweep(timezone.now())
    assert state(position)[0] == "open", "its stop stands"
    stand_unprotected(position)
    sweeping.sweep(timezone.now())
    assert state(position) == ("closing", "unprotected")


# a price of before


def told(price: D, at: datetime) -> None:
    publish_prices("binance", [(BTC, PriceTick("BTC/USDT:USDT", price, at))])


@BOTH
def test_a_price_told_before_the_entry_is_nothing_the_position_saw(desk: Desk, side: PositionSide) -> None:
    position = protected(desk, side)
    told(price_at(2, side), position.opened_at - timedelta(seconds=1))
    sweeping.sweep(timezone.now())
    assert (row_of(position).state, row_of(position).high_water_mark) == ("waiting", None)


@BOTH
def test_a_price_too_old_to_act_on_closes_nothing(desk: Desk, side: PositionSide) -> None:
    """Hints of a market process that stood still come all at once."""
    position = protected(desk, side)
    now = timezone.now()
    Position.objects.update(opened_at=now - timedelta(minutes=11))
    TrailingStop.objects.update(known_until=now, last_advanced_at=None)
    for seconds in (0, 3):
        services.advance(position.pk, price_at(-3, side), now - timedelta(minutes=10, seconds=-seconds))
    assert (state(position)[0], row_of(position).crossed_at) == ("open", None)


def test_an_old_price_may_still_better_the_stop(desk: Desk) -> None:
    position = protected(desk)
    now = timezone.now()
    Position.objects.update(opened_at=now - timedelta(minutes=11))
    TrailingStop.objects.update(known_until=now)
    services.advance(position.pk, D(102_000), now - timedelta(minutes=10))
    assert (row_of(position).state, row_of(position).stop_price) == ("active", D(101_490))


@BOTH
def test_a_price_told_before_a_level_was_sold_is_not_judged_by_the_stop_that_the_level_moved(
    desk: Desk, side: PositionSide
) -> None:
    levels = [{"at": {"type": "percent", "percent": percent}, "close_ratio": "0.3"} for percent in (1, 2)]
    follow(desk, trailing=None, take_profits={"levels": levels})
    position = desk.filled(BTC, side)
    check_partial_tp(position.pk)
    services.protect(position.pk)
    send(position)
    before = timezone.now()
    desk.engine.set_price(BTC, price_at(1, side), 0)
    lookups.resolve(Order.objects.get(position=position, level=1).pk)
    told(price_at("0.05", side), before)
    sweeping.sweep(timezone.now())
    assert row_of(position).stop_reason == "after_level"
    assert state(position)[0] == "open"


def test_a_price_told_before_a_stop_by_hand_is_not_judged_by_it(desk: Desk) -> None:
    position = protected(desk)
    desk.engine.set_price(BTC, D(101_000), 0)
    before = timezone.now()
    modify_order(desk.order(position, "entry").pk, stop_loss=D(100_500))
    told(D(100_400), before)
    sweeping.sweep(timezone.now())
    assert state(position)[0] == "open"


def test_while_no_price_is_known_no_stop_is_taken_by_hand(desk: Desk, settings) -> None:
    """One beyond the market would be refused by the exchange, and the position closed for it."""
    position = protected(desk)
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"  # nobody listens there
    with pytest.raises(OrderRefused, match="no price is known"):
        modify_order(desk.order(position, "entry").pk, stop_loss=D(1_000_000))
    assert row_of(position).stop_price == D(98_000)


# side by side


@pytest.mark.django_db(transaction=True)
@BOTH
def test_a_worker_that_was_held_up_never_puts_an_older_stop_behind_a_better_one(
    desk: Desk, side: PositionSide
) -> None:
    """It waits for the position's lock, as another worker moves the stop and has it confirmed."""
    position = protected(desk, side)
    Position.objects.update(quantity=D("0.007"))  # a level was sold: both have a reason
    has_begun = Event()

    def held_up() -> None:
        try:
            has_begun.set()
            services.protect(position.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_position(position.pk)
            late = pool.submit(held_up)
            assert has_begun.wait(10)
            until(waiting_for_a_lock, "the other worker waits")
            TrailingStop.objects.update(stop_price=price_at(1, side), stop_reason="trailing")
        late.result(10)
    newest = desk.order(position, "protect")
    assert (newest.trigger_price, newest.quantity) == (price_at(1, side), D("0.007"))


@BOTH
@pytest.mark.parametrize(("sold", "stands"), [(None, "older"), ("0.003", "newer")])
def test_a_newer_stop_further_away_replaces_a_nearer_one_only_for_its_quantity(
    desk: Desk, side: PositionSide, sold: str | None, stands: str
) -> None:
    position = protected(desk, side)
    if sold:
        trade_by_hand(desk, "less", sold, side)
    older = desk.order(position, "protect")
    orders.request_stop(position.pk, trigger_price=price_at(-3, side))
    newer = desk.submit(position, "protect")
    older.refresh_from_db()
    found = {"older": older.status, "newer": newer.status}
    assert found.pop(stands) == "accepted"
    assert list(found.values()) == ["pending_cancel"]


# steps, crossings, averages


@BOTH
def test_a_stop_from_before_a_coarser_step_is_put_on_todays_nearer_to_the_market(
    desk: Desk, side: PositionSide
) -> None:
    position = protected(desk, side)
    off = price_at(-2, side) + D("0.1") * side.sign
    TrailingStop.objects.update(stop_price=off, stop_reason="by_hand")
    desk.engine.rules[BTC] = replace(desk.engine.rules[BTC], price_increment=D(1))
    Instrument.objects.filter(exchange_symbol=BTC).update(price_increment=D(1))
    trade_by_hand(desk, "less", "0.004", side)
    services.protect(position.pk)
    stop = desk.submit(position, "protect")
    assert (stop.status, stop.trigger_price) == ("accepted", price_at(-2, side) + side.sign)
    services.protect(position.pk)
    assert Order.objects.filter(purpose="protect").count() == 2


@BOTH
def test_a_crossing_that_is_over_takes_no_moment_from_the_next_one(desk: Desk, side: PositionSide) -> None:
    position = protected(desk, side)
    now = timezone.now()
    Position.objects.update(opened_at=now - timedelta(seconds=30))
    TrailingStop.objects.update(
        crossed_at=now - timedelta(seconds=20), last_advanced_at=now - timedelta(seconds=20)
    )
    told(price_at(0, side), now)
    sweeping.sweep(now)
    assert row_of(position).crossed_at is None
    services.advance(position.pk, price_at(-3, side), timezone.now())
    assert state(position)[0] == "open", "the exchange's stop has its moment"


@BOTH
def test_a_best_price_from_before_the_average_changed_is_no_profit_of_it(
    desk: Desk, side: PositionSide
) -> None:
    """101.4 was below the activation; measured from the new average it would be beyond it, and the trailing stop beyond
    the market: buying more would close the position. The activation of the new average starts it."""
    position = protected(desk, side)
    TrailingStop.objects.update(high_water_mark=price_at("1.4", side))
    Position.objects.update(average_entry_price=price_at("-0.8", side), quantity=D("0.020"))
    services.protect(position.pk)
    services.advance(position.pk, price_at("-1.5", side), timezone.now())
    assert (row_of(position).state, state(position)[0]) == ("waiting", "open")
    row = open_rows().get(pk=position.pk)
    assert band_of(row, timezone.now()).is_left_by(row.activation_price)
    services.advance(position.pk, price_at("0.8", side), timezone.now())
    assert (row_of(position).state, row_of(position).high_water_mark) == ("active", price_at("0.8", side))


@BOTH
def test_a_position_that_trails_from_its_first_part_on_is_measured_from_all_it_paid(
    desk: Desk, side: PositionSide
) -> None:
    follow(
        desk,
        trailing={"type": "percent", "activation_percent": 0, "callback_percent": 1},
        breakeven={"trigger_percent": 1, "offset_percent": "0.2"},
    )
    position = protected(desk, side)
    services.advance(position.pk, price_at("0.5", side), timezone.now())
    assert row_of(position).state == "active"
    stood = row_of(position).stop_price
    Position.objects.update(average_entry_price=price_at("0.2", side))
    services.protect(position.pk)
    row = row_of(position)
    assert (row.entry_price, row.state, row.stop_price) == (price_at("0.2", side), "active", stood)
    services.advance(position.pk, price_at("1.1", side), timezone.now())
    assert row_of(position).stop_reason == "trailing", "1 % from the first part is not yet 1 % of the average"
    services.advance(position.pk, price_at("1.3", side), timezone.now())
    assert row_of(position).stop_reason == "breakeven"
