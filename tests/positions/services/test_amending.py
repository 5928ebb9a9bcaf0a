"""Another price for a working order, another stop or take-profit for its position."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.errors import AccountUnusable, NotSent, OrderNotFound, OutcomeUnknown, Refused
from exchanges.types import Book, OrderReport, OrderType, PositionSide, TimeInForce
from positions import tasks
from positions.lifecycle import CloseReason, OrderPurpose
from positions.models import Order, Position, RiskEvent
from positions.services import amending, lookups, orders
from positions.services.amending import amend, amend_due, modify_price
from positions.services.closing import request_close
from positions.services.expiring import take_back
from positions.services.modifying import modify_order, refit_targets, tend_waiting
from positions.services.placing import OrderRefused, place_order
from positions.services.reducing import close_part
from positions.terms import Terms
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from tests.positions.services.test_placing import limit, opened, price_moves_to, state
from trailing import services as trailing
from trailing.models import TrailingStop

BTC = "BTCUSDT"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.engine.set_price(BTC, D(100_000), 0)
    return desk


@pytest.fixture
def trouble(desk: Desk) -> Trouble:
    return Trouble(desk)


@pytest.fixture
def entry(desk: Desk) -> Order:
    """Waits for 0.010 at 99000."""
    order = desk.submit(opened(desk, limit("99000")), "entry")
    assert order.status == "accepted"
    return order


def asked_to(entry: Order, price: str) -> Order:
    modify_price(entry.pk, D(price))
    amend(entry.pk)
    entry.refresh_from_db()
    return entry


def prices(desk: Desk, order: Order) -> tuple[D | None, D | None, D | None]:
    """What our row says, what it wishes, what the exchange works."""
    order.refresh_from_db()
    working = {o.client_order_id: o.price for o in desk.engine.open_orders(desk.paper_name)}
    return order.price, order.wanted_price, working.get(order.client_order_id)


def some_time_later(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(amend_sent_at=timezone.now() - timedelta(minutes=1))


def why_not_moved() -> str:
    return str(RiskEvent.objects.get(event_type="order_not_moved").details["reason"])


# the price of a working order


def test_a_working_order_moves(desk: Desk, entry: Order) -> None:
    asked_to(entry, "99500")
    assert prices(desk, entry) == (D(99_500), None, D(99_500))
    asked_to(entry, "98000")
    assert prices(desk, entry) == (D(98_000), None, D(98_000))
    assert not RiskEvent.objects.filter(event_type="order_not_moved").exists()


def test_the_wish_is_a_row_before_it_is_a_request(desk: Desk, entry: Order) -> None:
    modify_price(entry.pk, D(99_500))
    assert prices(desk, entry) == (D(99_000), D(99_500), D(99_000))
    with pytest.raises(OrderRefused, match="another price is on its way"):
        modify_price(entry.pk, D(99_600))


def test_a_wish_is_sent_once(desk: Desk, entry: Order, trouble: Trouble) -> None:
    trouble.answer_with(OutcomeUnknown("lost"), method="amend_order")
    asked_to(entry, "99500")
    vars(trouble.client()).pop("amend_order")
    amend(entry.pk)
    assert prices(desk, entry) == (D(99_000), D(99_500), D(99_000)), "maybe it is still on its way"


def test_a_wish_whose_hint_was_lost_is_found(desk: Desk, entry: Order) -> None:
    modify_price(entry.pk, D(99_500))
    assert amend_due(timezone.now()) == 0, "its hint still has a moment"
    assert amend_due(timezone.now() + timedelta(seconds=2)) == 1
    assert prices(desk, entry) == (D(99_500), None, D(99_500))


def test_the_price_it_has_is_no_wish(desk: Desk, entry: Order) -> None:
    modify_price(entry.pk, D(99_000))
    assert prices(desk, entry) == (D(99_000), None, D(99_000))


def test_a_price_the_exchange_has_already_is_a_success(desk: Desk, entry: Order) -> None:
    """Ours was the second of two requests, or somebody moved it by hand."""
    words = {"side": "BUY", "quantity": entry.quantity, "price": D(99_500), "now_ms": 0}
    desk.engine.amend(desk.paper_name, BTC, client_order_id=entry.client_order_id, **words)
    assert asked_to(entry, "99500").price == D(99_500)
    assert not RiskEvent.objects.exists()


def test_a_lost_answer_is_looked_up_and_the_price_compared(
    desk: Desk, entry: Order, trouble: Trouble
) -> None:
    trouble.answer_with(OutcomeUnknown("lost"), method="amend_order", after_the_work=True)
    asked_to(entry, "99500")
    assert entry.price == D(99_000)
    assert amend_due(timezone.now() + timedelta(seconds=3)) == 1
    assert prices(desk, entry) == (D(99_500), None, D(99_500))


def test_a_request_that_never_arrived_is_given_up_when_it_cannot_arrive_any_more(
    desk: Desk, entry: Order, trouble: Trouble
) -> None:
    trouble.answer_with(OutcomeUnknown("lost"), method="amend_order")
    asked_to(entry, "99500")
    amend_due(timezone.now() + timedelta(seconds=3))
    assert prices(desk, entry)[1] == D(99_500), "it may still arrive"
    some_time_later(entry)
    amend_due(timezone.now())
    assert prices(desk, entry) == (D(99_000), None, D(99_000))
    assert why_not_moved() == "the request never arrived"
    vars(trouble.client()).pop("amend_order")
    asked_to(entry, "99500")
    assert prices(desk, entry) == (D(99_500), None, D(99_500))


def test_a_worker_held_up_after_its_claim_does_not_move_the_order(
    desk: Desk, entry: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile a look-up may have given the wish up, and another price may have been asked for."""
    monkeypatch.setattr(orders, "CLAIM_LIFETIME", timedelta(0))
    asked_to(entry, "99500")
    assert prices(desk, entry) == (D(99_000), D(99_500), D(99_000))
    monkeypatch.undo()
    assert amend_due(timezone.now() + timedelta(seconds=1)) == 1
    assert entry.amend_sent_at is None, "it is free to be sent"


def test_a_late_answer_does_not_give_a_wish_up(
    desk: Desk, entry: Order, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked before the window was over, answered after: the request may have arrived between."""
    trouble.answer_with(OutcomeUnknown("lost"), method="amend_order")
    sent = asked_to(entry, "99500").amend_sent_at
    clock = [sent + timedelta(seconds=3)]
    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    honest = trouble.client().find_order

    async def late(symbol: str, client_order_id: str, book: Book) -> OrderReport:
        clock[0] = sent + timedelta(seconds=9)
        return await honest(symbol, client_order_id, book)

    trouble.client().find_order = late  # type: ignore[method-assign]
    amending._resolve(entry.pk)
    assert prices(desk, entry)[1] == D(99_500)
    amending._resolve(entry.pk)
    assert prices(desk, entry)[1] is None


def test_a_wish_that_was_settled_a_moment_ago_is_not_complained_of(desk: Desk, entry: Order) -> None:
    asked_to(entry, "99500")
    take_back(entry.pk)
    lookups.cancel(entry.pk)
    amending._resolve(entry.pk)
    assert not RiskEvent.objects.filter(event_type="order_not_moved").exists()


def test_an_unanswered_look_up_decides_nothing(desk: Desk, entry: Order, trouble: Trouble) -> None:
    trouble.answer_with(OutcomeUnknown("lost"), method="amend_order")
    asked_to(entry, "99500")
    some_time_later(entry)
    trouble.answer_with(OutcomeUnknown("lost"), method="find_order")
    amend_due(timezone.now())
    assert prices(desk, entry)[1] == D(99_500)


def test_an_order_that_filled_meanwhile_is_reported_as_such(desk: Desk, entry: Order) -> None:
    modify_price(entry.pk, D(98_000))
    desk.engine.set_price(BTC, D(98_999), 0)
    amend(entry.pk)
    assert prices(desk, entry) == (D(99_000), None, None)
    assert why_not_moved() == "the order was filled before"
    assert state(Position.objects.get()) == ("open", D("0.010"))


def test_an_order_partly_filled_moves_the_rest(desk: Desk, entry: Order) -> None:
    desk.engine.depth_notional = D(400)
    price_moves_to(desk, "98999", entry)
    asked_to(entry, "98000")
    assert prices(desk, entry) == (D(98_000), None, D(98_000))
    assert (entry.status, entry.filled_quantity) == ("partially_filled", D("0.004"))


def test_a_price_that_takes_fills_and_opens(desk: Desk, entry: Order) -> None:
    asked_to(entry, "100100")
    assert (entry.status, entry.price) == ("filled", D(100_100))
    assert state(Position.objects.get()) == ("open", D("0.010"))


def test_a_refusal_leaves_the_order_where_it_was(desk: Desk, entry: Order, trouble: Trouble) -> None:
    trouble.answer_with(Refused("Exceed maximum modify order limit.", code="-5026"), method="amend_order")
    asked_to(entry, "99500")
    assert prices(desk, entry) == (D(99_000), None, D(99_000))
    assert why_not_moved().startswith("-5026")


def test_told_to_wait_it_is_sent_later(desk: Desk, entry: Order, trouble: Trouble) -> None:
    trouble.answer_with(NotSent("429", retry_after=9), method="amend_order")
    asked_to(entry, "99500")
    vars(trouble.client()).pop("amend_order")
    assert amend_due(timezone.now() + timedelta(seconds=2)) == 0
    Order.objects.filter(pk=entry.pk).update(next_attempt_at=timezone.now())
    assert amend_due(timezone.now()) == 1
    assert prices(desk, entry) == (D(99_500), None, D(99_500))


def test_a_revoked_key_halts_the_account(desk: Desk, entry: Order, trouble: Trouble) -> None:
    trouble.answer_with(AccountUnusable("Invalid API-key", code="-2015"), method="amend_order")
    asked_to(entry, "99500")
    desk.account.refresh_from_db()
    assert (desk.account.trading_state, entry.wanted_price) == ("halted", None)


def test_an_order_the_exchange_forgot_ends(desk: Desk, entry: Order, trouble: Trouble) -> None:
    for method in ("amend_order", "find_order"):
        trouble.answer_with(OrderNotFound("Order does not exist."), method=method)
    Order.objects.update(answered_at=timezone.now() - timedelta(minutes=1))
    asked_to(entry, "99500")
    assert (entry.status, entry.wanted_price) == ("canceled", None)


def test_the_wish_of_an_order_that_ended_is_dropped(desk: Desk, entry: Order) -> None:
    modify_price(entry.pk, D(99_500))
    take_back(entry.pk)
    amend(entry.pk)
    lookups.cancel(entry.pk)
    amend_due(timezone.now())
    assert prices(desk, entry) == (D(99_000), None, None)
    assert why_not_moved() == "the order was canceled before"


def test_one_order_that_breaks_the_sweep_does_not_stop_it(
    desk: Desk, entry: Order, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    modify_price(entry.pk, D(99_500))
    trouble.answer_with(RuntimeError("bug"), method="amend_order")
    assert amend_due(timezone.now() + timedelta(seconds=2)) == 1
    assert "the next sweep tries again" in caplog.text


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ("99000.05", "not a multiple"),
        ("0", "above zero"),
        ("105000.1", "through the market"),
        ("400", "worth less"),
    ],
)
def test_prices_that_are_not_asked_for(desk: Desk, entry: Order, price: str, words: str) -> None:
    with pytest.raises(OrderRefused, match=words):
        modify_price(entry.pk, D(price))
    assert prices(desk, entry) == (D(99_000), None, D(99_000))


def test_an_entry_does_not_grow_beyond_what_was_planned(desk: Desk) -> None:
    entry = desk.submit(opened(desk, limit("80000")), "entry")
    modify_price(entry.pk, D(85_000))
    amend(entry.pk)
    with pytest.raises(OrderRefused, match="planned were"):
        modify_price(entry.pk, D(95_000))


def test_a_post_only_order_is_not_moved_into_the_market(desk: Desk) -> None:
    entry = desk.submit(opened(desk, limit("99000", time_in_force=TimeInForce.GTX)), "entry")
    with pytest.raises(OrderRefused, match="would take"):
        modify_price(entry.pk, D(100_000))
    assert asked_to(entry, "99900").price == D(99_900)


def test_a_post_only_order_the_exchange_ends_while_moving_is_ended_here(desk: Desk) -> None:
    entry = desk.submit(opened(desk, limit("99000", time_in_force=TimeInForce.GTX)), "entry")
    modify_price(entry.pk, D(99_900))
    desk.engine.set_price(BTC, D(99_800), 0)
    amend(entry.pk)
    assert prices(desk, entry) == (D(99_000), None, None)
    assert (state(Position.objects.get()), why_not_moved()) == (
        ("closed", 0),
        "the order was canceled before",
    )


def test_only_what_waits_can_be_moved(desk: Desk) -> None:
    position = desk.filled()
    with pytest.raises(OrderRefused, match="only a limit order"):
        modify_price(desk.order(position, "entry").pk, D(99_000))
    target = place_order(position.pk, OrderPurpose.TAKE_PROFIT, D("0.004"), limit("101000"))
    with pytest.raises(OrderRefused, match="initialized"):
        modify_price(target, D(102_000))
    orders.submit(target)
    with pytest.raises(OrderRefused, match="already at the take-profit"):
        modify_price(target, D(99_000))
    assert asked_to(Order.objects.get(pk=target), "102000").price == D(102_000)


# stop and take-profit


def protected(desk: Desk) -> tuple[Position, Order]:
    position = desk.filled()
    trailing.protect(position.pk)
    return position, desk.submit(position, "protect")


def stop_price(position: Position) -> D | None:
    return TrailingStop.objects.values_list("stop_price", flat=True).get(pk=position.pk)


def long_ago() -> None:
    """A stop that was placed just now is not replaced at once."""
    Order.objects.update(created_at=timezone.now() - timedelta(minutes=1))


def test_a_better_stop_is_placed_and_the_old_one_taken_back(desk: Desk) -> None:
    position, first = protected(desk)
    long_ago()
    done = modify_order(desk.order(position, "entry").pk, stop_loss=D(99_000))
    assert (done.stop_price, done.take_profit_order_id) == (D(99_000), None)
    trailing.protect(position.pk)
    second = desk.submit(position, "protect")
    first.refresh_from_db()
    assert (second.trigger_price, second.status, first.status) == (D(99_000), "accepted", "pending_cancel")


def test_a_stop_is_never_loosened(desk: Desk) -> None:
    position, stop = protected(desk)
    with pytest.raises(OrderRefused, match="never loosened"):
        modify_order(stop.pk, stop_loss=D(90_000))
    assert stop_price(position) == stop.trigger_price


def test_a_price_judged_before_the_stop_was_moved_does_not_move_it_back(desk: Desk) -> None:
    position, stop = protected(desk)
    row = trailing.open_rows().get(pk=position.pk)
    desk.engine.set_price(BTC, D(101_600), 0)
    modify_order(stop.pk, stop_loss=D(101_400))
    assert not trailing._judge(row, D(101_600), timezone.now())
    assert stop_price(position) == D(101_400)


@pytest.mark.parametrize(
    ("stop_loss", "words"),
    [
        ("100000", "beyond the stop"),
        ("99000.05", "not a multiple"),
        ("0", "not a multiple"),
        ("NaN", "multiple"),
    ],
)
def test_stops_that_are_refused(desk: Desk, stop_loss: str, words: str) -> None:
    position, stop = protected(desk)
    with pytest.raises(OrderRefused, match=words):
        modify_order(stop.pk, stop_loss=D(stop_loss))
    assert stop_price(position) == stop.trigger_price


def test_a_shorts_stop_moves_down(desk: Desk) -> None:
    position = desk.filled(side=PositionSide.SHORT)
    trailing.protect(position.pk)
    order = desk.submit(position, "protect")
    modify_order(order.pk, stop_loss=D(101_000))
    assert stop_price(position) == D(101_000)
    with pytest.raises(OrderRefused, match="never loosened"):
        modify_order(order.pk, stop_loss=D(101_500))
    with pytest.raises(OrderRefused, match="beyond the stop"):
        modify_order(order.pk, stop_loss=D(99_000))


def test_a_stop_named_while_the_entry_waits_counts_when_it_fills(desk: Desk, entry: Order) -> None:
    with pytest.raises(OrderRefused, match=r"99000.* beyond the stop"):
        modify_order(entry.pk, stop_loss=D(99_500))
    modify_order(entry.pk, stop_loss=D(98_500))
    price_moves_to(desk, "98999", entry)
    trailing.protect(entry.position_id)
    assert desk.submit(entry.position, "protect").trigger_price == D(98_500)


def test_a_take_profit_for_all_that_is_held(desk: Desk) -> None:
    position, stop = protected(desk)
    done = modify_order(stop.pk, take_profit=D(102_000))
    order = desk.submit(position, "take_profit")
    assert (order.pk, order.book, order.quantity, order.reduce_only) == (
        done.take_profit_order_id,
        "algo",
        D("0.010"),
        True,
    )
    assert modify_order(stop.pk, take_profit=D(102_000)).take_profit_order_id == order.pk, "it stands already"
    price_moves_to(desk, "102000", order)
    assert (state(position), position.close_reason, desk.held()) == (("closed", 0), "take_profit", 0)
    lookups.cancel(stop.pk)
    assert not desk.engine.open_algos(desk.paper_name)


def test_a_moved_take_profit_stands_before_the_old_one_is_taken_back(desk: Desk) -> None:
    position, stop = protected(desk)
    modify_order(stop.pk, take_profit=D(102_000))
    first = desk.submit(position, "take_profit")
    modify_order(stop.pk, take_profit=D(103_000))
    first.refresh_from_db()
    assert first.status == "accepted"
    second = desk.submit(position, "take_profit")
    first.refresh_from_db()
    assert (first.status, second.status) == ("pending_cancel", "accepted")
    lookups.cancel(first.pk)
    waiting = [a.trigger_price for a in desk.engine.open_algos(desk.paper_name)]
    assert waiting == [stop.trigger_price, D(103_000)]


def test_a_take_profit_moved_before_it_was_sent_is_sent_once(desk: Desk) -> None:
    _, stop = protected(desk)
    modify_order(stop.pk, take_profit=D(102_000))
    modify_order(stop.pk, take_profit=D(103_000))
    orders.submit_due(timezone.now() + timedelta(seconds=2))
    assert [o.status for o in Order.objects.filter(purpose="take_profit").order_by("generation")] == [
        "denied",
        "accepted",
    ]


def test_an_older_take_profit_confirmed_late_is_taken_back(desk: Desk, trouble: Trouble) -> None:
    position, stop = protected(desk)
    trouble.answer_with(OutcomeUnknown("lost"), after_the_work=True)
    modify_order(stop.pk, take_profit=D(102_000))
    first = desk.submit(position, "take_profit")
    trouble.over()
    modify_order(stop.pk, take_profit=D(103_000))
    desk.submit(position, "take_profit")
    lookups.resolve(first.pk)
    first.refresh_from_db()
    assert first.status == "pending_cancel"


def test_both_or_nothing(desk: Desk) -> None:
    position, stop = protected(desk)
    with pytest.raises(OrderRefused, match="never loosened"):
        modify_order(stop.pk, stop_loss=D(90_000), take_profit=D(102_000))
    with pytest.raises(OrderRefused, match="already at the take-profit"):
        modify_order(stop.pk, stop_loss=D(99_000), take_profit=D(99_500))
    assert stop_price(position) == stop.trigger_price
    assert not Order.objects.filter(purpose="take_profit").exists()


def test_the_take_profit_follows_what_is_held(desk: Desk) -> None:
    position, stop = protected(desk)
    modify_order(stop.pk, take_profit=D(102_000))
    first = desk.submit(position, "take_profit")
    orders.submit(close_part(position.pk, D("0.4"), requested_by="owner"))
    assert refit_targets(timezone.now()) == 1
    second = desk.submit(position, "take_profit")
    first.refresh_from_db()
    assert (second.quantity, second.trigger_price, first.status) == (D("0.006"), D(102_000), "pending_cancel")
    assert refit_targets(timezone.now()) == 0
    price_moves_to(desk, "102000", second)
    assert (state(position), desk.held()) == (("closed", 0), 0)


def test_a_take_profit_the_market_has_reached_is_not_refitted(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    position, stop = protected(desk)
    modify_order(stop.pk, take_profit=D(102_000))
    desk.submit(position, "take_profit")
    Order.objects.filter(purpose="take_profit").update(quantity=D("0.008"))
    desk.engine.prices[BTC] = D(102_000)
    caplog.set_level("INFO")
    tasks.refit_target(str(position.pk))
    assert "stays as it is" in caplog.text
    assert refit_targets(timezone.now()) == 1
    assert Order.objects.filter(purpose="take_profit").count() == 1


def test_a_target_of_a_part_waits_in_the_plain_book(desk: Desk) -> None:
    position, _ = protected(desk)
    terms = Terms(OrderType.TAKE_PROFIT_MARKET, trigger_price=D(102_000))
    with pytest.raises(OrderRefused, match="all that is held"):
        place_order(position.pk, OrderPurpose.TAKE_PROFIT, D("0.004"), terms)


def test_nothing_is_modified_of_what_is_closing(desk: Desk) -> None:
    position, stop = protected(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
    for wish in ({"stop_loss": D(99_000)}, {"take_profit": D(102_000)}):
        with pytest.raises(OrderRefused, match="closing"):
            modify_order(stop.pk, **wish)


def test_one_sweep_tends_all_that_waits(desk: Desk, entry: Order) -> None:
    held = desk.filled("ETHUSDT")
    modify_order(desk.order(held, "entry").pk, take_profit=desk.engine.prices["ETHUSDT"] + 100)
    target = desk.submit(held, "take_profit")
    orders.submit(close_part(held.pk, D("0.4"), requested_by="owner"))
    modify_price(entry.pk, D(99_500))
    assert tend_waiting(timezone.now() + timedelta(seconds=2)) == 2
    assert Order.objects.get(pk=entry.pk).price == D(99_500)
    assert Order.objects.filter(purpose="take_profit").count() == 2
    Order.objects.filter(pk=entry.pk).update(expires_at=timezone.now())
    Order.objects.filter(pk=target.pk).update(status="canceled")
    tend_waiting(timezone.now())
    assert Order.objects.get(pk=entry.pk).status == "pending_cancel"
