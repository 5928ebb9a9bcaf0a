"""Does a wallet move by what we booked, and by nothing else?

Asked of past moments in which nothing else happened: what was executed or paid before a moment may be told to us after
it, so a moment is judged once that had its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, Sum

from exchanges.models import AccountWatch
from positions.accounting import QUOTE_CURRENCIES
from positions.legacy_names import PREFIX as OF_OLDER_BOTS
from positions.models import Fill, FundingPayment

# between the question for the balance and its answer, and as far as two clocks may differ
QUIET_BEFORE, QUIET_AFTER = timedelta(seconds=5), timedelta(seconds=15)
# funding is stamped with the full hour and charged a little later
CHARGED_WITHIN = timedelta(minutes=5)
# the listing of executions is read every minute
TOLD_WITHIN = timedelta(seconds=90)
# the venue rounds every commission and profit to eight decimals
ROUNDING = Decimal("0.000001")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Moment:
    """What the exchange called the wallet when asked at this time."""

    wallet: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Booked:
    amount: Decimal
    rows: int

    @property
    def tolerance(self) -> Decimal:
        return ROUNDING * max(self.rows, 1)


def baseline(watch: AccountWatch) -> Moment | None:
    return _moment(watch.baseline_wallet, watch.baseline_at)


def seen(watch: AccountWatch) -> Moment | None:
    return _moment(watch.wallet_seen, watch.wallet_seen_at)


def differing(watch: AccountWatch) -> Moment | None:
    return _moment(watch.wallet_differing, watch.wallet_differs_since)


def _moment(wallet: Decimal, at: datetime | None) -> Moment | None:
    return None if at is None else Moment(wallet, at)


def is_told(watch: AccountWatch, at: datetime) -> bool:
    """A full comparison long after that moment: what was executed before it is a row by now."""
    return watch.reconciled_at is not None and watch.reconciled_at >= at + TOLD_WITHIN


def is_quiet(account_id: int, at: datetime) -> bool:
    if _is_funded_near(at):
        return False
    around = (at - QUIET_BEFORE, at + QUIET_AFTER)
    return not Fill.objects.filter(account_id=account_id, executed_at__range=around).exists()


def _is_funded_near(at: datetime) -> bool:
    answered = at + QUIET_AFTER
    return answered - answered.replace(minute=0, second=0, microsecond=0) < CHARGED_WITHIN + QUIET_AFTER


def gap(account_id: int, since: Moment, until: Moment) -> Decimal:
    """What the wallet moved beyond what we booked."""
    told = booked(account_id, since.at, until.at)
    beyond = until.wallet - since.wallet - told.amount
    return beyond if abs(beyond) > told.tolerance else ZERO


def booked(account_id: int, since: datetime, until: datetime) -> Booked:
    """Profit less fees plus funding; fees in another coin are taken from another wallet."""
    # what older bots wrote of executions is here as the exchange lists it too
    told = Fill.objects.exclude(trade_id__startswith=OF_OLDER_BOTS)
    fills = told.filter(account_id=account_id, executed_at__gt=since, executed_at__lte=until)
    paid = FundingPayment.objects.filter(account_id=account_id, paid_at__gt=since, paid_at__lte=until)
    sums = fills.aggregate(
        pnl=Sum("realized_pnl"),
        fees=Sum("fee", filter=Q(fee_currency__in=QUOTE_CURRENCIES)),
        rows=Count("pk"),
    )
    funding = paid.aggregate(total=Sum("amount"), rows=Count("pk"))
    amount = (sums["pnl"] or ZERO) - (sums["fees"] or ZERO) + (funding["total"] or ZERO)
    return Booked(amount, sums["rows"] + funding["rows"])
