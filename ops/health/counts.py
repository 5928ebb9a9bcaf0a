"""Counters for /metrics, summed from rows since 00:00 UTC: whoever collects them knows a counter that begins anew. A
day's rows are few and found by an index; a sum over all rows would grow with them.

Only what is final is counted, so that no counter falls within a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from exchanges.models import AccountBalance, AccountWatch
from ops.health.cached import Cached
from ops.models import NotifyMessage
from positions.lifecycle import DONE, OrderPurpose
from positions.models import Fill, Order, Position, RiskEvent
from signals_app.models import SignalLog, SignalLogEntry

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_WITHIN = ", ".join(f"count(*) FILTER (WHERE took <= {bound})" for bound in BUCKETS)
# an entry's request leaves when a worker claims its row
_LATENCY = f"""
SELECT count(*), coalesce(sum(took), 0), {_WITHIN} FROM (
    SELECT greatest(extract(epoch FROM o.submitted_at - s.received_at), 0) AS took
    FROM orders o JOIN signal_log_entries_v2 e ON e.position_id = o.position_id AND e.status = 'opened'
    JOIN signals_v2_log s ON s.id = e.log_id
    WHERE o.purpose = 'entry' AND o.submitted_at IS NOT NULL AND o.created_at >= %s
) waits
"""  # noqa: S608  (made of constants)


@dataclass(frozen=True, slots=True)
class Histogram:
    count: int
    total: float
    within: tuple[int, ...]  # of each of BUCKETS


@dataclass(frozen=True, slots=True)
class Counts:
    signals: dict[tuple[str, str], int]  # source, status
    verdicts: dict[tuple[str, str], int]  # what a strategy did, and why
    orders: dict[tuple[str, str], int]  # purpose, outcome
    stop_moves: int
    fills: int
    risk_events: dict[str, int]
    messages: dict[str, int]
    latency: Histogram
    stream_breaks: dict[str, int]
    unprotected_seconds: float
    positions: dict[tuple[str, str], int]  # account, status
    equity: dict[str, Decimal]


def counts() -> Counts:
    now = timezone.now()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    orders = Order.objects.filter(created_at__gte=day)
    return Counts(
        signals=_by(SignalLog.objects.filter(received_at__gte=day), "source", "status"),
        verdicts=_by(_entries(day), "status", "reason_code"),
        orders=_by(orders.filter(status__in=sorted(DONE)), "purpose", "status"),
        stop_moves=orders.filter(
            purpose=OrderPurpose.PROTECT, generation__gt=1, stood_at__isnull=False
        ).count(),
        fills=Fill.objects.filter(executed_at__gte=day).count(),
        risk_events=_by_one(RiskEvent.objects.filter(created_at__gte=day), "risk_level"),
        messages=_by_one(NotifyMessage.objects.filter(created_at__gte=day), "delivery"),
        latency=_latency(day),
        stream_breaks=dict(AccountWatch.objects.values_list("account__name", "stream_breaks")),
        unprotected_seconds=_unprotected(day, now),
        positions=_by(Position.objects.filter(is_live=True), "account__name", "status"),
        equity=dict(AccountBalance.objects.values_list("account__name", "equity")),
    )


def _entries(day: datetime) -> QuerySet[Any]:
    """By their signals, which are found by an index."""
    return SignalLogEntry.objects.filter(log__received_at__gte=day)


def _by(rows: QuerySet[Any], *names: str) -> dict[tuple[str, str], int]:
    return {(row[0], row[1]): row[2] for row in rows.order_by().values_list(*names).annotate(n=Count("pk"))}


def _by_one(rows: QuerySet[Any], name: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(name).annotate(n=Count("pk")))


def _latency(day: datetime) -> Histogram:
    with connection.cursor() as cursor:
        cursor.execute(_LATENCY, [day])
        count, total, *within = cursor.fetchone()
    return Histogram(count, float(total), tuple(within))


def _unprotected(day: datetime, now: datetime) -> float:
    """Of what is live or was closed today, with what still runs."""
    rows = Position.objects.filter(Q(is_live=True) | Q(closed_at__gte=day))
    ended = rows.aggregate(total=Sum("unprotected_seconds"))["total"] or 0
    running = rows.exclude(unprotected_since=None).values_list("unprotected_since", flat=True)
    return float(ended) + sum(max((now - since).total_seconds(), 0.0) for since in running if since)


counted = Cached(counts, 5.0)
