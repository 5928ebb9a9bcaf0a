"""The exchange's own trailing behind our stop: after it, for all that is held, once; longs and shorts alike."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from exchanges.errors import OutcomeUnknown, Refused
from exchanges.models import Instrument
from exchanges.paper.book import AlgoOrder
from exchanges.types import PositionSide
from positions.invariants import every_open_position_has_a_stop
from positions.lifecycle import CloseReason, OrderPurpose
from positions.models import Fill, Order, Position, RiskEvent
from positions.services import expiring, lookups, orders
from positions.services.closing import request_close
from positions.services.reducing import close_position_partial
from signals_app.models import StrategyAccount
from tests.builders import an_account, an_order
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from tests.positions.services.test_reconciliation import missed_twice, reconcile
from trailing import asking, sweeping
from trailing import services as trailing
from trailing.models import TrailingStop
from trailing.plan import read_plan

BTC = "BTCUSDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BOTH = pytest.mark.parametrize("side", [LONG, SHORT])
PLAN = {
    "stop_loss": {"type": "percent", "percent": 2},
    "trailing": {"type": "percent", "activation_percent": 1, "callback_percent": "0.5"},
    "backstop": {"callback_percent": "1.5"},
}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Entries are filled at 100000, whatever their side."""
    desk.engine.spread_ticks = 0
    desk.strategy.protection = read_plan(PLAN).as_json()
    desk.strategy.save()
    price(desk, 100_000)
    return desk


def price(desk: Desk, value: object) -> None:
    desk.engine.set_price(BTC, D(str(value)), int(timezone.now().timestamp() * 1000))


def at(percent: object, side: PositionSide) -> D:
    """So much profit from 100000."""
    return D(100_000) * (1 + side.sign * D(str(percent)) / 100)


def settle(position: Position) -> None:
    """What streams, hints and sweeps would do, until nothing more happens."""
    for _ in range(4):
        trailing.protect(position.pk)
        mine = Order.objects.filter(position=position)
        for order in mine.filter(status="initialized"):
            orders.submit(order.pk)
        for order in mine.filter(status="pending_cancel"):
            lookups.cancel(order.pk)


def held(desk: Desk, side: PositionSide = LONG) -> Position:
    position = desk.filled(side=side)
    settle(position)
    position.refresh_from_db()
    return position


def backstops(position: Position) -> list[Order]:
    made = Order.objects.filter(position=position, purpose=OrderPurpose.BACKSTOP)
    return list(made.order_by("generation"))


def statuses(position: Position) -> list[str]:
    return [order.status for order in backstops(position)]


def trailing_at_exchange(desk: Desk) -> list[AlgoOrder]:
    return [algo for algo in desk.engine.open_algos(desk.paper_name) if algo.trails]


def stops_at_exchange(desk: Desk) -> list[AlgoOrder]:
    return [algo for algo in desk.engine.open_algos(desk.paper_name) if not algo.trails]


def events() -> list[str]:
    return list(RiskEvent.objects.order_by("pk").values_list("event_type", flat=True))


# placed


@BOTH
def test_it_stands_behind_the_confirmed_stop_from_where_our_trailing_starts(
    desk: Desk, side: PositionSide
) -> None:
    position = desk.filled(side=side)
    trailing.protect(position.pk)
    assert backstops(position) == [], "our own stop comes first"
    desk.submit(position, "protect")
    trailing.protect(position.pk)
    order = desk.submit(position, "backstop")
    assert (order.client_order_id, order.status) == (f"tb-{position.token}-b1", "accepted")
    (algo,) = trailing_at_exchange(desk)
    assert (algo.side, algo.position_side, algo.quantity) == (
        side.exit_side.upper(),
        side.upper(),
        D("0.010"),
    )
    assert (algo.callback_rate, algo.activate_price) == (D("1.5"), at(1, side))
    assert algo.working_type == "MARK_PRICE"
    assert len(stops_at_exchange(desk)) == 1


def test_a_plan_without_one_gets_none(desk: Desk) -> None:
    desk.strategy.protection = read_plan(PLAN | {"backstop": None}).as_json()
    desk.strategy.save()
    assert backstops(held(desk)) == []


def test_a_venue_without_such_an_order_gets_none_and_the_owner_is_told_once(desk: Desk) -> None:
    position = held(desk)
    Order.objects.filter(purpose="backstop").delete()
    Instrument.objects.update(venue="bybit")
    for _ in range(2):
        trailing.protect(position.pk)
    assert backstops(position) == []
    assert events() == ["backstop_not_offered"]


def test_a_strategy_with_a_backstop_is_not_let_onto_such_a_venue(desk: Desk) -> None:
    bybit, binance = an_account(venue="bybit"), an_account()
    with pytest.raises(ValidationError, match="bybit has no order that trails"):
        StrategyAccount(strategy=desk.strategy, account=bybit).full_clean()
    StrategyAccount(strategy=desk.strategy, account=binance).full_clean()
    desk.strategy.protection = read_plan(PLAN | {"backstop": None}).as_json()
    StrategyAccount(strategy=desk.strategy, account=bybit).full_clean()


def test_it_waits_until_the_entry_has_ended(desk: Desk) -> None:
    position = held(desk)
    Order.objects.filter(purpose="backstop").delete()
    entry = an_order(position, status="accepted")
    trailing.protect(position.pk)
    assert backstops(position) == []
    Order.objects.filter(pk=entry.pk).update(status="canceled")
    trailing.protect(position.pk)
    assert len(backstops(position)) == 1


@BOTH
def test_where_our_trailing_has_started_it_starts_at_once(desk: Desk, side: PositionSide) -> None:
    position = desk.filled(side=side)
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    trailing.advance(position.pk, at(1, side), timezone.now())
    trailing.protect(position.pk)
    assert backstops(position)[0].activation_price is None


def test_one_whose_hint_was_lost_is_placed_by_whoever_asks_the_exchange(desk: Desk) -> None:
    position = held(desk)
    Order.objects.filter(purpose="backstop").delete()
    sweeping.sweep(timezone.now())
    assert backstops(position) == [], "that needs a price, and the sweep asks for none"
    asking.ask(timezone.now())
    assert len(backstops(position)) == 1


def test_a_position_that_is_not_armed_yet_waits_for_it_without_a_word(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    position = desk.filled()
    asking.ask(timezone.now())
    assert backstops(position) == []
    assert "could not be looked after" not in caplog.text


@BOTH
def test_a_price_that_has_reached_the_activation_is_not_waited_for(desk: Desk, side: PositionSide) -> None:
    """Nobody has judged this price yet."""
    position = desk.filled(side=side)
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    price(desk, at("1.2", side))
    trailing.protect(position.pk)
    order = desk.submit(position, "backstop")
    assert (order.activation_price, order.status) == (None, "accepted")


@pytest.mark.parametrize(("side", "starts_at"), [(LONG, D("101000.2")), (SHORT, D("98999.8"))])
def test_off_the_step_it_starts_no_earlier_than_ours(desk: Desk, side: PositionSide, starts_at: D) -> None:
    position = desk.filled(side=side)
    wished = starts_at - side.sign * D("0.05")
    trailing.protect(position.pk)
    TrailingStop.objects.update(activation_price=wished)
    desk.submit(position, "protect")
    trailing.protect(position.pk)
    assert backstops(position)[0].activation_price == starts_at


def test_asking_again_adds_nothing_and_the_database_refuses_a_second(desk: Desk) -> None:
    position = held(desk)
    settle(position)
    assert statuses(position) == ["accepted"]
    with pytest.raises(IntegrityError, match="one_pending_backstop"), transaction.atomic():
        an_order(position, purpose="backstop", order_type="trailing_stop_market")


def test_it_is_nobodys_to_take_back(desk: Desk) -> None:
    position = held(desk)
    assert not expiring.take_back(backstops(position)[0].pk)
    assert statuses(position) == ["accepted"]


# it follows what is held


@BOTH
def test_what_is_sold_makes_another_one_for_the_rest(desk: Desk, side: PositionSide) -> None:
    position = held(desk, side)
    close_position_partial(BTC, position.position_idx, D("0.5"))
    orders.submit(desk.order(position, "reduce").pk)
    trailing.protect(position.pk)
    assert statuses(position) == ["accepted"], "our own stop fits first"
    settle(position)
    settle(position)
    assert statuses(position) == ["canceled", "accepted"]
    (algo,) = trailing_at_exchange(desk)
    assert (algo.quantity, algo.activate_price) == (D("0.005"), at(1, side))
    (stop,) = stops_at_exchange(desk)
    assert stop.quantity == D("0.005")


def test_one_for_another_quantity_that_was_never_sent_is_replaced_at_once(desk: Desk) -> None:
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    trailing.protect(position.pk)
    Order.objects.filter(purpose="backstop").update(quantity=D("0.020"))
    trailing.protect(position.pk)
    assert [(o.status, o.quantity) for o in backstops(position)] == [
        ("denied", D("0.020")),
        ("initialized", D("0.010")),
    ]


# refused, lost, unknown


def test_a_refused_one_is_told_and_touches_nothing(desk: Desk) -> None:
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    trailing.protect(position.pk)
    trouble = Trouble(desk)
    trouble.answer_with(Refused("Reach max stop order limit.", code="-4045"))
    assert desk.submit(position, "backstop").status == "rejected"
    trouble.over()
    settle(position)
    position.refresh_from_db()
    assert (position.status, position.unprotected_since) == ("open", None)
    assert len(stops_at_exchange(desk)) == 1
    assert events() == ["backstop_refused", "order_refused"]
    assert statuses(position) == ["rejected"], "not asked again at once"
    Order.objects.filter(purpose="backstop").update(updated_at=timezone.now() - timedelta(seconds=61))
    settle(position)
    assert statuses(position) == ["rejected", "accepted"]


def test_an_activation_passed_on_the_way_is_no_reason_to_close(desk: Desk) -> None:
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    trailing.protect(position.pk)
    price(desk, at("1.2", LONG))
    assert desk.submit(position, "backstop").status == "rejected"
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("open", "")


def test_each_refusal_makes_the_pause_longer(desk: Desk) -> None:
    position = held(desk)
    Order.objects.filter(purpose="backstop").update(status="rejected", stood_at=None)
    an_order(position, purpose="backstop", order_type="trailing_stop_market", status="rejected", generation=2)
    Order.objects.filter(purpose="backstop").update(updated_at=timezone.now() - timedelta(seconds=61))
    settle(position)
    assert set(statuses(position)) == {"rejected"}
    Order.objects.filter(purpose="backstop").update(updated_at=timezone.now() - timedelta(seconds=121))
    settle(position)
    assert "accepted" in statuses(position)


def test_one_whose_answer_got_lost_is_looked_up_and_not_sent_twice(desk: Desk) -> None:
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    trailing.protect(position.pk)
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), after_the_work=True)
    assert desk.submit(position, "backstop").status == "submitted"
    trailing.protect(position.pk)
    lookups.resolve_unknown(timezone.now() + timedelta(seconds=3))
    assert statuses(position) == ["accepted"]
    assert len(trailing_at_exchange(desk)) == 1


def test_one_the_exchange_lost_is_placed_again(desk: Desk) -> None:
    position = held(desk)
    del desk.engine.account(desk.paper_name).algos[int(backstops(position)[0].exchange_order_id)]
    missed_twice(desk)
    assert statuses(position) == ["expired"]
    position.refresh_from_db()
    assert (position.status, position.unprotected_since) == ("open", None)
    settle(position)
    assert statuses(position) == ["expired", "accepted"]
    assert len(trailing_at_exchange(desk)) == 1


def test_one_that_ended_and_still_works_is_canceled(desk: Desk) -> None:
    position = held(desk)
    Order.objects.filter(purpose="backstop").update(status="canceled")
    reconcile(desk)
    assert trailing_at_exchange(desk) == []
    assert events() == ["order_left_over"]
    assert Position.objects.get(pk=position.pk).status == "open"


def test_it_is_no_protection(desk: Desk) -> None:
    position = held(desk)
    stop = desk.order(position, "protect")
    del desk.engine.account(desk.paper_name).algos[int(stop.exchange_order_id)]
    missed_twice(desk)
    position.refresh_from_db()
    assert position.unprotected_since is not None
    Position.objects.update(opened_at=timezone.now() - timedelta(hours=1))
    later = timezone.now() + timedelta(hours=1)
    assert list(every_open_position_has_a_stop(later)) == [
        f"position {position.pk} has no stop for all it holds"
    ]


# fired


def run_up_and_back(desk: Desk, side: PositionSide) -> None:
    for percent in (1, 3, 2):
        price(desk, at(percent, side))
    price(desk, at(3, side) * (1 - side.sign * D("0.015")))


@BOTH
def test_fired_unheard_it_closes_under_its_own_name_with_the_profit_there_was(
    desk: Desk, side: PositionSide
) -> None:
    position = held(desk, side)
    run_up_and_back(desk, side)
    assert desk.held() == 0
    reconcile(desk)
    reconcile(desk)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "exchange_trailing")
    bought, sold = Fill.objects.order_by("pk")
    assert (bought.order.purpose, sold.order.purpose) == ("entry", "backstop")
    leaves_at = at(3, side) * (1 - side.sign * D("0.015"))
    assert sold.price == leaves_at
    assert position.realized_pnl == (leaves_at - 100_000) * side.sign * D("0.010") > 0
    settle(position)
    assert desk.engine.open_algos(desk.paper_name) == []
    assert not TrailingStop.objects.exists()
    assert events() == []


def test_heard_on_the_stream_it_closes_at_once(desk: Desk) -> None:
    position = held(desk)
    run_up_and_back(desk, LONG)
    desk.tell(desk.engine.account(desk.paper_name).trades[-1])
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "exchange_trailing")
    assert desk.order(position, "protect").status == "pending_cancel"


def test_what_it_sold_of_a_position_that_grew_leaves_a_stop_for_the_rest(desk: Desk) -> None:
    position = held(desk)
    desk.engine.place(
        desk.paper_name, symbol=BTC, side="BUY", type="MARKET", quantity=D("0.006"), position_side="LONG",
        client_order_id="web_more", now_ms=int(timezone.now().timestamp() * 1000),
    )  # fmt: skip
    desk.tell(desk.engine.account(desk.paper_name).trades[-1])
    run_up_and_back(desk, LONG)
    reconcile(desk)
    settle(position)
    position.refresh_from_db()
    assert (position.status, position.quantity) == ("open", D("0.006"))
    assert [algo.quantity for algo in stops_at_exchange(desk)] == [D("0.006")]
    assert [algo.quantity for algo in trailing_at_exchange(desk)] == [D("0.006")]


@BOTH
def test_closed_another_way_it_goes_with_the_stop(desk: Desk, side: PositionSide) -> None:
    position = held(desk, side)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    assert statuses(position) == ["accepted"], "it stands until the position is flat"
    settle(position)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "manual")
    assert statuses(position) == ["canceled"]
    assert desk.engine.open_algos(desk.paper_name) == []


def test_our_own_stop_fires_first_and_names_the_close(desk: Desk) -> None:
    position = held(desk)
    trailing.advance(position.pk, at(3, LONG), timezone.now())
    price(desk, at(3, LONG))
    settle(position)
    price(desk, 102_480)
    reconcile(desk)
    settle(position)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "trailing_stop")
    assert statuses(position) == ["canceled"]
