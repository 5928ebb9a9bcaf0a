"""Writes the rows of the system log, and forgets old ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from ops.models import LogLevel, SystemLog

FORGOTTEN_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class SystemEvent:
    level: LogLevel
    module: str
    message: str
    details: dict[str, Any]
    created_at: datetime


def write_system_events(events: Sequence[SystemEvent]) -> None:
    SystemLog.objects.bulk_create(SystemLog(**asdict(event)) for event in events)


def forget_old_system_events() -> int:
    """How many went; in portions, so that none of them locks for long."""
    limit = timezone.now() - timedelta(days=settings.SYSTEM_LOG_DAYS)
    forgotten = 0
    while pks := _oldest_before(limit):
        forgotten += SystemLog.objects.filter(pk__in=pks).delete()[0]
    return forgotten


def _oldest_before(limit: datetime) -> list[int]:
    old = SystemLog.objects.filter(created_at__lt=limit).order_by("created_at").values_list("pk", flat=True)
    return list(old[:FORGOTTEN_AT_ONCE])
