"""The sender: a row reaches the exchange at most once, whatever is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from exchanges import session
from exchanges.errors import (
    AccountUnusable,
    ExchangeError,
    InsufficientMargin,
    NothingToReduce,
    NotSent,
    OrderNotFound,
    OutcomeUnknown,
)
from exchanges.models import ExchangeAccount, TradingState
from exchanges.paper.inprocess import InProcessClient
from exchanges.types import Book, OrderReport, OrderRequest, PositionSide
from positions.lifecycle import CloseReason
from positions.models import Order, Position, RiskEvent
from positions.services import lookups, orders
from positions.services.closing import request_close
from tests.builders import a_strategy
from tests.positions.services.conftest import Desk


class Trouble:
    """What the client of this process does before or instead of the exchange's work."""

    def __init__(self, desk: Desk, account: ExchangeAccount | None = None) -> None:
        self._account = account or desk.account

    def client(self) -> InProcessClient:
        return session.call(self._account, _itself)

    def answer_with(
        self, error: Exception, *, after_the_work: bool = False, method: str = "create_order"
    ) -> None:
        client = self.client()
        honest = getattr(type(client), method)

        async def troubled(*arguments: object, **named: object) -> object:
            if after_the_work:
                await honest(client, *arguments, **named)
            raise error

        setattr(client, method, troubled)

    def over(self) -> None:
        vars(self.client()).pop("create_order", None)
        vars(self.client()).pop("position_mode", None)


async def _itself(client: InProcessClient) -> InProcessClient:
    return client


@pytest.fixture
def trouble(desk: Desk) -> Trouble:
    return Trouble(desk)


def test_a_filled_entry_opens_the_position(desk: Desk) -> None:
    position = desk.filled()
    order = desk.order(position, "entry")
    assert (order.status, order.filled_quantity) == ("filled", D("0.010"))
    assert (position.status, position.quantity) == ("open", D("0.010"))
    assert position.average_entry_price == order.average_price
    assert position.unprotected_since is not None
    assert desk.held() == D("0.010")


def test_submitting_twice_sends_once(desk: Desk) -> None:
    position = desk.filled()
    orders.submit(desk.order(position, "entry").pk)
    assert desk.held() == D("0.010")
    assert desk.order(position, "entry").attempts == 1


@pytest.mark.django_db(transaction=True)
def test_ten_threads_send_one_order(desk: Desk) -> None:
    position = desk.open()
    order = desk.order(position, "entry")

    def send(_: int) -> None:
        orders.submit(order.pk)
        connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(send, range(10)))
    assert desk.held() == D("0.010")
    assert Order.objects.get().attempts == 1


def test_a_lost_answer_leaves_the_order_submitted_and_a_look_up_finds_it(
    desk: Desk, trouble: Trouble
) -> None:
    trouble.answer_with(OutcomeUnknown("no answer"), after_the_work=True)
    position = desk.open()
    assert desk.submit(position, "entry").status == "submitted"
    trouble.over()
    lookups.resolve(desk.order(position, "entry").pk)
    assert desk.order(position, "entry").status == "filled"
    assert desk.held() == D("0.010")


@pytest.mark.parametrize("error", [OutcomeUnknown("?"), RuntimeError("bug"), ExchangeError("odd")])
def test_whatever_is_not_a_clear_answer_is_unknown(desk: Desk, trouble: Trouble, error: Exception) -> None:
    trouble.answer_with(error)
    position = desk.open()
    assert desk.submit(position, "entry").status == "submitted"
    assert Position.objects.get().status == "opening"


def test_absence_is_final_only_after_the_request_would_be_refused_for_its_age(
    desk: Desk, trouble: Trouble
) -> None:
    trouble.answer_with(OutcomeUnknown("lost on the way"))
    position = desk.open()
    order = desk.submit(position, "entry")
    lookups.resolve(order.pk)
    assert desk.order(position, "entry").status == "submitted"
    Order.objects.update(submitted_at=timezone.now() - timedelta(seconds=60))
    lookups.resolve(order.pk)
    order.refresh_from_db()
    assert order.status == "rejected"
    assert order.reason.startswith("proven absent")
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")


def found_nothing(desk: Desk, trouble: Trouble, meanwhile: Callable[[], object]) -> None:
    """The next question finds nothing, and its answer comes after something else has happened."""

    async def late(symbol: str, client_order_id: str, book: Book) -> OrderReport:
        def elsewhere() -> None:
            meanwhile()
            connections.close_all()

        await sync_to_async(elsewhere)()
        raise OrderNotFound("no such order", code="-2013")

    trouble.client().find_order = late  # type: ignore[method-assign]


def test_a_late_answer_speaks_of_the_moment_it_was_asked_for(
    desk: Desk, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked before the window was over, answered after: the request may have arrived between."""
    trouble.answer_with(OutcomeUnknown("no answer yet"))
    position = desk.open()
    sent = desk.submit(position, "entry").submitted_at
    clock = [sent + timedelta(seconds=3)]
    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    found_nothing(desk, trouble, lambda: clock.insert(0, sent + timedelta(seconds=9)))
    lookups.resolve(desk.order(position, "entry").pk)
    assert desk.order(position, "entry").status == "submitted"
    lookups.resolve(desk.order(position, "entry").pk)
    assert desk.order(position, "entry").status == "rejected"


@pytest.mark.django_db(transaction=True)
def test_the_absence_of_one_try_says_nothing_of_the_next(desk: Desk, trouble: Trouble) -> None:
    """While the question is under way, the order is put back and goes out again."""
    trouble.answer_with(OutcomeUnknown("no answer"))
    position = desk.open()
    order = desk.submit(position, "entry")
    Order.objects.update(submitted_at=timezone.now() - timedelta(minutes=1))

    def out_again() -> None:
        Order.objects.update(status="initialized")
        orders.submit(order.pk)

    found_nothing(desk, trouble, out_again)
    lookups.resolve(order.pk)
    order.refresh_from_db()
    assert (order.status, order.attempts) == ("submitted", 2)


def test_a_worker_held_up_after_its_claim_does_not_send(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile a look-up may have proven that nothing arrived."""
    position = desk.open()
    monkeypatch.setattr(orders, "CLAIM_LIFETIME", timedelta(0))
    order = desk.submit(position, "entry")
    assert (order.status, order.reason) == ("initialized", "held up between claim and request")
    assert desk.held() == 0
    monkeypatch.undo()
    Order.objects.update(next_attempt_at=timezone.now())
    assert desk.submit(position, "entry").status == "filled"


def test_not_sent_puts_the_row_back_and_it_goes_out_later(desk: Desk, trouble: Trouble) -> None:
    trouble.answer_with(NotSent("429", code="-1003", retry_after=9))
    position = desk.open()
    order = desk.submit(position, "entry")
    assert order.status == "initialized"
    assert order.next_attempt_at > timezone.now() + timedelta(seconds=5)
    trouble.over()
    orders.submit(order.pk)
    assert desk.held() == 0, "its time has not come"
    assert orders.submit_due(timezone.now()) == 0
    Order.objects.update(next_attempt_at=timezone.now())
    assert orders.submit_due(timezone.now()) == 1
    assert desk.held() == D("0.010")


def test_a_row_whose_hint_was_lost_is_found(desk: Desk) -> None:
    desk.open()
    assert orders.submit_due(timezone.now()) == 0, "its hint still has a moment"
    assert orders.submit_due(timezone.now() + timedelta(seconds=2)) == 1
    assert desk.held() == D("0.010")


def test_a_stop_and_a_close_go_out_before_entries_that_waited_longer(desk: Desk) -> None:
    bare, unwanted = desk.filled(), desk.filled("ETHUSDT")
    desk.open("SOLUSDT")
    request_close(unwanted.pk, reason=CloseReason.MANUAL, requested_by="test")
    orders.request_stop(bare.pk, trigger_price=D(90_000))
    then = timezone.now() + timedelta(seconds=2)
    Order.objects.filter(purpose="entry").update(created_at=then - timedelta(seconds=20))
    assert orders.submit_due(then) == 3
    sent = Order.objects.order_by("submitted_at").values_list("purpose", flat=True)
    assert list(sent)[2:] == ["close", "protect", "entry"]


def test_one_row_that_breaks_its_sweep_keeps_no_other_from_it(desk: Desk, trouble: Trouble) -> None:
    honest = trouble.client().create_order

    async def unreadable(request: OrderRequest) -> OrderReport:
        report = await honest(request)
        return report if request.symbol.startswith("BTC") else replace(report, status="odd")  # type: ignore[arg-type]

    trouble.client().create_order = unreadable  # type: ignore[method-assign]
    broken, other = desk.open("ETHUSDT"), desk.open()
    assert orders.submit_due(timezone.now() + timedelta(seconds=2)) == 2
    assert desk.order(other, "entry").status == "filled"
    assert desk.order(broken, "entry").status == "submitted", "a look-up will tell"


def test_an_old_entry_is_not_sent_into_another_market(desk: Desk) -> None:
    position = desk.open()
    Order.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert desk.submit(position, "entry").status == "rejected"
    position.refresh_from_db()
    assert position.close_reason == "never_opened"
    assert desk.held() == 0


def test_what_held_an_old_entry_back_is_still_told(desk: Desk, trouble: Trouble) -> None:
    trouble.answer_with(NotSent("the budget is used up", retry_after=0))
    position = desk.open()
    desk.submit(position, "entry")
    Order.objects.update(created_at=timezone.now() - timedelta(minutes=5), next_attempt_at=None)
    assert desk.submit(position, "entry").reason.endswith("last try: the budget is used up")


def test_a_refused_entry_ends_the_position_and_tells(desk: Desk, trouble: Trouble) -> None:
    trouble.answer_with(InsufficientMargin("Margin is insufficient.", code="-2019"))
    position = desk.open()
    order = desk.submit(position, "entry")
    assert (order.status, order.reason) == ("rejected", "-2019 Margin is insufficient.")
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")
    assert RiskEvent.objects.get(event_type="order_refused").details["reason"].startswith("-2019")


def test_the_real_engine_refuses_what_no_margin_covers(desk: Desk) -> None:
    type(desk.strategy).objects.update(notional=29000, leverage=1)
    position = desk.open()
    assert "Margin is insufficient" in desk.submit(position, "entry").reason


def test_a_refused_key_halts_the_account_and_the_waiting_entries(desk: Desk, trouble: Trouble) -> None:
    waiting = desk.open("ETHUSDT")
    trouble.answer_with(AccountUnusable("Invalid API-key", code="-2015"))
    desk.submit(desk.open(), "entry")
    desk.account.refresh_from_db()
    assert desk.account.trading_state == TradingState.HALTED
    waiting.refresh_from_db()
    assert (waiting.status, desk.order(waiting, "entry").status) == ("closed", "denied")
    assert not Position.objects.filter(is_live=True).exists()


def test_an_exit_of_a_halted_account_waits_and_is_tried_again(desk: Desk, trouble: Trouble) -> None:
    position = desk.filled()
    trouble.answer_with(AccountUnusable("banned", code="418"))
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    order = desk.submit(position, "close")
    assert order.status == "initialized"
    assert order.next_attempt_at is not None
    trouble.over()
    Order.objects.filter(pk=order.pk).update(next_attempt_at=timezone.now())
    orders.submit_due(timezone.now())
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "manual")


def test_leverage_is_set_before_the_entry_and_a_failure_there_sends_nothing(
    desk: Desk, trouble: Trouble
) -> None:
    trouble.answer_with(OutcomeUnknown("no answer"), method="position_mode")
    position = desk.open()
    order = desk.submit(position, "entry")
    assert order.status == "initialized"
    assert desk.held() == 0
    trouble.over()
    Order.objects.update(next_attempt_at=timezone.now())
    desk.submit(position, "entry")
    assert desk.engine.account(desk.paper_name).leverage["BTCUSDT"] == desk.strategy.leverage
    assert desk.held() == D("0.010")


def closed(desk: Desk, position: Position) -> None:
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    desk.submit(position, "close")


def test_an_entry_after_one_with_another_leverage_sets_its_own(desk: Desk) -> None:
    closed(desk, desk.filled())
    other = a_strategy(desk.account, notional=D(1000), leverage=desk.strategy.leverage + 3)
    second = Desk(desk.engine, other)
    short = second.filled(side=PositionSide.SHORT)
    leverage = desk.engine.account(desk.paper_name).leverage
    assert leverage["BTCUSDT"] == other.leverage
    closed(second, short)
    desk.filled()
    assert leverage["BTCUSDT"] == desk.strategy.leverage


def test_a_stop_already_crossed_closes_at_market(desk: Desk) -> None:
    position = desk.filled()
    assert orders.request_stop(position.pk, trigger_price=desk.engine.prices["BTCUSDT"] + 100)
    assert desk.submit(position, "protect").status == "rejected"
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closing", "stop_loss")
    desk.submit(position, "close")
    position.refresh_from_db()
    assert position.status == "closed"
    assert desk.held() == 0


def test_nothing_to_reduce_reopens_and_asks_for_reconciliation(desk: Desk, trouble: Trouble) -> None:
    position = desk.filled()
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    trouble.answer_with(NothingToReduce("ReduceOnly Order is rejected.", code="-2022"))
    desk.submit(position, "close")
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("open", "manual")
    assert RiskEvent.objects.filter(event_type="close_refused").exists()


def test_a_stop_for_a_position_that_is_not_open_is_not_made(desk: Desk) -> None:
    position = desk.open()
    assert orders.request_stop(position.pk, trigger_price=D(90000)) == []


def test_only_one_stop_is_under_way(desk: Desk) -> None:
    position = desk.filled()
    assert len(orders.request_stop(position.pk, trigger_price=D(90000))) == 1
    assert orders.request_stop(position.pk, trigger_price=D(91000)) == []


def test_an_entry_leaves_within_a_second_of_the_last_question_or_not_at_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was frozen in between may have slept over a halt."""
    moments: list[datetime] = []

    @contextmanager
    def noted(moment: datetime) -> Iterator[None]:
        moments.append(moment)
        yield

    monkeypatch.setattr(orders, "leaving_before", noted)
    position = desk.open()
    before = timezone.now()
    desk.submit(position, "entry")
    desk.stop(position)
    entry, stop = moments
    assert before < entry < timezone.now() + timedelta(seconds=1)
    assert stop > before + timedelta(seconds=2)


def test_an_entry_that_cannot_leave_before_it_is_too_old_frees_its_leg(desk: Desk, trouble: Trouble) -> None:
    """A ban of ten minutes: nobody waits for it to be found too old."""
    trouble.answer_with(NotSent("banned", retry_after=600))
    position = desk.open()
    order = desk.submit(position, "entry")
    assert (order.status, order.reason.startswith("banned; too old")) == ("rejected", True)
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")
