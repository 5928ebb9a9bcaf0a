"""FLAT: nothing is opened, all that works is canceled, all that is held is closed by the one door, and the exchange's
own listing proves it. Every step is a row or asks for nothing new, so any process may do the next one."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from exchanges.models import ExchangeAccount, FlatReport, FlatRun, TradingState
from exchanges.trading_state import Cause
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services import halting
from positions.services.closing import REQUESTABLE, request_close
from positions.services.flat_runs import end_runs, open_reports
from positions.services.sweeping import for_each


def flatten(account_id: int | None, reason: str, by: str = "", *, include_foreign: bool = False) -> FlatRun:
    """No account means all of them."""
    run = begin(account_id, reason, by, include_foreign=include_foreign)
    carry_out(run)
    return run


@transaction.atomic
def begin(account_id: int | None, reason: str, by: str = "", *, include_foreign: bool = False) -> FlatRun:
    """The halt and the wish are one commit; the rest is done again by the sweep."""
    halting.change(account_id, TradingState.HALTED, reason, by, Cause.PERSON)
    return _begin(account_id, reason, by, include_foreign)


def carry_out(run: FlatRun) -> None:
    """Any number of times, after the commit of its beginning."""
    halting.call_off_entries(run.account_id)
    close_all(run.reports.filter(ended_at=None))


def _begin(account_id: int | None, reason: str, by: str, include_foreign: bool) -> FlatRun:
    run = FlatRun.objects.create(
        account_id=account_id, reason=reason, by=by[:100], include_foreign=include_foreign,
        begun_at=timezone.now(),
    )  # fmt: skip
    accounts = ExchangeAccount.objects.order_by("pk").values_list("pk", flat=True)
    chosen = accounts if account_id is None else [account_id]
    FlatReport.objects.bulk_create(FlatReport(run=run, account_id=pk) for pk in chosen)
    end_runs()  # where there is no account at all
    return run


def close_due() -> int:
    """What a FLAT still has to ask for: positions that came to light, and those of a process that died."""
    return close_all(open_reports())


def close_all(reports: Iterable[FlatReport]) -> int:
    accounts = {report.account_id for report in reports}
    wanted = Position.objects.filter(account__in=accounts, status__in=REQUESTABLE, close_again_at=None)
    found = wanted.order_by("pk").values_list("pk", flat=True)
    return for_each(found, _close, "position %s could not be asked to close")


@transaction.atomic
def _close(position_id: int) -> None:
    """Under the account's lock, which also ends a FLAT: what is opened after its end is not closed by it."""
    account_id = Position.objects.values_list("account_id", flat=True).get(pk=position_id)
    ExchangeAccount.objects.select_for_update(no_key=True).only("pk").get(pk=account_id)
    report = open_reports().filter(account=account_id).select_related("run").first()
    if report is not None:
        request_close(position_id, reason=CloseReason.KILL_SWITCH, requested_by=report.run.by or "flat")
