"""Asks every sentence that must be true, and remembers the answers. The first contradiction is told once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.db import transaction
from django.utils import timezone

from exchanges.models import AccountBalance, AccountWatch
from ops.system_log import log_system_event
from positions import invariants, wallets
from positions.models import InvariantCheck, RiskEvent
from positions.services import events
from positions.wallets import Moment

logger = logging.getLogger(__name__)

MOST_FINDINGS = 20
NO_DEADLOCK = "the database never had to break a deadlock"
# the sums since the baseline are asked for every look, and their roundings add up
BASELINE_LASTS = timedelta(days=1)
WALLET_COLUMNS = [
    "baseline_wallet",
    "baseline_at",
    "wallet_asked_at",
    "wallet_differing",
    "wallet_differs_since",
]
ZERO = Decimal(0)


def check_invariants(now: datetime | None = None) -> bool:
    """True: every sentence could be asked and none is contradicted."""
    now = now or timezone.now()
    InvariantCheck.objects.exclude(name__in=[*invariants.SENTENCES, NO_DEADLOCK]).delete()
    verdicts = [_check(name, now) for name in invariants.SENTENCES]
    return all([*verdicts, _check_deadlocks(now)])


def _check(name: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            if name == invariants.WALLETS:
                _measure_wallets()
            findings = list(islice(invariants.SENTENCES[name](now), MOST_FINDINGS))
    except Exception:  # whatever it is, the other sentences are asked
        logger.exception("could not be asked: %s", name)
        InvariantCheck.objects.update_or_create(name=name, defaults={"is_true": None})
        return False
    return _remember(name, findings, now)


@transaction.atomic
def _remember(name: str, findings: list[str], now: datetime) -> bool:
    known = InvariantCheck.objects.select_for_update().get_or_create(name=name)[0]
    if findings and known.broken_since is None:
        _tell(name, findings)
    known.is_true, known.checked_at, known.findings = not findings, now, findings
    known.broken_since = (known.broken_since or now) if findings else None
    known.save(update_fields=["is_true", "checked_at", "findings", "broken_since"])
    return not findings


def _tell(name: str, findings: list[str]) -> None:
    log_system_event("ERROR", __name__, f"not true any more: {name}", findings=findings)
    RiskEvent.objects.create(
        event_type="invariant_broken", risk_level="critical", details={"sentence": name, "findings": findings}
    )


def _check_deadlocks(now: datetime) -> bool:
    """The number stands in the findings; one more than last time is the contradiction."""
    count = invariants.deadlocks()
    known = InvariantCheck.objects.filter(name=NO_DEADLOCK).values_list("findings", flat=True).first()
    before = int(known[0]) if known else count
    # the database's statistics begin anew after a crash: fewer is no news
    is_true = count <= before
    InvariantCheck.objects.update_or_create(
        name=NO_DEADLOCK,
        defaults={
            "is_true": is_true,
            "checked_at": now,
            "broken_since": None if is_true else now,
            "findings": [str(count)],
        },
    )
    if not is_true:
        _tell(NO_DEADLOCK, [f"{count - before} since the last look"])
    return is_true


def _measure_wallets() -> None:
    for balance in AccountBalance.objects.order_by("account_id"):
        watch = _locked_watch(balance.account_id)
        newest, seen = Moment(balance.wallet_balance, balance.reported_at), wallets.seen(watch)
        if seen is None:
            _look(watch, newest)
        elif wallets.is_told(watch, seen.at):
            if wallets.is_quiet(watch.account_id, seen.at):
                _judge(watch, seen)
            _look(watch, newest)


def _locked_watch(account_id: int) -> AccountWatch:
    return AccountWatch.objects.select_for_update().get_or_create(account_id=account_id)[0]


def _look(watch: AccountWatch, moment: Moment) -> None:
    watch.wallet_seen, watch.wallet_seen_at = moment.wallet, moment.at
    watch.save(update_fields=["wallet_seen", "wallet_seen_at"])


def _judge(watch: AccountWatch, moment: Moment) -> None:
    since = wallets.baseline(watch)
    if since is None:
        _set_baseline(watch, moment)
    elif wallets.gap(watch.account_id, since, moment):
        _mark(watch, since, moment)
    else:
        watch.wallet_differs_since = None
        if moment.at - since.at > BASELINE_LASTS:
            _set_baseline(watch, moment)
    watch.wallet_asked_at = moment.at
    watch.save(update_fields=WALLET_COLUMNS)


def _set_baseline(watch: AccountWatch, moment: Moment) -> None:
    watch.baseline_wallet, watch.baseline_at = moment.wallet, moment.at


def _mark(watch: AccountWatch, since: Moment, moment: Moment) -> None:
    """The first moment that nothing explains; an earlier one that something told since explains is forgotten."""
    marked = wallets.differing(watch)
    if marked is None or not wallets.gap(watch.account_id, since, marked):
        watch.wallet_differing, watch.wallet_differs_since = moment.wallet, moment.at


@transaction.atomic
def accept_wallet(account_id: int) -> None:
    """The owner knows why it moved, a deposit say: what is booked counts from the next quiet moment."""
    watch = _locked_watch(account_id)
    since, marked = wallets.baseline(watch), wallets.differing(watch)
    was = wallets.gap(account_id, since, marked) if since and marked else ZERO
    watch.baseline_at = watch.wallet_seen_at = watch.wallet_differs_since = None
    watch.save(update_fields=["baseline_at", "wallet_seen_at", "wallet_differs_since"])
    events.record("wallet_accepted", "low", account_id=account_id, was=was)
