"""Data Integrity: every sentence that must be true, asked now, and no row without what it belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from ops.verification.catalog import orphans
from ops.verification.verdicts import Finding, Issue, Severity, judged
from positions.invariants import SENTENCES
from positions.models import InvariantCheck, Order, Position

SHOWN = 5
ASKED_EVERY = timedelta(minutes=1)


def check() -> Finding:
    now = timezone.now()
    broken = {name: found for name, ask in SENTENCES.items() if (found := list(islice(ask(now), SHOWN)))}
    with connection.cursor() as cursor:
        lost = dict(orphans(cursor, settings.DB_SCHEMA))
    issues = [_contradicted(name, found) for name, found in broken.items()]
    issues += [_lost(name, count) for name, count in lost.items()]
    asked = InvariantCheck.objects.aggregate(newest=Max("checked_at"))["newest"]
    issues += _not_asked(asked, now)
    details = {
        "sentences": {name: name not in broken for name in SENTENCES},
        "rows_without_what_they_belong_to": lost,
        "last_asked_by_the_installation": asked.isoformat() if asked else None,
        "positions": Position.objects.count(),
        "orders": Order.objects.count(),
    }
    return judged(details, issues)


def _contradicted(name: str, found: list[str]) -> Issue:
    fix = "stop entries (`manage.py halt`), read `manage.py explain` of what is named, repair, verify again"
    return Issue(f"not true: {name} ({'; '.join(found)})", Severity.CRITICAL, fix)


def _lost(name: str, count: int) -> Issue:
    fix = "find out who switched the foreign key off; restore the rows or take them away"
    return Issue(f"{count} rows contradict {name}", Severity.HIGH, fix)


def _not_asked(asked: datetime | None, now: datetime) -> list[Issue]:
    if asked and now - asked < ASKED_EVERY:
        return []
    since = f"since {asked:%Y-%m-%d %H:%M:%S}" if asked else "ever"
    return [
        Issue(
            f"the installation has not asked its own sentences {since}",
            Severity.HIGH,
            "start it (`make up`) and see that beat and sweeps run",
        )
    ]
