"""Which FLATs are not over yet, and how they end."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from exchanges.models import FlatReport, FlatRun
from exchanges.trading_state import FlatOutcome


def open_reports() -> QuerySet[FlatReport]:
    return FlatReport.objects.filter(ended_at=None)


def give_up(account_id: int | None) -> None:
    """Trading goes on where a FLAT was not done: it must not close what is opened from now on."""
    wanted = open_reports().filter(run__account=None) if account_id is None else open_reports()
    mine = wanted if account_id is None else wanted.filter(account=account_id)
    FlatReport.objects.filter(pk__in=list(mine.values_list("pk", flat=True))).update(
        outcome=FlatOutcome.GIVEN_UP, ended_at=timezone.now()
    )
    end_runs()


def end_runs() -> None:
    going_on = open_reports().filter(run=OuterRef("pk"))
    FlatRun.objects.filter(~Exists(going_on), ended_at=None).update(ended_at=timezone.now())
