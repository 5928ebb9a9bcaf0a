"""Funding payments, as the exchange lists them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min, Q, Sum
from django.utils import timezone

from exchanges import session
from exchanges.models import ExchangeAccount
from exchanges.types import FundingReport
from positions import broadcast
from positions.models import Fill, FundingPayment, Position
from positions.services.closing import lock_position

# payments are stamped with the hour they are due and listed a little later
LISTED_LATE = timedelta(hours=1)
EARLIEST = timedelta(days=7)
# a position opens for us when its entry's fill is applied, which is later than it happened
HEARD_LATE = timedelta(seconds=30)


def collect(account: ExchangeAccount) -> int:
    """Ask for payments since the last known one. Returns how many were new. Raises ExchangeError."""
    since = _since(account)
    if since is None:
        return 0
    reports = session.call(account, lambda client: client.funding(since))
    return sum(apply_funding(account.pk, report) for report in reports)


def _since(account: ExchangeAccount) -> datetime | None:
    """None: nothing was ever traded that could have paid, by us or by a stranger."""
    opened = Position.objects.filter(account=account).aggregate(at=Min("opened_at"))["at"]
    traded = Fill.objects.filter(account=account).aggregate(at=Min("executed_at"))["at"]
    if opened is None and traded is None:
        return None
    first: datetime = min(at for at in (opened, traded) if at is not None)
    paid = FundingPayment.objects.filter(account=account)
    last: datetime | None = paid.aggregate(at=Max("paid_at"))["at"]
    return last - LISTED_LATE if last else max(first, timezone.now() - EARLIEST)


@transaction.atomic
def apply_funding(account_id: int, report: FundingReport) -> bool:
    """Record one payment. False: it was already known."""
    position = _payer(account_id, report)
    _, is_new = FundingPayment.objects.get_or_create(
        account_id=account_id,
        payment_id=report.payment_id,
        defaults={
            "position": position,
            "symbol": report.symbol.split(":")[0].replace("/", ""),
            "amount": report.amount,
            "currency": report.currency,
            "paid_at": report.at,
        },
    )
    if is_new and position is not None:
        _refresh(position)
    return is_new


def _payer(account_id: int, report: FundingReport) -> Position | None:
    """The exchange names the contract, not the leg: with both legs open the payment stays with the account."""
    held = Position.objects.filter(
        Q(closed_at=None) | Q(closed_at__gte=report.at),
        account_id=account_id,
        instrument__symbol=report.symbol,
        opened_at__lte=report.at + HEARD_LATE,
    )
    found = list(held.values_list("pk", flat=True)[:2])
    return lock_position(found[0]) if len(found) == 1 else None


def _refresh(position: Position) -> None:
    paid = FundingPayment.objects.filter(position=position).aggregate(total=Sum("amount"))["total"]
    position.funding = paid or 0
    position.save(update_fields=["funding", "updated_at"])
    broadcast.position_changed(position.pk)
