"""What to look at in the hours after the start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from ops.legacy import live_rows
from ops.legacy.checks import Check
from ops.models import LogLevel, SystemLog
from positions.models import Position
from trailing.services import count_orphan_ts_states

RECENT = timedelta(hours=2)
SHOWN = 10


def checks() -> Iterator[Check]:
    yield live_rows.check()
    since = timezone.now() - RECENT
    opened = Position.objects.filter(created_at__gte=since)
    found = f"{opened.count()} in two hours, {opened.exclude(signal_id=None).count()} with a signal_id"
    yield Check("positions", True, found)
    stale = count_orphan_ts_states()
    yield Check(
        "stale trailing states", stale == 0, str(stale), "Run `manage.py verify` and look at /health/"
    )
    errors = SystemLog.objects.filter(level=LogLevel.ERROR, created_at__gte=since)
    latest = errors.order_by("-created_at").first()
    words = f"{errors.count()} in two hours" + (f", the latest: {latest.message}" if latest else "")
    yield Check("errors", latest is None, words, "Read the system log in the admin")


def newest_positions() -> Iterator[str]:
    since = timezone.now() - RECENT
    for one in (
        Position.objects.filter(created_at__gte=since).select_related("instrument").order_by("-pk")[:SHOWN]
    ):
        signal = one.signal_id or "no signal_id"
        yield f"  {one.created_at:%H:%M:%S} {one.instrument} {one.position_side} {one.status} {signal}"
