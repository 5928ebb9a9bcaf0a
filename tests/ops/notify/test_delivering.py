"""Messages reach a real server through apprise; one that hangs holds up itself alone, and no address leaks."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from ops.models import NotifyMessage, NotifyTarget
from ops.notify import apprise_sender
from ops.notify.decisions import DEAD_AFTER_FAILURES, MOST_ATTEMPTS, Delivery, Severity
from ops.notify.notifier import Notifier
from ops.notify.services import delivering
from ops.system_log import writer
from positions.models import RiskEvent
from positions.services import events
from tests.ops.notify.receiver import TOKEN, Receiver
from tests.ops.waiting import until

pytestmark = pytest.mark.django_db


def a_target(address: str, name: str = "phone", **values: object) -> NotifyTarget:
    return NotifyTarget.objects.create(name=name, address=address, **values)


def a_message(target: NotifyTarget, title: str = "a title", **values: object) -> NotifyMessage:
    given = {"kind": "risk_event", "severity": "high", "same_as": title, "body": "a body"} | values
    return NotifyMessage.objects.create(target=target, title=title, **given)


def deliver(target: NotifyTarget, after: timedelta = timedelta(0)) -> None:
    delivering.deliver(target.pk, apprise_sender.send, lambda: timezone.now() + after)


def test_a_message_arrives_in_order_and_its_row_says_so(receiver: Receiver) -> None:
    target = a_target(receiver.address)
    first, second = a_message(target, "first", count=3), a_message(target, "second")
    deliver(target)
    assert receiver.titles == ["3 times: first", "second"]
    assert receiver.messages[0]["message"] == "a body"
    for message in (first, second):
        message.refresh_from_db()
    assert (first.delivery, first.told_count, second.attempts, second.error) == (Delivery.SENT, 3, 1, "")
    assert delivering.due_targets(timezone.now()) == []


def test_a_target_that_refuses_is_tried_ever_later_and_told_once(receiver: Receiver) -> None:
    target = a_target(receiver.address)
    receiver.status = 500
    message = a_message(target)
    a_message(target, "behind it")
    now = timezone.now()
    for _ in range(MOST_ATTEMPTS):
        target.refresh_from_db()
        at = max(now, target.paused_until or now)
        assert delivering.due_targets(at) == [target.pk]
        delivering.deliver(target.pk, apprise_sender.send, lambda at=at: at)
        assert delivering.due_targets(at) == []
    message.refresh_from_db()
    target.refresh_from_db()
    assert (message.delivery, message.attempts, message.error) == (
        Delivery.GIVEN_UP,
        MOST_ATTEMPTS,
        "it answered 500",
    )
    assert target.dead_since is not None
    told = RiskEvent.objects.get(event_type="notify_target_dead")
    assert (told.details["target"], told.details["failures"]) == ("phone", str(DEAD_AFTER_FAILURES))
    receiver.status = 200
    deliver(target, after=timedelta(hours=3))
    target.refresh_from_db()
    assert (receiver.titles, target.dead_since, target.failures) == (["behind it"], None, 0)


def test_quiet_hours_put_off_all_but_the_critical(receiver: Receiver) -> None:
    now = timezone.now().replace(hour=3, minute=0)
    target = a_target(receiver.address, quiet_from="01:00", quiet_until="06:30", time_zone="UTC")
    target.refresh_from_db()
    values = {"next_attempt_at": now, "created_at": now}
    quiet = a_message(target, "later", **values)
    a_message(target, "now", severity="critical", **values)
    delivering.deliver(target.pk, apprise_sender.send, lambda: now)
    quiet.refresh_from_db()
    assert (receiver.titles, quiet.attempts) == (["now"], 0)
    assert (quiet.next_attempt_at.hour, quiet.next_attempt_at.minute) == (6, 30)
    delivering.deliver(target.pk, apprise_sender.send, lambda: quiet.next_attempt_at)
    assert receiver.titles == ["now", "later"]


@pytest.mark.parametrize("address", ["nobody://knows/this", "json://127.0.0.1:1/" + TOKEN, "not an address"])
def test_what_cannot_be_sent_says_why_in_our_words(address: str) -> None:
    target = a_target(address)
    message = a_message(target)
    deliver(target)
    message.refresh_from_db()
    assert message.delivery == Delivery.WAITING
    assert message.error
    assert TOKEN not in message.error


def test_an_address_that_no_key_opens_is_told(receiver: Receiver) -> None:
    target = a_target(receiver.address)
    message = a_message(target)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notify_targets SET address = 'gAAAAA' || address")
    deliver(target)
    message.refresh_from_db()
    assert message.error == delivering.UNREADABLE


def test_a_test_goes_through_quiet_hours_and_pauses(receiver: Receiver) -> None:
    target = a_target(
        receiver.address, quiet_from="00:00", quiet_until="23:59", paused_until=timezone.now() + timedelta(1)
    )
    target.refresh_from_db()
    delivering.ask_for_a_test(target.pk, "ada")
    assert delivering.due_targets(timezone.now()) == [target.pk]
    deliver(target)
    assert receiver.titles == ["[PAPER] A test message"]


def _is_told(notifier: Notifier, receiver: Receiver, title: str) -> bool:
    """Steps as the process does, which tells also what others log meanwhile."""
    notifier.step()
    return title in receiver.titles


@pytest.mark.django_db(transaction=True)
def test_one_that_hangs_holds_up_neither_the_others_nor_whoever_trades(receiver: Receiver) -> None:
    hanging = Receiver()
    hanging.may_answer.clear()
    stuck = a_target(hanging.address, "stuck")
    a_target(receiver.address, "well")
    notifier = Notifier()
    try:
        began = time.monotonic()
        events.record("banned", "critical", account_id=None, reason="too many requests")
        recorded = time.monotonic() - began
        began = time.monotonic()
        notifier.step()
        stepped = time.monotonic() - began
        assert (recorded < 1, stepped < 2) == (True, True)
        until(lambda: _is_told(notifier, receiver, "[PAPER] banned"), "the other target to be told")
        until(lambda: hanging.calls == 1, "the one that hangs to be asked")
        notifier.step()
        assert hanging.calls == 1
        until(lambda: NotifyTarget.objects.get(name="well").last_sent_at, "its row to say so")
        assert NotifyTarget.objects.get(name="stuck").last_sent_at is None
    finally:
        hanging.close()
        notifier.wait(60)
    asked = NotifyMessage.objects.filter(target=stuck).earliest("pk")
    assert asked.delivery == Delivery.SENT  # it answered in the end
    connections.close_all()


def test_nobody_may_read_an_address(receiver: Receiver, admin_client, caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG)
    target = a_target(receiver.address)
    dead = a_target(f"json://127.0.0.1:1/{TOKEN}", "dead")
    shouting = a_target(f"json://{TOKEN}@127.0.0.1:1", "shouting")
    seen = []
    for one in (target, dead, shouting):
        a_message(one)
        for _ in range(DEAD_AFTER_FAILURES):
            deliver(one, after=timedelta(hours=_))

    def breaks(address: str, *_: object) -> str:
        raise ValueError(address)

    a_message(target, "breaks")
    delivering.deliver(target.pk, breaks)
    for path in ("", "notifytarget/", f"notifytarget/{target.pk}/change/", "notifymessage/", "systemlog/"):
        seen.append(admin_client.get(f"/admin/ops/{path}").content.decode())
    seen.append(admin_client.get("/health/panels/").content.decode())
    assert writer.flush(5)
    with connection.cursor() as cursor:
        for table in (
            "notify_targets",
            "notify_messages",
            "risk_events",
            "trail",
            "system_logs",
            "django_admin_log",
        ):
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")  # noqa: S608
            seen += [row for (row,) in cursor.fetchall()]
    seen += [caplog.text, *capfd.readouterr(), repr(target), str(target), repr(NotifyMessage.objects.first())]
    assert "breaks" in "".join(seen)
    assert TOKEN not in "".join(seen)


def test_an_admin_sets_up_a_target_and_tests_it(admin_client, receiver: Receiver) -> None:
    typed = {
        "name": "phone",
        "new_address": "no address",
        "least_severity": "low",
        "time_zone": "Mars/Base",
        "enabled": "on",
    }
    page = admin_client.post("/admin/ops/notifytarget/add/", typed).content.decode()
    assert "An address begins with" in page
    assert "no time zone" in page
    typed |= {
        "new_address": receiver.address,
        "time_zone": "Europe/Berlin",
        "kinds": ["risk_event"],
        "quiet_from": "22:00",
    }
    assert "Quiet hours need" in admin_client.post("/admin/ops/notifytarget/add/", typed).content.decode()
    typed |= {"quiet_until": "07:00"}
    assert admin_client.post("/admin/ops/notifytarget/add/", typed).status_code == 302
    target = NotifyTarget.objects.get()
    assert (target.address, target.kinds) == (receiver.address, ["risk_event"])
    page = admin_client.get(f"/admin/ops/notifytarget/{target.pk}/change/").content.decode()
    assert "It is kept, and not shown" in page
    admin_client.post(
        f"/admin/ops/notifytarget/{target.pk}/change/", typed | {"new_address": "", "name": "desk"}
    )
    target.refresh_from_db()
    assert (target.address, target.name) == (receiver.address, "desk")
    action = {"action": "send_a_test", "_selected_action": [target.pk]}
    assert (
        "on its way to desk"
        in admin_client.post("/admin/ops/notifytarget/", action, follow=True).content.decode()
    )
    deliver(target)
    assert receiver.titles == ["[PAPER] A test message"]


def test_what_was_given_up_may_be_tried_again(admin_client, receiver: Receiver) -> None:
    target = a_target(receiver.address)
    message = a_message(target, delivery="given_up", attempts=12)
    action = {"action": "try_again", "_selected_action": [message.pk]}
    assert (
        "1 messages are tried again"
        in admin_client.post("/admin/ops/notifymessage/", action, follow=True).content.decode()
    )
    deliver(target)
    assert receiver.titles == ["a title"]


def test_workers_do_not_import_what_sends_nor_workers_pages_or_the_market_what_forecasts() -> None:
    numbers = ("numpy", "bottleneck", "talib", "sklearn", "scipy")
    heavy = ("apprise", "prometheus_client", "structlog", "ops.notify.notifier", *numbers)
    code = (
        "import django; django.setup(); import sys, tradingbot.celery as c; c.app.loader.import_default_modules();"
        f"found = [name for name in {heavy!r} if name in sys.modules];"
        f"import tradingbot.urls, trailing.market; print(found + [name for name in {numbers!r} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("severity", Severity)
def test_every_severity_has_its_colour(severity: Severity, receiver: Receiver) -> None:
    assert apprise_sender.send(receiver.address, "t", "", severity) == ""
    assert receiver.messages[0]["message"] == "t"
