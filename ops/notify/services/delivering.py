"""The one sender of messages: claim, commit, then ask. Killed in between, a message comes again: twice is better than
never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from exchanges.secrets import SecretUnreadable
from ops.models import NotifyMessage, NotifyTarget
from ops.notify import decisions
from ops.notify.decisions import Delivery, Kind, Severity
from ops.notify.texts import made
from ops.system_log import log_system_event
from positions.services import events

# address, title, body, severity -> why it was not taken, or nothing
Send = Callable[[str, str, str, Severity], str]
IN_ONE_TURN = 20
LOOKED_AT = 100
UNREADABLE = "no key in FIELD_KEYS opens its address"


def due_targets(now: datetime) -> list[int]:
    messages = NotifyMessage.objects.filter(delivery=Delivery.WAITING, next_attempt_at__lte=now)
    awake = Q(target__paused_until=None) | Q(target__paused_until__lte=now)
    due = messages.filter(awake, target__enabled=True)
    return list(due.values_list("target", flat=True).distinct().order_by("target"))


def deliver(target_id: int, send: Send, now: Callable[[], datetime] = timezone.now) -> None:
    """Messages of one target in their order, until one is not taken: the rest would wait for the same."""
    for _ in range(IN_ONE_TURN):
        message = _claim(target_id, now())
        if message is None or not _try(message, send, now):
            return


@transaction.atomic
def _claim(target_id: int, now: datetime) -> NotifyMessage | None:
    """None: there is nothing to send now. Quiet hours put off, what is too old is given up."""
    hours = NotifyTarget.objects.defer("address").get(pk=target_id).quiet_hours
    waiting = NotifyMessage.objects.filter(target=target_id, delivery=Delivery.WAITING)
    due = waiting.filter(next_attempt_at__lte=now).order_by("pk")
    for message in due.select_for_update(skip_locked=True)[:LOOKED_AT]:
        if decisions.is_given_up(message.attempts, message.created_at, now):
            _give_up(message)
        elif until := decisions.quiet_until(hours, Severity(message.severity), now):
            NotifyMessage.objects.filter(pk=message.pk).update(next_attempt_at=until)
        else:
            message.attempts += 1
            message.next_attempt_at = now + decisions.pause_after(message.attempts)
            message.save(update_fields=["attempts", "next_attempt_at"])
            return message
    return None


def _give_up(message: NotifyMessage) -> None:
    message.delivery = Delivery.GIVEN_UP
    message.save(update_fields=["delivery"])


def _try(message: NotifyMessage, send: Send, now: Callable[[], datetime]) -> bool:
    try:
        address = NotifyTarget.objects.only("address").get(pk=message.target_id).address
        error = send(address, _title(message), message.body, Severity(message.severity))
    except SecretUnreadable:
        error = UNREADABLE
    except Exception as raised:  # its text may hold the address
        error = f"the sender broke ({type(raised).__name__})"
    if error:
        failed(message.pk, error, now())
    else:
        _sent(message, now())
    return not error


def _title(message: NotifyMessage) -> str:
    return f"{message.count} times: {message.title}" if message.count > 1 else message.title


@transaction.atomic
def _sent(message: NotifyMessage, now: datetime) -> None:
    NotifyMessage.objects.filter(pk=message.pk).update(
        delivery=Delivery.SENT, sent_at=now, told_count=message.count, error=""
    )
    target = NotifyTarget.objects.select_for_update().defer("address").get(pk=message.target_id)
    if target.dead_since is not None:
        log_system_event("INFO", __name__, f"notification target {target.name} takes messages again")
    target.failures, target.paused_until, target.dead_since, target.last_sent_at = 0, None, None, now
    target.save(update_fields=["failures", "paused_until", "dead_since", "last_sent_at"])


@transaction.atomic
def failed(message_id: int, error: str, now: datetime) -> None:
    """A target that takes nothing five times in a row is a risk event, once until it takes something."""
    message = NotifyMessage.objects.select_for_update().get(pk=message_id)
    if message.delivery != Delivery.WAITING:
        return
    NotifyMessage.objects.filter(pk=message_id).update(error=error[:200])
    if decisions.is_given_up(message.attempts, message.created_at, now):
        _give_up(message)
    target = NotifyTarget.objects.select_for_update().defer("address").get(pk=message.target_id)
    target.failures += 1
    target.paused_until = now + decisions.pause_after(target.failures)
    if target.dead_since is None and target.failures >= decisions.DEAD_AFTER_FAILURES:
        target.dead_since = now
        events.record(
            "notify_target_dead",
            "high",
            account_id=None,
            target=target.name,
            failures=target.failures,
            error=error,
        )
    target.save(update_fields=["failures", "paused_until", "dead_since"])


def ask_for_a_test(target_id: int, by: str) -> None:
    """Also in quiet hours, and at once, however long the target was silent."""
    now = timezone.now()
    notice = made(
        Kind.TEST, Severity.CRITICAL, f"{target_id} {now.isoformat()}", "A test message", f"asked for by {by}"
    )
    NotifyTarget.objects.filter(pk=target_id).update(paused_until=None)
    NotifyMessage.objects.create(
        target_id=target_id, kind=notice.kind, severity=notice.severity, same_as=notice.same_as,
        title=notice.title, body=notice.body, created_at=now, last_at=now, next_attempt_at=now,
    )  # fmt: skip


def try_again(message_ids: list[int]) -> int:
    """What was given up is tried as if it were new."""
    given_up = NotifyMessage.objects.filter(pk__in=message_ids, delivery=Delivery.GIVEN_UP)
    now = timezone.now()
    return given_up.update(delivery=Delivery.WAITING, attempts=0, created_at=now, next_attempt_at=now)
