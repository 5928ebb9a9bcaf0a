"""Corners of the money paths: what comes late, twice or not at all."""

from __future__ import annotations

import os
from decimal import Decimal as D

from exchanges.errors import NotSent, OutcomeUnknown, WouldTriggerImmediately
from exchanges.types import ReportStatus, Side
from positions.lifecycle import CloseReason
from positions.models import Order, RiskEvent
from positions.services import denials, halting, lookups
from positions.services.closing import request_close
from positions.services.instruments import refresh_instruments
from positions.services.reports import apply_fill, apply_report
from tests.forking import run
from tests.positions.services.conftest import Desk
from tests.positions.services.test_orders import Trouble
from tests.positions.services.test_reports import fill, report


def test_an_entry_merely_accepted_opens_nothing(desk: Desk) -> None:
    position = desk.open()
    Order.objects.update(status="submitted")
    apply_report(desk.account.pk, report(Order.objects.get(), ReportStatus.OPEN))
    position.refresh_from_db()
    assert (position.status, Order.objects.get().status) == ("opening", "accepted")


def test_an_entry_that_goes_on_filling_while_closing_makes_no_second_close(desk: Desk) -> None:
    position = desk.open()
    Order.objects.update(status="submitted")
    entry = Order.objects.get()
    apply_report(desk.account.pk, report(entry, ReportStatus.PARTIALLY_FILLED, "0.004"))
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="x")
    entry.refresh_from_db()
    assert entry.status == "pending_cancel", "the rest of the entry is called off"
    apply_report(desk.account.pk, report(entry, ReportStatus.PARTIALLY_FILLED, "0.006"))
    assert [o.quantity for o in Order.objects.filter(purpose="close")] == [D("0.004")]
    close = desk.order(position, "close")
    Order.objects.filter(pk=close.pk).update(status="submitted")
    sold = fill(close, "0.004", "50", side=Side.SELL, exchange_order_id="")
    apply_fill(desk.account.pk, sold)
    assert [o.quantity for o in Order.objects.filter(purpose="close").order_by("generation")] == [
        D("0.004"),
        D("0.002"),
    ], "what arrived later is closed by a further order"


def test_a_close_that_is_merely_accepted_waits(desk: Desk) -> None:
    position = desk.filled()
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="x")
    close = desk.order(position, "close")
    Order.objects.filter(pk=close.pk).update(status="submitted")
    apply_report(desk.account.pk, report(close, ReportStatus.OPEN))
    position.refresh_from_db()
    assert position.status == "closing"


def test_a_report_that_was_faster_than_the_refusal_wins(desk: Desk) -> None:
    position = desk.filled()
    entry = desk.order(position, "entry")
    assert not denials.refuse(entry, "too late")
    denials.stop_already_crossed(entry, "too late")
    entry.refresh_from_db()
    position.refresh_from_db()
    assert (entry.status, position.status) == ("filled", "open")


def test_a_crossed_trigger_of_another_purpose_is_a_plain_refusal(desk: Desk) -> None:
    Trouble(desk).answer_with(WouldTriggerImmediately("Order would immediately trigger.", code="-2021"))
    position = desk.open()
    assert desk.submit(position, "entry").status == "rejected"
    position.refresh_from_db()
    assert position.close_reason == "never_opened"


def test_halting_twice_tells_once(desk: Desk) -> None:
    halting.halt(desk.account.pk, "key refused")
    halting.halt(desk.account.pk, "key refused again")
    assert RiskEvent.objects.filter(event_type="account_halted").count() == 1


def test_a_not_sent_that_a_report_contradicts_stays_sent(desk: Desk) -> None:
    """The venue said 'not executed', its stream says otherwise: the evidence wins."""
    position = desk.open()
    Trouble(desk).answer_with(NotSent("429", retry_after=0.0), after_the_work=True)
    order = desk.submit(position, "entry")
    assert order.status == "initialized"
    apply_report(desk.account.pk, report(order, ReportStatus.FILLED, "0.010"))
    position.refresh_from_db()
    order.refresh_from_db()
    assert (order.status, position.status) == ("filled", "open")


def test_contracts_that_cannot_be_listed_are_asked_for_later(desk: Desk, caplog) -> None:
    Trouble(desk).answer_with(OutcomeUnknown("no answer"), method="instruments")
    assert refresh_instruments() == 0
    assert "could not be loaded" in caplog.text


def test_an_order_that_breaks_the_sweep_does_not_stop_it(desk: Desk, caplog) -> None:
    desk.filled()
    Order.objects.update(status="submitted")
    Trouble(desk).answer_with(RuntimeError("bug"), method="find_order")
    assert lookups.resolve_unknown(Order.objects.get().updated_at.replace(year=2030)) == 1
    assert "the next sweep tries again" in caplog.text


HINT = """
import django
django.setup()
from positions.services import outbox
outbox.hint("positions.tasks.submit_order", 1, queue="orders")
print("alive")
"""


def test_a_hint_that_cannot_be_sent_loses_nothing() -> None:
    """No broker listens: the caller goes on, and the row is there for the sweep."""
    given = {"REDIS_URL": "redis://127.0.0.1:1/0", "DJANGO_SETTINGS_MODULE": "tradingbot.settings"}
    told = run(["-c", HINT], os.environ | given)
    assert (told.returncode, told.stdout.strip()) == (0, "alive")
    assert "the sweep will find it" in told.stderr
