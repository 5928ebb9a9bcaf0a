"""What became of the rows of older bots: counted, and each one that was not imported with its reason. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet

from ops.models import ALL_ROWS, LegacyOutcome, LegacyRow


def not_imported() -> QuerySet[LegacyRow]:
    return LegacyRow.objects.exclude(outcome=LegacyOutcome.IMPORTED).order_by("source", "table", "pk")


def summary(since: datetime | None = None) -> Iterator[str]:
    """A line for each table and outcome; what was not imported by its reason, with one example. `since`: of what was
    decided then, or once more."""
    decided = LegacyRow.objects.all() if since is None else LegacyRow.objects.filter(decided_at__gte=since)
    counted = decided.values("source", "table", "outcome", "reason")
    lines = counted.annotate(rows=Count("pk"), example=Min("legacy_id"))
    for one in lines.order_by("source", "table", "outcome", "-rows", "reason"):
        name, outcome, reason = f"{one['source']} {one['table']}", one["outcome"], one["reason"]
        if one["example"] == ALL_ROWS:
            yield f"{name}: {outcome} as a whole, {reason}"
        else:
            why = f": {reason} (such as {one['example']})" if reason else ""
            yield f"{name}: {one['rows']} {outcome}{why}"


def each_that_says_why() -> Iterator[str]:
    """Also imported ones of which their owner should know something."""
    plainly = Q(outcome=LegacyOutcome.IMPORTED, reason="")
    rows = LegacyRow.objects.exclude(plainly).order_by("source", "table", "pk")
    for one in rows.iterator(chunk_size=1000):
        yield f"{one.source} {one.table} {one.legacy_id} {one.outcome}: {one.reason}"
