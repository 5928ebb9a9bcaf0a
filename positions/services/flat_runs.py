"""Which FLATs are not over yet, and how they end."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from exchanges.models import FlatReport, FlatRun, TradingState
from exchanges.switch import switch_of
from exchanges.trading_state import FlatOutcome
from positions.flatness import by_our_rows
from positions.services import events
from positions.services.flat_books import books_of


def open_reports() -> QuerySet[FlatReport]:
    return FlatReport.objects.filter(ended_at=None)


def is_being_closed(account_id: int | None) -> bool:
    """No account: whether a FLAT of all of them is not done."""
    wanted = {"run__account": None} if account_id is None else {"account": account_id}
    return open_reports().filter(**wanted).exists()


def give_up(account_id: int | None) -> None:
    """Where trading goes on a FLAT ends that was not done: it must not close what is opened from now on. Where the
    account or all of them are still stopped, it goes on."""
    wanted = open_reports() if account_id is None else open_reports().filter(account=account_id)
    now = timezone.now()
    for report in wanted.order_by("pk"):
        if switch_of(report.account_id).state is TradingState.ACTIVE:
            _end_undone(report, now)
    end_runs()


def _end_undone(report: FlatReport, now: datetime) -> None:
    ours = [one.as_row for one in by_our_rows(books_of(report.account_id, now))]
    report.left = ours + [one for one in report.left if not one["is_ours"]]
    report.outcome, report.ended_at = FlatOutcome.GIVEN_UP, now
    report.save()
    events.record(
        "flat_given_up", "critical", account_id=report.account_id, run=report.run_id,
        left=", ".join(f"{one['kind']} {one['what']}" for one in report.left) or "nothing that is known",
    )  # fmt: skip


def end_runs() -> None:
    going_on = open_reports().filter(run=OuterRef("pk"))
    FlatRun.objects.filter(~Exists(going_on), ended_at=None).update(ended_at=timezone.now())
