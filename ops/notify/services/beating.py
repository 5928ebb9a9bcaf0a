"""When the outside watcher was called last, and why not."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from ops.models import Heartbeat
from ops.system_log import log_system_event

ONE_ROW = 1


@transaction.atomic
def was_silent(reason: str, now: datetime) -> None:
    """Told once, when it begins. What is not true is told by itself; this says that the outside hears nothing."""
    row = Heartbeat.objects.select_for_update().get_or_create(pk=ONE_ROW)[0]
    if row.silent_since is None:
        log_system_event("WARNING", __name__, f"the heartbeat is silent on purpose: {reason}")
    row.silent_since, row.reason = row.silent_since or now, reason
    row.save(update_fields=["silent_since", "reason"])


@transaction.atomic
def was_tried(error: str, now: datetime) -> None:
    row = Heartbeat.objects.select_for_update().get_or_create(pk=ONE_ROW)[0]
    row.tried_at, row.silent_since, row.reason = now, None, error
    row.sent_at = row.sent_at if error else now
    row.save(update_fields=["tried_at", "sent_at", "silent_since", "reason"])
