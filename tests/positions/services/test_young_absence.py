"""A venue that only acknowledges: what it does not know a moment later may still come, what it never knows is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from exchanges.errors import OrderNotFound, OutcomeUnknown
from exchanges.models import AccountWatch
from exchanges.paper.venue import now_ms
from exchanges.types import OrderReport, OrderType
from positions.lifecycle import CloseReason
from positions.models import Order, Position
from positions.services import amending, halting, insisting, lookups, orders
from positions.services.closing import request_close
from positions.services.opening import open_position
from positions.services.reconciliation import reconcile_account
from positions.terms import Terms
from tests.positions.services.conftest import Desk
from tests.positions.services.test_acknowledged_first import desk, held  # noqa: F401
from tests.positions.services.test_orders import Trouble

NOT_THERE = OrderNotFound("The venue knows no such order.")


class Hidden:
    """Acknowledged, and in no list yet."""

    def __init__(self, desk: Desk) -> None:  # noqa: F811
        self._client = Trouble(desk).client()
        for method in ("find_order", "cancel_order"):
            Trouble(desk).answer_with(NOT_THERE, method=method)

        async def nothing() -> list[OrderReport]:
            return []

        self._client.open_orders = nothing

    def shown(self) -> None:
        for method in ("find_order", "cancel_order", "open_orders"):
            vars(self._client).pop(method, None)


@pytest.fixture
def hide(desk: Desk) -> Iterator[Callable[[], Hidden]]:  # noqa: F811
    made: list[Hidden] = []

    def begin() -> Hidden:
        made.append(Hidden(desk))
        return made[-1]

    yield begin
    for one in made:
        one.shown()


def a_limit(desk: Desk) -> Order:  # noqa: F811
    price = desk.engine.prices["BTCUSDT"] - 1000
    outcome = open_position(desk.propose(entry=Terms(OrderType.LIMIT, price=price)))
    return desk.submit(Position.objects.get(pk=outcome.position_id), "entry")


def known_for(**long: int) -> None:
    past = timezone.now() - timedelta(**long)
    Order.objects.update(updated_at=past, created_at=past, submitted_at=past, answered_at=past)


def compared_later(desk: Desk) -> None:  # noqa: F811
    watch = AccountWatch.objects.get(account=desk.account)
    before = (timezone.now() - timedelta(seconds=6)).isoformat()
    AccountWatch.objects.update(lost_orders=dict.fromkeys(watch.lost_orders, before))
    reconcile_account(desk.account.pk)


def test_a_stop_acknowledged_a_moment_ago_is_not_lost(desk: Desk, hide) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    hide()
    reconcile_account(desk.account.pk)
    compared_later(desk)
    stop.refresh_from_db()
    assert stop.status == "accepted"


def test_an_older_one_is_lost_by_the_second_comparison_that_misses_it(desk: Desk, hide) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    hide()
    known_for(minutes=2)
    reconcile_account(desk.account.pk)
    stop.refresh_from_db()
    assert stop.status == "accepted", "one answer is none"
    compared_later(desk)
    stop.refresh_from_db()
    assert stop.status == "expired"


def test_one_that_is_listed_again_in_between_begins_anew(desk: Desk, hide) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    known_for(minutes=2)
    hidden = hide()
    reconcile_account(desk.account.pk)
    hidden.shown()
    compared_later(desk)
    assert AccountWatch.objects.get(account=desk.account).lost_orders == {}
    hide()
    reconcile_account(desk.account.pk)
    stop.refresh_from_db()
    assert stop.status == "accepted"


def test_a_limit_entry_that_comes_late_is_ours_when_it_fills(desk: Desk, hide) -> None:  # noqa: F811
    entry = a_limit(desk)
    hidden = hide()
    reconcile_account(desk.account.pk)
    compared_later(desk)
    hidden.shown()
    desk.engine.set_price("BTCUSDT", entry.price - 1, now_ms())
    lookups.resolve(entry.pk)
    position = Position.objects.get()
    assert (position.status, position.quantity) == ("open", desk.held())


def test_a_cancel_that_overtakes_its_order_comes_again(desk: Desk, hide) -> None:  # noqa: F811
    entry = a_limit(desk)
    hidden = hide()
    halting.halt(desk.account.pk, "storm", "ada")
    lookups.cancel(entry.pk)
    entry.refresh_from_db()
    assert entry.status == "pending_cancel"
    hidden.shown()
    later = timezone.now() - lookups.CANCEL_AGAIN_AFTER
    Order.objects.update(cancel_sent_at=later)
    lookups.resolve_unknown(timezone.now())
    desk.engine.set_price("BTCUSDT", entry.price - 1, now_ms())
    entry.refresh_from_db()
    assert (entry.status, desk.held()) == ("canceled", D(0))


def test_an_older_one_that_the_cancel_does_not_find_is_canceled(desk: Desk, hide) -> None:  # noqa: F811
    entry = a_limit(desk)
    hide()
    halting.halt(desk.account.pk, "storm", "ada")
    known_for(minutes=2)
    lookups.cancel(entry.pk)
    entry.refresh_from_db()
    assert entry.status == "canceled"


def test_a_price_wished_for_before_the_order_is_listed_waits(desk: Desk, hide) -> None:  # noqa: F811
    entry = a_limit(desk)
    wanted = entry.price - 10
    amending.modify_price(entry.pk, wanted)
    Trouble(desk).answer_with(NOT_THERE, method="amend_order")
    hide()
    amending.amend(entry.pk)
    entry.refresh_from_db()
    assert (entry.status, entry.wanted_price) == ("accepted", wanted)
    known_for(minutes=2)
    amending.amend_due(timezone.now() + timedelta(seconds=3))
    entry.refresh_from_db()
    assert (entry.status, entry.wanted_price) == ("canceled", None)


def dropped(desk: Desk, order: Order) -> None:  # noqa: F811
    """Acknowledged, and lost behind the gateway."""
    client = Trouble(desk).client()
    client._placed = lambda request: 987654
    orders.submit(order.pk)
    del client._placed
    order.refresh_from_db()
    assert order.status == "accepted"


def test_a_close_that_nobody_knows_any_more_is_asked_for_again(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    first = desk.order(position, "close")
    dropped(desk, first)
    known_for(seconds=50)
    lookups.resolve_unknown(timezone.now())
    first.refresh_from_db()
    assert first.status == "accepted"
    known_for(minutes=2)
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="find_order")
    lookups.resolve_unknown(timezone.now())
    first.refresh_from_db()
    assert first.status == "accepted", "an unanswered question says nothing"
    del Trouble(desk).client().find_order
    lookups.resolve_unknown(timezone.now())
    first.refresh_from_db()
    assert first.status == "expired"
    insisting.close_again(timezone.now())
    assert desk.submit(position, "close").pk != first.pk
    assert desk.held() == 0


def test_an_entry_that_nobody_knows_any_more_never_opened(desk: Desk) -> None:  # noqa: F811
    position = desk.open()
    dropped(desk, desk.order(position, "entry"))
    known_for(minutes=2)
    lookups.resolve_unknown(timezone.now())
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closed", "never_opened")


def test_its_position_is_compared_again_although_nobody_answers_for_it(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    dropped(desk, desk.order(position, "close"))
    desk.engine.place(
        desk.paper_name, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=D("0.004"), position_side="LONG",
        client_order_id="by-hand", now_ms=now_ms(),
    )  # fmt: skip
    desk.engine.match_acknowledged(now_ms())
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="find_order")
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="fills")
    reconcile_account(desk.account.pk)
    assert AccountWatch.objects.get().differences_open == 0, "it may still be at work"
    known_for(minutes=2)
    reconcile_account(desk.account.pk)
    assert AccountWatch.objects.get().differences_open == 1
