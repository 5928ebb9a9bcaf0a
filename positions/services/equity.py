"""After each comparison: what trading did to the account's equity since midnight and since it was worth most."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction

from exchanges.types import BalanceReport
from positions.book import TRACK_FIELDS
from positions.equity_track import LOOKS_APART, EquityTrack, Look, begin, day_began, followed
from positions.models import AccountEquity
from positions.wallets import booked

# what was executed before a day's first look may be told after it, and must not be a loss for that
TOLD_WITHIN = timedelta(days=1)


@transaction.atomic
def look(account_id: int, told: BalanceReport, at: datetime) -> None:
    rows = AccountEquity.objects.select_for_update().filter(account=account_id)
    known = rows.values(*TRACK_FIELDS).first()
    track = _looked(account_id, EquityTrack(**known) if known else None, told, at)
    AccountEquity.objects.update_or_create(account_id=account_id, defaults=asdict(track))


def _looked(account_id: int, known: EquityTrack | None, told: BalanceReport, at: datetime) -> EquityTrack:
    since = at - TOLD_WITHIN
    if known is None:
        return begin(_look(account_id, told, at, since), since)
    if at < known.looked_at + LOOKS_APART:
        return known
    track = followed(known, _look(account_id, told, at, known.booked_from))
    if at.date() <= known.day:
        return track
    return day_began(track, _look(account_id, told, at, since), since)


def _look(account_id: int, told: BalanceReport, at: datetime, since: datetime) -> Look:
    unrealized = told.equity - told.wallet_balance
    return Look(at, told.equity, unrealized, booked(account_id, since, at).amount)
