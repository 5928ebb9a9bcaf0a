"""What a person does by hand: through the doors, once for its form, and nothing where it is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone

from exchanges.models import FlatRun, Instrument
from exchanges.paper.matching import Engine
from exchanges.types import OrderType, PositionSide
from ops.models import TrailEntry
from positions import queries
from positions.lifecycle import CloseReason, OrderPurpose
from positions.models import Order, PersonAct, Position, RiskEvent
from positions.services import by_hand, covering, lookups, orders, pausing
from positions.services.backstops import keep_backstop
from positions.services.closing import request_close
from positions.services.instruments import refresh_instruments
from positions.services.once import Done
from positions.services.opening import Opened, open_position
from positions.services.placing import place_order
from positions.services.plans import kept
from positions.terms import Terms
from tests.builders import a_position, a_strategy, an_account
from tests.positions.services.conftest import Desk
from trailing import services as trailing
from trailing import sweeping
from trailing.models import TrailingStop
from trailing.protection import widest_stop
from trailing.rows import entry_of, open_rows, plan_of
from trailing.rules import AgeLimit

BTC = "BTCUSDT"


@pytest.fixture(params=["binance", "bybit"])
def venue_desk(request: pytest.FixtureRequest, db: None, engine: Engine) -> Desk:
    where = engine if request.param == "binance" else request.getfixturevalue("bybit_engine")
    made = Desk(where, a_strategy(an_account(venue=request.param), notional=D(1000)))
    refresh_instruments()
    where.set_price(BTC, D(100_000), 0)
    return made


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.engine.set_price(BTC, D(100_000), 0)
    return desk


def learn() -> None:
    """Bybit answers that it has an order; what became of it is asked for when no stream tells."""
    Order.objects.update(updated_at=timezone.now() - timedelta(seconds=3))
    lookups.resolve_unknown(timezone.now())
    for order in Order.objects.filter(purpose="protect", status="accepted", stood_at=None):
        lookups.resolve(order.pk)


def bought(desk: Desk, side: PositionSide = PositionSide.LONG) -> Position:
    position = desk.filled(side=side)
    learn()
    position.refresh_from_db()
    return position


def held(desk: Desk, side: PositionSide = PositionSide.LONG) -> Position:
    """With its stop on the exchange."""
    position = bought(desk, side)
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    learn()
    position.refresh_from_db()
    return position


def stop_of(position: Position) -> D | None:
    return TrailingStop.objects.get(pk=position.pk).stop_price


def standing(position: Position) -> list[D | None]:
    stops = Order.objects.filter(position=position, purpose=OrderPurpose.PROTECT, status="accepted")
    return list(stops.order_by("generation").values_list("trigger_price", flat=True))


def carry_through(desk: Desk, position: Position) -> None:
    """What the hinted workers do: the new stop is sent, the old one is taken back."""
    trailing.protect(position.pk)
    for order in Order.objects.filter(position=position, status="initialized"):
        orders.submit(order.pk)
    learn()
    for order in Order.objects.filter(position=position, status="pending_cancel"):
        lookups.cancel(order.pk)
    learn()


def moved(position: Position, stop: str, **words: Any) -> Done:
    return by_hand.move_stop(uuid4(), "ada", position.pk, D(stop), **words)


@pytest.mark.parametrize("percent", ["25", "50", "75"])
def test_a_share_of_what_is_held_is_sold_on_either_exchange(venue_desk: Desk, percent: str) -> None:
    position = bought(venue_desk)
    done = by_hand.close_part(uuid4(), "ada", position.pk, percent=D(percent))
    wanted = (D("0.010") * D(percent) / 100).quantize(D("0.001"), "ROUND_FLOOR")
    order = Order.objects.get(pk=done.order_id)
    assert (order.purpose, order.quantity, done.is_refused) == ("reduce", wanted, False)
    orders.submit(order.pk)
    assert venue_desk.held() == D("0.010") - wanted


def test_a_quantity_is_rounded_down_to_the_step(desk: Desk) -> None:
    position = desk.filled()
    done = by_hand.close_part(uuid4(), "ada", position.pk, quantity=D("0.0039"))
    assert Order.objects.get(pk=done.order_id).quantity == D("0.003")


@pytest.mark.parametrize("quantity", ["0", "0.0001", "0.011", "NaN", "Infinity"])
def test_a_quantity_nobody_can_sell_makes_no_order(desk: Desk, quantity: str) -> None:
    position = desk.filled()
    done = by_hand.close_part(uuid4(), "ada", position.pk, quantity=D(quantity))
    assert (done.is_refused, done.sentence.startswith("Nothing was sent: ")) == (True, True)
    assert Order.objects.filter(position=position).count() == 1


def test_a_crumb_that_nobody_could_close_goes_with_the_part(desk: Desk) -> None:
    position = desk.filled()
    done = by_hand.close_part(uuid4(), "ada", position.pk, quantity=D("0.010"))
    position.refresh_from_db()
    assert (position.status, position.close_requested_by) == ("closing", "ada")
    assert "That is all of it" in done.sentence


def test_one_form_is_one_order_however_often_it_arrives(desk: Desk) -> None:
    position, key = desk.filled(), uuid4()
    first = by_hand.close_part(key, "ada", position.pk, percent=D(25))
    orders.submit(first.order_id)
    assert by_hand.close_part(key, "ada", position.pk, percent=D(25)) == first
    assert Order.objects.filter(purpose="reduce").count() == 1
    assert PersonAct.objects.get().outcome == first.sentence


def test_the_number_of_another_form_does_nothing(desk: Desk) -> None:
    position, key = desk.filled(), uuid4()
    by_hand.close_part(key, "ada", position.pk, percent=D(25))
    for done in (
        by_hand.close(key, "ada", position.pk),
        by_hand.close_part(key, "eve", position.pk, percent=D(25)),
        by_hand.close_part(key, "ada", position.pk, percent=D(75)),
        by_hand.close_part(key, "ada", position.pk, quantity=D(25)),
    ):
        assert (done.is_refused, "something else" in done.sentence) == (True, True)
    assert Order.objects.filter(position=position).exclude(purpose="entry").count() == 1


def test_a_refusal_is_remembered_as_well(desk: Desk) -> None:
    position, key = desk.filled(), uuid4()
    first = by_hand.close_part(key, "ada", position.pk, quantity=D(1))
    assert by_hand.close_part(key, "ada", position.pk, quantity=D(1)) == first
    assert by_hand.close_part(key, "ada", position.pk, quantity=D("0.002")).is_refused
    assert not Order.objects.filter(purpose="reduce").exists()


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_at_once_make_one_order() -> None:
    position, key = a_position(), uuid4()

    def click(_: int) -> Done:
        try:
            return by_hand.close(key, "ada", position.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        told = set(pool.map(click, range(10)))
    assert Order.objects.filter(purpose="close").count() == 1
    assert {done.order_id for done in told} == {Order.objects.get(purpose="close").pk}


def test_two_forms_and_a_close_in_flight_make_one_order(desk: Desk) -> None:
    position = desk.filled()
    request_close(position.pk, reason=CloseReason.SIGNAL, requested_by="signal 1")
    for done in (
        by_hand.close(uuid4(), "ada", position.pk),
        by_hand.close_part(uuid4(), "ada", position.pk, percent=D(50)),
        moved(position, "99000"),
        by_hand.hand_over(uuid4(), "ada", position.pk),
    ):
        assert ("no second order" in done.sentence) or done.is_refused
    assert Order.objects.filter(position=position).exclude(purpose="entry").count() == 1


def test_a_closed_position_is_refused_all_acts(desk: Desk) -> None:
    position = a_position(status="closed")
    for done in (
        by_hand.close(uuid4(), "ada", position.pk),
        by_hand.close_part(uuid4(), "ada", position.pk, percent=D(50)),
        by_hand.hand_over(uuid4(), "ada", position.pk),
        by_hand.take_back(uuid4(), "ada", position.pk),
        by_hand.close_again(uuid4(), "ada", position.pk),
    ):
        assert done.is_refused
    assert not Order.objects.exists()


# the stop


@pytest.mark.parametrize("side", PositionSide)
def test_a_better_stop_replaces_the_one_that_stands(venue_desk: Desk, side: PositionSide) -> None:
    position = held(venue_desk, side)
    better = "99500" if side is PositionSide.LONG else "100500"
    assert not moved(position, better).is_refused
    carry_through(venue_desk, position)
    assert standing(position) == [D(better)]


@pytest.mark.parametrize("side", PositionSide)
def test_a_loosened_stop_replaces_the_nearer_one_and_stays(venue_desk: Desk, side: PositionSide) -> None:
    position = held(venue_desk, side)
    before, sign = stop_of(position), side.sign
    assert before is not None
    wider = before - sign * 1000
    assert "never loosened" in moved(position, str(wider)).sentence
    assert stop_of(position) == before
    assert not moved(position, str(wider), may_loosen=True).is_refused
    carry_through(venue_desk, position)
    assert standing(position) == [wider]
    for price in (D(100_000), D(100_000) + sign * 10, D(100_000) - sign * 10):
        trailing.advance(position.pk, price, timezone.now())
    assert (stop_of(position), standing(position)) == (wider, [wider])


def test_a_rule_that_asks_for_more_than_was_taken_back_counts_again(desk: Desk) -> None:
    """The plan trails 0.5 % behind the best price from 1.5 % on."""
    position = held(desk)
    trailing.advance(position.pk, D(102_000), timezone.now())
    trailed = stop_of(position)
    assert trailed is not None
    assert trailed > 100_000
    desk.engine.set_price(BTC, D(102_000), 0)
    assert not moved(position, "99000", may_loosen=True).is_refused
    trailing.advance(position.pk, D(102_010), timezone.now())
    assert stop_of(position) == D(99000)
    trailing.advance(position.pk, D(104_000), timezone.now())
    assert (stop_of(position) or 0) > trailed
    assert TrailingStop.objects.get(pk=position.pk).loosened_from is None


def test_no_stop_goes_beyond_the_liquidation_or_the_market(desk: Desk) -> None:
    position = held(desk)
    Position.objects.filter(pk=position.pk).update(leverage=20)
    before = stop_of(position)
    assert "liquidated" in moved(position, "95000", may_loosen=True).sentence
    assert "beyond the stop" in moved(position, "100000", may_loosen=True).sentence
    assert "multiple" in moved(position, "97000.05", may_loosen=True).sentence
    assert (stop_of(position), Order.objects.filter(position=position).count()) == (before, 2)


def test_a_stop_of_a_limit_entry_is_right_for_the_price_it_waits_for(desk: Desk) -> None:
    """Above it the position would leave at the moment it is opened."""
    waiting = replace(desk.propose(), entry=Terms(OrderType.LIMIT, price=D(95_000)))
    opened = open_position(waiting)
    assert isinstance(opened, Opened)
    position = Position.objects.get(pk=opened.position_id)
    assert "beyond the stop" in moved(position, "97000").sentence
    assert stop_of(position) is None
    assert not moved(position, "94000").is_refused


def test_while_the_wider_stop_is_on_its_way_the_nearer_one_protects(desk: Desk) -> None:
    position = held(desk)
    before = stop_of(position)
    moved(position, "97000", may_loosen=True)
    trailing.protect(position.pk)
    position.refresh_from_db()
    assert (standing(position), position.unprotected_since) == ([before], None)


@pytest.mark.parametrize("side", PositionSide)
def test_a_loosened_stop_between_steps_is_placed_once(desk: Desk, side: PositionSide) -> None:
    """The contract's step grew: it stands on the next one that is nearer to the market."""
    position = held(desk, side)
    moved(position, "97000" if side is PositionSide.LONG else "103000", may_loosen=True)
    Instrument.objects.filter(pk=position.instrument_id).update(price_increment=D(64))
    for _ in range(4):
        carry_through(desk, position)
    assert standing(position) == [D(97024) if side is PositionSide.LONG else D(102976)]
    assert Order.objects.filter(position=position, purpose=OrderPurpose.PROTECT).count() == 2


@pytest.mark.parametrize("side", PositionSide)
def test_a_loosened_stop_goes_there_without_its_hint(desk: Desk, side: PositionSide) -> None:
    position = held(desk, side)
    wider = D(97000) if side is PositionSide.LONG else D(103000)
    moved(position, str(wider), may_loosen=True)
    sweeping.sweep(timezone.now())
    wished = Order.objects.filter(position=position, purpose=OrderPurpose.PROTECT, status="initialized")
    assert wished.get().trigger_price == wider


def test_a_loosened_stop_stays_before_the_liquidation_of_a_new_average(desk: Desk) -> None:
    position = held(desk)
    Position.objects.filter(pk=position.pk).update(leverage=20)
    moved(position, "96500", may_loosen=True)
    assert stop_of(position) == D(96500)
    Position.objects.filter(pk=position.pk).update(average_entry_price=D(102_000))
    trailing.keep_stop(position.pk)
    row = open_rows().get(pk=position.pk)
    assert row.stop_price == widest_stop(entry_of(row)) > D(96500)


def test_what_was_weighed_against_another_stop_is_weighed_again(desk: Desk) -> None:
    position = held(desk)
    seen = stop_of(position)
    trailing.advance(position.pk, D(102_000), timezone.now())
    trailed = stop_of(position)
    desk.engine.set_price(BTC, D(102_000), 0)
    told = moved(position, "97500", may_loosen=True, seen=seen)
    assert (told.is_refused, "meanwhile" in told.sentence, stop_of(position)) == (True, True, trailed)
    assert not moved(position, "97500", may_loosen=True, seen=trailed).is_refused


# cancel, hand over, again


def test_a_take_profit_is_canceled_and_a_stop_is_not(desk: Desk) -> None:
    position = held(desk)
    target = place_order(
        position.pk, OrderPurpose.TAKE_PROFIT, D("0.010"), Terms(OrderType.LIMIT, price=D(103_000))
    )
    orders.submit(target)
    stop = desk.order(position, "protect")
    assert "it is a stop" in by_hand.cancel_order(uuid4(), "ada", stop.pk).sentence
    assert not by_hand.cancel_order(uuid4(), "ada", target).is_refused
    lookups.cancel(target)
    assert Order.objects.get(pk=target).status == "canceled"
    assert standing(position) == [stop.trigger_price]
    assert "is canceled" in by_hand.cancel_order(uuid4(), "ada", target).sentence


def test_what_is_handed_over_is_left_alone_and_its_stop_stays(venue_desk: Desk) -> None:
    position = held(venue_desk)
    before = standing(position)
    assert not by_hand.hand_over(uuid4(), "ada", position.pk).is_refused
    trailing.advance(position.pk, D(110_000), timezone.now())
    assert request_close(position.pk, reason=CloseReason.AGE, requested_by="age") is None
    assert request_close(position.pk, reason=CloseReason.SIGNAL, requested_by="signal") is None
    assert moved(position, "99500").is_refused
    Order.objects.filter(position=position, purpose="protect").update(status="canceled")
    covering.close_uncovered(timezone.now())
    position.refresh_from_db()
    assert (position.status, stop_of(position)) == ("open", before[0])
    assert RiskEvent.objects.filter(event_type="position_handed_over").get().details["by"] == "ada"


def test_what_is_wished_closed_is_not_handed_over(desk: Desk) -> None:
    position = desk.filled()
    later = timezone.now() + timedelta(minutes=1)
    Position.objects.filter(pk=position.pk).update(close_reason="age", close_again_at=later)
    assert "wished it closed" in by_hand.hand_over(uuid4(), "ada", position.pk).sentence


def test_what_is_handed_over_is_closed_by_a_person_only(desk: Desk) -> None:
    position = held(desk)
    by_hand.hand_over(uuid4(), "ada", position.pk)
    assert by_hand.close(uuid4(), "ada", position.pk).order_id is not None


def test_what_was_handed_over_is_looked_after_again(desk: Desk) -> None:
    position = held(desk)
    by_hand.hand_over(uuid4(), "ada", position.pk)
    by_hand.take_back(uuid4(), "ada", position.pk)
    trailing.advance(position.pk, D(102_000), timezone.now())
    assert (stop_of(position) or 0) > 100_000


def handed_over_bare(desk: Desk) -> Position:
    """Its owner canceled the stop at the exchange."""
    position = held(desk)
    by_hand.hand_over(uuid4(), "ada", position.pk)
    Order.objects.filter(position=position, purpose="protect").update(status="canceled")
    with transaction.atomic():
        covering.note_cover(Position.objects.select_for_update().get(pk=position.pk))
    return position


def test_the_time_with_a_person_is_not_time_without_a_stop(desk: Desk) -> None:
    position = handed_over_bare(desk)
    position.refresh_from_db()
    assert position.unprotected_since is None
    long_ago = timezone.now() - timedelta(hours=1)
    Position.objects.filter(pk=position.pk).update(unprotected_since=long_ago, software_stop_since=long_ago)
    counted = position.unprotected_seconds
    by_hand.take_back(uuid4(), "ada", position.pk)
    sweeping.sweep(timezone.now())
    position.refresh_from_db()
    assert (position.status, position.software_stop_since) == ("open", None)
    assert position.unprotected_since > timezone.now() - timedelta(minutes=1)
    assert position.unprotected_seconds == counted
    carry_through(desk, position)
    assert standing(position) == [stop_of(position)]


def test_what_would_be_sold_at_once_is_taken_back_by_who_knows_it_only(desk: Desk) -> None:
    position = handed_over_bare(desk)
    desk.engine.set_price(BTC, D(90_000), 0)
    assert "beyond its level 98000" in by_hand.why_taking_back_closes(position.pk)
    refused = by_hand.take_back(uuid4(), "ada", position.pk)
    assert (refused.is_refused, "beyond its level 98000" in refused.sentence) == (True, True)
    trailing.protect(position.pk)
    assert not Order.objects.filter(position=position, status="initialized").exists()
    assert not by_hand.take_back(uuid4(), "ada", position.pk, may_close=True).is_refused


def test_an_age_that_would_close_it_is_told_before_it_is_taken_back(desk: Desk) -> None:
    position = handed_over_bare(desk)
    plan = kept(plan_of(position).model_copy(update={"age": AgeLimit()}))
    opened = timezone.now() - timedelta(hours=13)
    Position.objects.filter(pk=position.pk).update(plan=plan, opened_at=opened)
    assert "age limit" in by_hand.take_back(uuid4(), "ada", position.pk).sentence


def test_without_a_price_nobody_knows_what_taking_it_back_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = handed_over_bare(desk)
    monkeypatch.setattr(by_hand, "deciding_price_of", lambda _: None)
    assert "no price is known" in by_hand.take_back(uuid4(), "ada", position.pk).sentence


def test_prices_of_its_time_with_a_person_move_nothing(desk: Desk) -> None:
    position = held(desk)
    by_hand.hand_over(uuid4(), "ada", position.pk)
    by_hand.take_back(uuid4(), "ada", position.pk)
    row = TrailingStop.objects.get(pk=position.pk)
    assert row.known_until == row.last_advanced_at
    assert timezone.now() - row.known_until < timedelta(minutes=1)
    trailing.advance(position.pk, D(90_000), row.known_until - timedelta(seconds=1))
    position.refresh_from_db()
    assert position.status == "open"


def test_a_stop_on_its_way_is_awaited_before_a_hand_over(desk: Desk) -> None:
    position = bought(desk)
    trailing.protect(position.pk)
    assert "on its way" in by_hand.hand_over(uuid4(), "ada", position.pk, may_be_bare=True).sentence
    desk.submit(position, "protect")
    assert not by_hand.hand_over(uuid4(), "ada", position.pk).is_refused


def a_target(position: Position) -> UUID:
    terms = Terms(OrderType.LIMIT, price=D(103_000))
    return place_order(position.pk, OrderPurpose.TAKE_PROFIT, D("0.010"), terms)


def test_what_was_not_sent_when_it_was_handed_over_is_never_sent(desk: Desk) -> None:
    position = held(desk)
    target = a_target(position)
    told = by_hand.hand_over(uuid4(), "ada", position.pk)
    assert (told.is_refused, "not sent" in told.sentence) == (False, True)
    orders.submit(target)
    assert Order.objects.get(pk=target).status == "denied"
    assert [o.type for o in desk.engine.account(desk.paper_name).orders.values()] == ["MARKET"]


def test_an_order_of_which_nobody_knows_is_awaited_before_a_hand_over(desk: Desk) -> None:
    position = held(desk)
    target = a_target(position)
    Order.objects.filter(pk=target).update(status="submitted", submitted_at=timezone.now())
    assert "on its way" in by_hand.hand_over(uuid4(), "ada", position.pk).sentence
    orders._put_back(Order.objects.get(pk=target), "not sent", 0.0)
    assert not by_hand.hand_over(uuid4(), "ada", position.pk).is_refused


def test_a_part_that_is_being_closed_is_awaited_before_a_hand_over(desk: Desk) -> None:
    position = held(desk)
    part = by_hand.close_part(uuid4(), "ada", position.pk, percent=D(50))
    assert "part of it" in by_hand.hand_over(uuid4(), "ada", position.pk).sentence
    assert Order.objects.get(pk=part.order_id).status == "initialized"


def test_who_takes_it_without_a_stop_says_so(desk: Desk) -> None:
    position = bought(desk)
    assert "no stop" in by_hand.hand_over(uuid4(), "ada", position.pk).sentence
    assert not by_hand.hand_over(uuid4(), "ada", position.pk, may_be_bare=True).is_refused


def test_what_is_handed_over_is_watched_by_nobody_here(desk: Desk) -> None:
    position = bought(desk)
    Position.objects.filter(pk=position.pk).update(software_stop_since=timezone.now())
    by_hand.hand_over(uuid4(), "ada", position.pk, may_be_bare=True)
    position.refresh_from_db()
    assert (position.software_stop_since, position.unprotected_since) == (None, None)
    Position.objects.filter(pk=position.pk).update(software_stop_since=timezone.now())
    assert queries.held_position(position.pk).software_stop is None


def test_the_exchanges_own_trailing_is_not_placed_for_a_person(desk: Desk) -> None:
    position = held(desk)
    row = open_rows().get(pk=position.pk)
    terms = Terms(OrderType.TRAILING_STOP_MARKET, callback_rate=D(1))
    by_hand.hand_over(uuid4(), "ada", position.pk)
    position.refresh_from_db()
    keep_backstop(position, entry_of(row), terms)
    assert not Order.objects.filter(position=position, purpose=OrderPurpose.BACKSTOP).exists()


def test_a_refused_close_is_asked_again_at_once(desk: Desk) -> None:
    position = desk.filled()
    Position.objects.filter(pk=position.pk).update(
        close_reason="manual", close_refusals=3, close_again_at=timezone.now() + timedelta(minutes=1)
    )
    assert not by_hand.close_again(uuid4(), "ada", position.pk).is_refused
    assert desk.order(position, "close") is not None
    assert by_hand.close_again(uuid4(), "ada", position.pk).is_refused


def test_a_close_during_the_pause_after_a_refusal_says_when_it_is_asked_again(desk: Desk) -> None:
    position, later = desk.filled(), timezone.now() + timedelta(minutes=1)
    Position.objects.filter(pk=position.pk).update(
        close_reason="manual", close_refusals=3, close_again_at=later
    )
    done = by_hand.close(uuid4(), "ada", position.pk)
    assert (done.order_id, f"{later:%H:%M:%S}" in done.sentence) == (None, True)


def test_a_close_that_may_not_be_asked_for_is_not_told_as_asked(desk: Desk) -> None:
    position, later = desk.filled(), timezone.now() + timedelta(minutes=1)
    Position.objects.filter(pk=position.pk).update(
        close_reason="age", close_refusals=3, close_again_at=later, handed_over_at=timezone.now()
    )
    assert by_hand.close_again(uuid4(), "ada", position.pk).is_refused
    position.refresh_from_db()
    assert position.close_again_at == later


@pytest.mark.parametrize("percent", ["50", "100"])
def test_of_what_is_handed_over_no_part_is_sold(desk: Desk, percent: str) -> None:
    position = held(desk)
    by_hand.hand_over(uuid4(), "ada", position.pk)
    assert "handed over" in by_hand.close_part(uuid4(), "ada", position.pk, percent=D(percent)).sentence
    assert Order.objects.filter(position=position, purpose__in=["close", "reduce"]).count() == 0


def test_close_all_is_one_flat_for_one_form(desk: Desk) -> None:
    desk.filled()
    desk.filled(side=PositionSide.SHORT)
    key: UUID = uuid4()
    first = by_hand.close_all(key, "ada", "storm")
    assert by_hand.close_all(key, "ada", "storm") == first
    assert FlatRun.objects.get().pk == first.flat_run_id
    assert Order.objects.filter(purpose="close").count() == 2


def test_an_account_that_goes_on_is_not_told_as_stopped(desk: Desk) -> None:
    account_id = desk.account.pk
    pausing.pause(uuid4(), "ada", "a look", account_id)
    assert "it is reducing itself" in pausing.resume(uuid4(), "ada").sentence
    assert "itself" not in pausing.resume(uuid4(), "ada", "go on", account_id).sentence


def test_the_trail_says_who_and_what_became_of_it(desk: Desk) -> None:
    position, key = desk.filled(), uuid4()
    by_hand.close(key, "ada", position.pk)
    entries = TrailEntry.objects.filter(subject_table="person_acts", subject_key=str(key))
    told = {name: value for entry in entries.order_by("pk") for name, value in entry.content.items()}
    assert (told["by"], told["act"], told["outcome"]) == (
        "ada",
        "close",
        "Close order for BTC long is on its way.",
    )
