"""An acknowledgement is no proof that a stop stands: a listing, the stream, a look-up or an execution is."""

from __future__ import annotations

import importlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.utils import timezone

from exchanges.models import AccountWatch
from exchanges.paper.venue import now_ms
from exchanges.types import Book, ReportStatus
from positions.cover import was_just_refused
from positions.lifecycle import OrderPurpose
from positions.models import Order, Position, RiskEvent
from positions.services import lookups, orders, stop_refusals
from positions.services.reconciliation import reconcile_account
from positions.services.reports import apply_fill, apply_report
from tests.builders import an_order
from tests.positions.services.conftest import Desk
from tests.positions.services.conftest import desk as binance_desk  # noqa: F401
from tests.positions.services.test_acknowledged_first import (  # noqa: F401
    desk,
    fills_since,
    held,
    stop_row,
)


def stood(order: Order) -> bool:
    order.refresh_from_db()
    return order.stood_at is not None


def refused_later(desk: Desk, position: Position, stop: Order) -> None:  # noqa: F811
    told = stop_row(desk, position)
    apply_report(desk.account.pk, replace(told, status=ReportStatus.REJECTED, reason="EC_Others"))
    stop.refresh_from_db()
    assert (stop.status, stop.exchange_order_id, told.book) == ("rejected", told.exchange_order_id, Book.ALGO)


def taken(desk: Desk) -> int:  # noqa: F811
    return AccountWatch.objects.get(account=desk.account).stops_taken


def proven_long_ago() -> None:
    AccountWatch.objects.update(stops_taken_at=timezone.now() - timedelta(minutes=1))


# asked for again


def test_a_stop_refused_after_its_acknowledgement_is_asked_for_after_a_pause(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    refused_later(desk, position, desk.stop(position))
    assert was_just_refused(position, OrderPurpose.PROTECT)
    assert not orders.request_stop(position.pk, trigger_price=D(90_000))
    Order.objects.update(updated_at=timezone.now() - timedelta(seconds=2))
    assert orders.request_stop(position.pk, trigger_price=D(90_000))


def test_one_that_stood_is_replaced_at_once(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    reconcile_account(desk.account.pk)
    assert stood(stop), "the listing shows it"
    refused_later(desk, position, stop)
    assert not was_just_refused(position, OrderPurpose.PROTECT)
    assert orders.request_stop(position.pk, trigger_price=D(90_000))


def test_the_stop_it_was_to_replace_stays_until_it_stands(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    first = desk.stop(position, percent_away=3)
    reconcile_account(desk.account.pk)
    second = desk.stop(position)
    first.refresh_from_db()
    assert (first.status, second.status) == ("accepted", "accepted")
    refused_later(desk, position, second)
    first.refresh_from_db()
    position.refresh_from_db()
    assert (first.status, position.unprotected_since) == ("accepted", None), "it was never bare"
    Order.objects.filter(pk=second.pk).update(updated_at=timezone.now() - timedelta(seconds=2))
    third = desk.stop(position, percent_away=1)
    reconcile_account(desk.account.pk)
    first.refresh_from_db()
    assert (first.status, stood(third)) == ("pending_cancel", True)


# what proves it


def test_the_answer_of_a_venue_that_says_what_became_of_it_is_a_proof(binance_desk: Desk) -> None:  # noqa: F811
    assert stood(binance_desk.stop(binance_desk.filled()))


def test_an_acknowledgement_is_none_and_the_stream_and_a_look_up_are(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    assert (stop.status, stood(stop)) == ("accepted", False)
    told = stop_row(desk, position)
    apply_report(desk.account.pk, replace(told, is_acknowledgement=True))
    assert not stood(stop)
    apply_report(desk.account.pk, told)
    assert stood(stop)
    Order.objects.update(stood_at=None)
    lookups.resolve(stop.pk)
    assert stood(stop)


@pytest.mark.parametrize("told", ["its execution", "its row"])
def test_a_stop_that_fired_before_anybody_listed_it_has_stood(desk: Desk, told: str) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    desk.engine.set_price("BTCUSDT", stop.trigger_price - 10, now_ms())
    if told == "its row":
        lookups.resolve(stop.pk)
    else:
        [fill] = fills_since(desk, stop.created_at)
        apply_fill(desk.account.pk, fill)
    assert (stood(stop), stop.status) == (True, "filled")


def test_one_that_ended_before_anybody_listed_it_was_not_refused(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    apply_report(desk.account.pk, replace(stop_row(desk, position), status=ReportStatus.CANCELED))
    assert (stood(stop), stop.status) == (False, "canceled")
    assert not was_just_refused(position, OrderPurpose.PROTECT)


def test_a_listing_is_written_once(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    stop = desk.stop(position)
    reconcile_account(desk.account.pk)
    stop.refresh_from_db()
    first = stop.stood_at, stop.updated_at
    reconcile_account(desk.account.pk)
    stop.refresh_from_db()
    assert (stop.stood_at, stop.updated_at) == first
    assert not RiskEvent.objects.exists()


def test_rows_from_before_the_column_count_as_they_did(desk: Desk) -> None:  # noqa: F811
    answered = timezone.now() - timedelta(hours=1)
    known, late = ({"exchange_order_id": number, "status": "accepted"} for number in "78")
    stands = an_order(purpose="protect", answered_at=answered, **known)
    unanswered = an_order(stands.position, purpose="close", **late)
    refused = an_order(stands.position, purpose="reduce", status="rejected", answered_at=answered)
    upgrade = importlib.import_module("positions.migrations.0025_order_stood_at")
    with connection.cursor() as cursor:
        cursor.execute(upgrade.AS_ANSWERED)
    assert [stood(one) for one in (stands, unanswered, refused)] == [True, True, False]
    assert (stands.stood_at, unanswered.stood_at) == (answered, unanswered.updated_at)


# whether the venue takes stops


def test_a_standing_refusal_ends_by_stops_that_stand(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    stop_refusals.refused(desk.account.pk, "no stops today")
    for percent_away in (3, 2):
        desk.stop(position, percent_away)
        assert taken(desk) == 0, "an acknowledgement proves nothing"
    reconcile_account(desk.account.pk)
    assert taken(desk) == 1
    proven_long_ago()
    desk.stop(position, percent_away=1)
    reconcile_account(desk.account.pk)
    assert AccountWatch.objects.get(account=desk.account).stops_refused_since is None


def test_one_refused_after_its_acknowledgement_begins_the_proof_anew(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    stop_refusals.refused(desk.account.pk, "no stops today")
    desk.stop(position)
    reconcile_account(desk.account.pk)
    assert taken(desk) == 1
    proven_long_ago()
    refused_later(desk, position, desk.stop(position, percent_away=1))
    watch = AccountWatch.objects.get(account=desk.account)
    assert (watch.stops_taken, watch.stops_refused_reason) == (0, "no stops today")
    assert watch.stops_refused_since is not None


def test_a_stop_from_before_the_refusal_proves_nothing(desk: Desk) -> None:  # noqa: F811
    stop = desk.stop(held(desk))
    stop_refusals.refused(desk.account.pk, "no stops today")
    reconcile_account(desk.account.pk)
    assert (stood(stop), taken(desk)) == (True, 0)


def test_a_refusal_after_an_acknowledgement_begins_none(desk: Desk) -> None:  # noqa: F811
    position = held(desk)
    refused_later(desk, position, desk.stop(position))
    assert not AccountWatch.objects.filter(stops_refused_since__isnull=False).exists()
