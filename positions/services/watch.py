"""What is known of how well an account is heard: rows for health, never a reason to trade."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from exchanges.models import AccountWatch


def connected(account_id: int) -> None:
    _note(account_id, stream_connected_at=timezone.now(), stream_failures=0, stream_error="")


def heard(account_id: int, told_at: datetime | None) -> None:
    """`told_at` is the exchange's time of the event."""
    now = timezone.now()
    delay = {} if told_at is None else {"event_delay_ms": _milliseconds(now - told_at)}
    _note(account_id, stream_last_event_at=now, **delay)


def _milliseconds(delay: timedelta) -> int:
    """Clocks differ and old events are repeated: within zero and a day."""
    return int(min(max(delay, timedelta(0)), timedelta(days=1)).total_seconds() * 1000)


def broke(account_id: int, failures: int, error: str) -> None:
    _note(account_id, stream_broke_at=timezone.now(), stream_failures=failures, stream_error=error[:500])
    AccountWatch.objects.filter(account_id=account_id).update(stream_breaks=F("stream_breaks") + 1)


def missed(account_id: int) -> None:
    """A listing knew an execution the open stream should have told: whoever holds the stream opens a new one."""
    _note(account_id, stream_missed_at=timezone.now())


def reconciled(account_id: int, asked_at: datetime, **figures: Any) -> None:
    _note(account_id, reconciled_at=asked_at, reconcile_error="", **figures)


def not_reconciled(account_id: int, error: str) -> None:
    _note(account_id, reconcile_failed_at=timezone.now(), reconcile_error=error[:500])


def _note(account_id: int, **figures: Any) -> None:
    if not AccountWatch.objects.filter(account_id=account_id).update(**figures):
        AccountWatch.objects.update_or_create(account_id=account_id, defaults=figures)
