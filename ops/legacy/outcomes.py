"""What became of the rows of older bots: counted, and each one that was not imported with its reason. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min, QuerySet

from ops.models import LegacyOutcome, LegacyRow


def not_imported() -> QuerySet[LegacyRow]:
    return LegacyRow.objects.exclude(outcome=LegacyOutcome.IMPORTED).order_by("source", "table", "pk")


def summary() -> Iterator[str]:
    """A line for each table and outcome; what was not imported by its reason, with one example."""
    counted = LegacyRow.objects.values("source", "table", "outcome", "reason")
    lines = counted.annotate(rows=Count("pk"), example=Min("legacy_id"))
    for one in lines.order_by("source", "table", "outcome", "-rows", "reason"):
        why = f": {one['reason']} (such as {one['example']})" if one["reason"] else ""
        yield f"{one['source']} {one['table']}: {one['rows']} {one['outcome']}{why}"


def each_not_imported() -> Iterator[str]:
    for one in not_imported().iterator(chunk_size=1000):
        yield f"{one.source} {one.table} {one.legacy_id} {one.outcome}: {one.reason}"
