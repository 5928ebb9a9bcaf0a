"""What a FLAT has come to, as texts and rows. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from exchanges.models import FlatReport, FlatRun
from exchanges.trading_state import FlatOutcome
from positions.flatness import by_our_rows
from positions.services.flat_books import books_of

SENTENCES = {
    FlatOutcome.CLOSING: "is being closed",
    FlatOutcome.FLAT: "is flat: the exchange lists no position and no order",
    FlatOutcome.FOREIGN_LEFT: "has nothing of ours any more, but something of somebody else",
    FlatOutcome.GIVEN_UP: "was let go on before it was proven flat",
}


def report_rows(run: FlatRun) -> list[dict[str, Any]]:
    reports = FlatReport.objects.filter(run=run).select_related("account").order_by("account__name")
    return [_row(report) for report in reports]


def _row(report: FlatReport) -> dict[str, Any]:
    outcome, left = FlatOutcome(report.outcome), _left(report)
    return {
        "account": report.account.name,
        "venue": report.account.venue,
        "outcome": outcome,
        "sentence": SENTENCES[outcome],
        "positions": sum(one["kind"] == "position" for one in left),
        "orders": sum(one["kind"] == "order" for one in left),
        "asked_at": report.asked_at,
        "ended_at": report.ended_at,
        "error": report.error,
        "left": left,
    }


def _left(report: FlatReport) -> list[dict[str, Any]]:
    """By our own rows until the exchange was asked."""
    if report.tried_at is not None or report.ended_at is not None:
        return list(report.left)
    return [one.as_row for one in by_our_rows(books_of(report.account_id, timezone.now()))]


def lines_of(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in row["left"]:
        whose = "ours" if one["is_ours"] else "somebody else's"
        yield {
            "account": row["account"],
            "kind": one["kind"],
            "what": one["what"],
            "whose": whose,
            "why": one["why"],
        }
