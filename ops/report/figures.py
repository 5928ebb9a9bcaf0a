"""Counts and times of one run, read from rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median, quantiles
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from ops.report.evidence import SentOrder
from positions.lifecycle import OrderPurpose, PositionStatus
from positions.models import Fill, Order, Position, RiskEvent
from signals_app.models import EntryStatus, SignalAttempt, SignalLog, SignalLogEntry

MILLISECOND = timedelta(milliseconds=1)


def figures(since: datetime, sent: list[SentOrder]) -> dict[str, Any]:
    return {
        "signals": _signals(since),
        "positions": _positions(since),
        "orders": _orders(since),
        "fills": Fill.objects.filter(created_at__gte=since).count(),
        "signal_to_order_request_ms": _spread(_signal_to_request(since, sent)),
        "fill_to_stop_accepted_ms": _spread(fill_to_stop(since).values()),
        "seconds_without_a_stop": _unprotected(since),
        "events": _tally(RiskEvent.objects.filter(created_at__gte=since), "event_type"),
    }


def _tally(rows: Any, column: str) -> dict[str, int]:
    counted = rows.order_by(column).values(column).annotate(n=Count("pk"))
    return {str(row[column]): row["n"] for row in counted}


def _signals(since: datetime) -> dict[str, Any]:
    logged = SignalLog.objects.filter(received_at__gte=since)
    return {
        "by_verdict": _tally(logged, "status")
        | {"duplicate": SignalAttempt.objects.filter(received_at__gte=since).count()},
        "ignored_because": _tally(logged.filter(status="ignored"), "reason"),
        "by_strategy_verdict": _tally(SignalLogEntry.objects.filter(logged_at__gte=since), "status"),
    }


def _positions(since: datetime) -> dict[str, Any]:
    made = Position.objects.filter(created_at__gte=since)
    closed = Position.objects.filter(closed_at__gte=since)
    return {
        "opened": made.filter(opened_at__isnull=False).count(),
        "closed_by_reason": _tally(closed, "close_reason"),
        "still_live": Position.objects.exclude(status=PositionStatus.CLOSED).count(),
        "realized_pnl": _money(closed.aggregate(total=Sum("realized_pnl"))["total"]),
        "fees": _money(closed.aggregate(total=Sum("fees"))["total"]),
    }


def _money(value: Decimal | None) -> str:
    return f"{value or 0:.8f}"


def _orders(since: datetime) -> dict[str, dict[str, int]]:
    rows = Order.objects.filter(created_at__gte=since)
    return {purpose.value: _tally(rows.filter(purpose=purpose), "status") for purpose in OrderPurpose}


def _signal_to_request(since: datetime, sent: list[SentOrder]) -> list[float]:
    """From the signal's arrival at our socket to its entry order's arrival at the exchange's."""
    arrived = {order.client_order_id: order.at for order in reversed(sent)}
    entries = SignalLogEntry.objects.filter(
        logged_at__gte=since, status=EntryStatus.OPENED, position__orders__purpose=OrderPurpose.ENTRY
    ).values_list("log__received_at", "position__orders__client_order_id")
    return [(arrived[key] - at.timestamp()) * 1000 for at, key in entries if key in arrived]


def fill_to_stop(since: datetime) -> dict[int, float]:
    """Milliseconds by position: from the entry's first execution (the exchange's clock) to the first stop's answer."""
    rows = Position.objects.filter(opened_at__gte=since)
    is_entry, is_stop = Q(orders__purpose=OrderPurpose.ENTRY), Q(orders__purpose=OrderPurpose.PROTECT)
    filled = rows.annotate(at=Min("orders__fills__executed_at", filter=is_entry)).values_list("pk", "at")
    stopped = dict(
        rows.annotate(
            at=Min("orders__answered_at", filter=is_stop & Q(orders__stood_at__isnull=False))
        ).values_list("pk", "at")
    )
    return {pk: (stopped[pk] - at) / MILLISECOND for pk, at in filled if at and stopped[pk]}


def _spread(milliseconds: Iterable[float]) -> dict[str, Any]:
    spans = list(milliseconds)
    if len(spans) < 2:
        return {"count": len(spans)}
    return {
        "count": len(spans),
        "median": round(median(spans), 2),
        "p99": round(quantiles(spans, n=100, method="inclusive")[98], 2),
        "max": round(max(spans), 2),
    }


def _unprotected(since: datetime) -> dict[str, Any]:
    rows = Position.objects.filter(opened_at__gte=since)
    totals = rows.aggregate(total=Sum("unprotected_seconds"), longest=Max("unprotected_seconds"))
    return {
        "positions": rows.count(),
        "total": float(totals["total"] or 0),
        "longest": float(totals["longest"] or 0),
        "now_without": rows.filter(unprotected_since__isnull=False).count(),
    }


def repeated(sent: list[SentOrder]) -> list[str]:
    return sorted(key for key, n in Counter(order.client_order_id for order in sent).items() if n > 1)
