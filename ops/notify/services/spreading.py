"""What happened becomes messages: rows, one for each target that wants it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from ops.models import NotifyEvent, NotifyMessage, NotifyTarget
from ops.notify.decisions import SAID_AGAIN_AFTER, Delivery, Kind, Severity, wants
from ops.notify.texts import Notice, notices

AT_ONCE = 500
HISTORY_LASTS = timedelta(days=30)
FORGOTTEN_AT_ONCE = 1000


@transaction.atomic
def spread(now: datetime) -> int:
    """How many events became messages. Each goes in the transaction of its messages: none is lost, none is twice."""
    events = list(NotifyEvent.objects.select_for_update(skip_locked=True).order_by("pk")[:AT_ONCE])
    if events:
        targets = list(NotifyTarget.objects.filter(enabled=True).defer("address"))
        for event, notice in _told(events) if targets else ():
            for target in _who_wants(targets, notice):
                _add(target, notice, event.happened_at, now)
        NotifyEvent.objects.filter(pk__in=[event.pk for event in events]).delete()
    return len(events)


def _told(events: Sequence[NotifyEvent]) -> Iterable[tuple[NotifyEvent, Notice]]:
    keys: dict[Kind, list[str]] = defaultdict(list)
    for event in events:
        keys[Kind(event.kind)].append(event.subject_key)
    found = {kind: notices(kind, of_kind) for kind, of_kind in keys.items()}
    return [(event, found[Kind(event.kind)][event.subject_key]) for event in events]


def _who_wants(targets: Iterable[NotifyTarget], notice: Notice) -> Iterable[NotifyTarget]:
    return [
        one for one in targets if wants(one.kinds, Severity(one.least_severity), notice.kind, notice.severity)
    ]


def _add(target: NotifyTarget, notice: Notice, happened_at: datetime, now: datetime) -> None:
    """What was said a while ago, or still waits, is counted and not said again."""
    alike = NotifyMessage.objects.filter(target=target, same_as=notice.same_as)
    recent = alike.filter(Q(created_at__gt=now - SAID_AGAIN_AFTER) | Q(delivery=Delivery.WAITING))
    if (said := recent.exclude(delivery=Delivery.GIVEN_UP).order_by("-created_at").first()) is not None:
        NotifyMessage.objects.filter(pk=said.pk).update(count=F("count") + 1, last_at=happened_at)
    else:
        _create(target, notice, happened_at, now)


def _create(target: NotifyTarget, notice: Notice, happened_at: datetime, now: datetime) -> None:
    NotifyMessage.objects.create(
        target=target,
        kind=notice.kind,
        severity=notice.severity,
        same_as=notice.same_as,
        title=notice.title,
        body=notice.body,
        created_at=now,
        last_at=happened_at,
        next_attempt_at=now,
    )


@transaction.atomic
def sum_up(now: datetime) -> None:
    """What happened again while it was not said again is told once its pause is over: how often, and when last."""
    quiet = NotifyMessage.objects.filter(delivery=Delivery.SENT, created_at__lte=now - SAID_AGAIN_AFTER)
    for said in quiet.filter(told_count__lt=F("count")).select_for_update(skip_locked=True)[:AT_ONCE]:
        more = said.count - said.told_count
        NotifyMessage.objects.filter(pk=said.pk).update(told_count=said.count)
        NotifyMessage.objects.create(
            target_id=said.target_id,
            kind=said.kind,
            severity=said.severity,
            same_as=said.same_as,
            title=f"{more} more: {said.title}"[:200],
            body=f"the last one at {said.last_at:%Y-%m-%d %H:%M:%S} UTC\n{said.body}",
            created_at=now,
            last_at=said.last_at,
            next_attempt_at=now,
        )


def forget_old(now: datetime) -> None:
    old = NotifyMessage.objects.filter(created_at__lt=now - HISTORY_LASTS).exclude(delivery=Delivery.WAITING)
    NotifyMessage.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()
