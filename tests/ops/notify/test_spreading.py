"""What happened becomes a message in the same way whoever wrote it, once, and never in the way of what happened."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from exchanges.models import StateChange
from ops.models import NotifyEvent, NotifyMessage, NotifyTarget, SystemLog
from ops.notify.decisions import SAID_AGAIN_AFTER, Delivery
from ops.notify.services import spreading
from positions.models import Position, RiskEvent
from positions.services import events
from tests.builders import a_position, an_account

pytestmark = pytest.mark.django_db


def a_target(name: str = "phone", **values: object) -> NotifyTarget:
    return NotifyTarget.objects.create(name=name, address="json://127.0.0.1:9", **values)


def spread() -> list[str]:
    spreading.spread(timezone.now())
    return list(NotifyMessage.objects.order_by("pk").values_list("title", flat=True))


def test_each_kind_of_event_is_told() -> None:
    a_target(least_severity="low")
    account = an_account(name="main")
    position = a_position(account=account, status="opening")
    NotifyEvent.objects.all().delete()
    position.status, position.opened_at, position.quantity = "open", timezone.now(), 1
    position.save(update_fields=["status", "opened_at", "quantity"])
    with connection.cursor() as cursor:  # as somebody in psql would
        cursor.execute(
            "UPDATE positions SET status = 'closed', quantity = 0, close_reason = 'stop_loss', closed_at = now()"
        )
    events.record("stops_refused", "critical", account_id=account.pk, reason="no stops today")
    SystemLog.objects.create(level="ERROR", module="ops", message="it broke", created_at=timezone.now())
    SystemLog.objects.create(level="WARNING", module="ops", message="it creaks", created_at=timezone.now())
    StateChange.objects.create(
        account=account,
        from_state="active",
        to_state="halted",
        reason="enough",
        cause="person",
        epoch=1,
        at=timezone.now(),
    )
    told = spread()
    assert len(told) == 5
    assert "opened" in told[0]
    assert "closed" in told[1]
    assert told[2:] == [
        "[PAPER] stops refused, main",
        "[PAPER] ops: it broke",
        "[PAPER] main: active → halted",
    ]
    assert NotifyEvent.objects.count() == 0
    assert "no stops today" in NotifyMessage.objects.get(title=told[2]).body


def test_what_is_rolled_back_is_not_told_and_what_is_history_neither() -> None:
    a_target(least_severity="low")
    with transaction.atomic():
        events.record("banned", "critical", account_id=None)
        transaction.set_rollback(True)
    RiskEvent.objects.create(
        event_type="legacy_opened", risk_level="high", created_at=timezone.now() - timedelta(days=9)
    )
    a_position(status="opening")
    Position.objects.update(status="closed", close_reason="entry_failed", closed_at=timezone.now())
    assert spread() == []


def test_only_who_wants_it_is_told_and_nobody_is_no_trouble() -> None:
    events.record("banned", "critical", account_id=None)
    assert spread() == []  # nobody was set up
    a_target("all")
    a_target("positions", kinds=["position_closed"])
    a_target("off", enabled=False)
    events.record("banned", "critical", account_id=None)
    events.record("level_waits", "low", account_id=None)
    spread()
    assert [one.target.name for one in NotifyMessage.objects.all()] == ["all"]


def test_the_same_is_counted_and_summed_up_later() -> None:
    a_target()
    for number in range(5):
        events.record("order_refused", "high", account_id=None, reason=f"margin {number}")
        spread()
    message = NotifyMessage.objects.get()
    assert (message.count, message.told_count) == (5, 0)
    NotifyMessage.objects.update(delivery=Delivery.SENT, told_count=1)
    now = timezone.now()
    spreading.sum_up(now)
    assert NotifyMessage.objects.count() == 1  # not yet
    spreading.sum_up(now + SAID_AGAIN_AFTER)
    spreading.sum_up(now + SAID_AGAIN_AFTER)
    assert [one.title for one in NotifyMessage.objects.order_by("pk")][1:] == [
        "4 more: [PAPER] order refused"
    ]
    spreading.spread(now)
    events.record("order_refused", "high", account_id=None)
    spread()
    assert NotifyMessage.objects.count() == 2


def test_a_secret_in_an_event_is_in_no_message() -> None:
    a_target()
    secret = "api_secret=0123456789abcdef0123456789abcdef0123456789abcdef"
    events.record("order_refused", "high", account_id=None, reason=f"refused with {secret}")
    spread()
    assert "0123456789abcdef" not in NotifyMessage.objects.get().body


def test_old_history_goes_and_what_waits_stays() -> None:
    target, old = a_target(), timezone.now() - timedelta(days=40)
    for delivery in Delivery:
        NotifyMessage.objects.create(
            target=target,
            kind="test",
            severity="high",
            same_as="x",
            title="x",
            delivery=delivery,
            created_at=old,
        )
    spreading.forget_old(timezone.now())
    assert NotifyMessage.objects.get().delivery == Delivery.WAITING
