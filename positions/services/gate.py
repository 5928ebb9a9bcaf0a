"""Why an account takes no entries now, beside what its owner said."""

from __future__ import annotations

from exchanges.models import AccountWatch
from positions import breaker
from positions.services.reachability import breaker_of, patience
from positions.sizing import Skip
from signals_app.reasons import ReasonCode


def no_entries(account_id: int) -> Skip | None:
    watch = AccountWatch.objects.filter(account_id=account_id).select_related("account").first()
    if watch is None:
        return None
    if away := breaker.sentence(breaker_of(watch), patience()):
        return Skip(f"{watch.account.name} is {away}", ReasonCode.UNREACHABLE)
    if since := watch.stops_refused_since:
        what = f"{watch.account.name} takes no stop orders since {since:%Y-%m-%d %H:%M:%S} UTC"
        return Skip(f"{what}: {watch.stops_refused_reason}", ReasonCode.STOPS_REFUSED)
    return None
