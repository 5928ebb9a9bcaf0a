"""Asks the exchanges themselves whether what a FLAT wants gone is gone, all of them side by side."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from exchanges import session
from exchanges.client import ExchangeClient
from exchanges.errors import AccountUnusable, ExchangeError
from exchanges.models import KEYS, ExchangeAccount, FlatReport
from exchanges.trading_state import FlatOutcome
from positions import broadcast
from positions.flatness import Finding, Listing, by_our_rows, find, is_sure, still_takes
from positions.lifecycle import DONE
from positions.services import adopting, events, halting, lookups, reachability
from positions.services.flat_books import books_of, known_orders, live_positions, pending_orders
from positions.services.flat_runs import end_runs, open_reports
from positions.services.sweeping import for_each

logger = logging.getLogger(__name__)

# while ours are on their way the answer is known; it is asked for all the same, for the report
ASK_AGAIN_AFTER = timedelta(seconds=5)
ANSWER_WITHIN = 20.0
TOLD = {
    FlatOutcome.FLAT: ("flat_proven", "medium"),
    FlatOutcome.FOREIGN_LEFT: ("flat_foreign_left", "critical"),
    FlatOutcome.NOT_ASKED: ("flat_not_asked", "high"),
}


def prove_due(now: datetime) -> int:
    asked = {account.pk: (account, now, _question(account)) for account in _due(now)}
    return for_each(asked, lambda pk: _hear(*asked[pk]), "whether account %s is flat could not be judged")


def _due(now: datetime) -> list[ExchangeAccount]:
    reports = list(open_reports().select_related("run"))
    accounts = {report.account_id for report in reports}
    busy = set(live_positions(accounts).values_list("account_id", flat=True))
    busy |= set(pending_orders(accounts).values_list("account_id", flat=True))
    due = {one.account_id for one in reports if _is_due(one, one.account_id in busy, now)}
    return list(ExchangeAccount.objects.filter(pk__in=due).defer(*KEYS).order_by("pk"))


def _is_due(report: FlatReport, is_busy: bool, now: datetime) -> bool:
    may_wait = is_busy or report.error or report.foreign_since
    return not may_wait or now - (report.tried_at or report.run.begun_at) >= ASK_AGAIN_AFTER


def _question(account: ExchangeAccount) -> Future[Listing] | Exception:
    asked_at = timezone.now()

    async def ask(client: ExchangeClient) -> Listing:
        orders = await client.open_orders()  # first: one that fills in between is a position then
        return Listing(asked_at, await client.positions(), orders)

    try:
        return session.start(account, ask)
    except Exception as error:  # keys that cannot be opened, too, are this account's matter alone
        return error


def _hear(account: ExchangeAccount, tried_at: datetime, question: Future[Listing] | Exception) -> None:
    try:
        if isinstance(question, Exception):
            raise question
        listing = session.answer_of(question, ANSWER_WITHIN)
    except ExchangeError as error:
        halting.hear(account.pk, error)
        reachability.hear(account.pk, error)
        is_mute = (
            isinstance(error, AccountUnusable) and not error.code
        )  # our own no: there are no keys to ask with
        _not_answered(account, tried_at, error.sentence, is_mute=is_mute)
    except Exception as error:
        logger.exception("account %s could not be asked whether it is flat; it is asked again", account.name)
        _not_answered(account, tried_at, type(error).__name__)
    else:
        reachability.answered(account.pk)
        _act(account, listing, *_judge(account, listing, tried_at))


@transaction.atomic
def _not_answered(account: ExchangeAccount, tried_at: datetime, error: str, *, is_mute: bool = False) -> None:
    left = [one.as_row for one in by_our_rows(books_of(account.pk, tried_at))]
    mine = open_reports().filter(account=account)
    mine.update(tried_at=tried_at, error=error, left=left, foreign_since=None)
    if is_mute and not left:
        for report in mine:
            _end(report, FlatOutcome.NOT_ASKED)


@transaction.atomic
def _judge(account: ExchangeAccount, listing: Listing, tried_at: datetime) -> tuple[Finding, bool]:
    """Also whether what is not ours is certain, and shall go too."""
    ExchangeAccount.objects.select_for_update(no_key=True).only("pk").get(pk=account.pk)
    finding = find(listing, books_of(account.pk, listing.asked_at, listing.orders))
    asked_for = open_reports().filter(account=account, run__begun_at__lte=listing.asked_at)
    reports = list(asked_for.select_related("run"))
    for report in reports:
        _write(report, finding, listing.asked_at, tried_at)
    greedy = [report for report in reports if _takes(report, listing.asked_at)]
    return finding, any(is_sure(listing.asked_at, report.foreign_since) for report in greedy)


def _takes(report: FlatReport, asked_at: datetime) -> bool:
    run = report.run
    return run.include_foreign and still_takes(asked_at, run.begun_at, report.foreign_since)


def _write(report: FlatReport, finding: Finding, asked_at: datetime, tried_at: datetime) -> None:
    report.foreign_since = (report.foreign_since or asked_at) if finding.has_foreign else None
    outcome = finding.outcome(asked_at, report.foreign_since, takes_foreign=_takes(report, asked_at))
    report.left, report.error = [one.as_row for one in finding.left], ""
    report.asked_at, report.tried_at = asked_at, tried_at
    report.save(update_fields=["foreign_since", "left", "error", "asked_at", "tried_at"])
    if outcome is not FlatOutcome.CLOSING:
        _end(report, outcome)


def _end(report: FlatReport, outcome: FlatOutcome) -> None:
    report.outcome, report.ended_at = outcome, timezone.now()
    report.save(update_fields=["outcome", "ended_at"])
    event_type, risk_level = TOLD[outcome]
    events.record(
        event_type, risk_level, account_id=report.account_id, run=report.run_id, left=len(report.left)
    )
    end_runs()
    broadcast.notices_changed()


def _act(account: ExchangeAccount, listing: Listing, finding: Finding, takes_foreign: bool) -> None:
    names = [order.client_order_id for order in listing.orders]
    over = set(
        known_orders(account.pk, names).filter(status__in=DONE).values_list("client_order_id", flat=True)
    )
    for order in listing.orders:
        if order.client_order_id in over or (takes_foreign and order in finding.foreign_orders):
            lookups.cancel_left_over(account, order)
    for position in finding.foreign_positions if takes_foreign else ():
        adopting.adopt(account.pk, position, listing.asked_at)
