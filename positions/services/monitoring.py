"""Asks every sentence that must be true, and remembers the answers. The first contradiction is told once."""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal
from itertools import islice

from django.db import DatabaseError, transaction
from django.utils import timezone

from exchanges.models import AccountBalance, AccountWatch
from positions import invariants
from positions.models import InvariantCheck, RiskEvent

logger = logging.getLogger(__name__)

MOST_FINDINGS = 20
NO_DEADLOCK = "the database never had to break a deadlock"


def check_invariants(now: datetime | None = None) -> bool:
    """True: every sentence could be asked and none is contradicted."""
    now = now or timezone.now()
    verdicts = [_check(name, now) for name in invariants.SENTENCES]
    return all([*verdicts, _check_deadlocks(now)])


def _check(name: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            if name == invariants.WALLETS:
                _measure_wallets(now)
            findings = list(islice(invariants.SENTENCES[name](now), MOST_FINDINGS))
    except DatabaseError:
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
    logger.critical("not true any more: %s: %s", name, findings[0])
    RiskEvent.objects.create(
        event_type="invariant_broken", risk_level="critical", details={"sentence": name, "findings": findings}
    )


def _check_deadlocks(now: datetime) -> bool:
    """The number stands in the findings; one more than last time is the contradiction."""
    count = invariants.deadlocks()
    known = InvariantCheck.objects.filter(name=NO_DEADLOCK).values_list("findings", flat=True).first()
    before = int(known[0]) if known else count
    InvariantCheck.objects.update_or_create(
        name=NO_DEADLOCK,
        defaults={"is_true": count == before, "checked_at": now, "findings": [str(count)]},
    )
    if count > before:
        _tell(NO_DEADLOCK, [f"{count - before} since the last look"])
    return count == before


def _measure_wallets(now: datetime) -> None:
    for balance in AccountBalance.objects.select_related("account"):
        watch = AccountWatch.objects.get_or_create(account_id=balance.account_id)[0]
        if watch.baseline_at is None:
            _set_baseline(watch, balance)
        else:
            _compare_wallet(watch, now)


def _set_baseline(watch: AccountWatch, balance: AccountBalance) -> None:
    watch.baseline_wallet, watch.baseline_at = balance.wallet_balance, balance.reported_at
    watch.wallet_differs_since = None
    watch.save(update_fields=["baseline_wallet", "baseline_at", "wallet_differs_since"])


def _compare_wallet(watch: AccountWatch, now: datetime) -> None:
    gap = invariants.wallet_gap(watch)
    if gap is None:
        return
    since = (watch.wallet_differs_since or now) if gap != Decimal(0) else None
    if since != watch.wallet_differs_since:
        watch.wallet_differs_since = since
        watch.save(update_fields=["wallet_differs_since"])


def accept_wallet(account_id: int) -> None:
    """The owner knows why it moved, a deposit say: what is booked counts from now."""
    balance = AccountBalance.objects.filter(account_id=account_id).first()
    if balance is not None:
        _set_baseline(AccountWatch.objects.get_or_create(account_id=account_id)[0], balance)
