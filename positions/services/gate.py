"""Why an account takes no entries now, beside what its owner said."""

from __future__ import annotations

from exchanges.models import KEYS_OF_ACCOUNT, AccountWatch
from positions import breaker, formats
from positions.canary import prove_stops
from positions.services.reachability import breaker_of, patience
from positions.sizing import Skip
from signals_app.reasons import ReasonCode


def no_entries(account_id: int) -> Skip | None:
    watches = AccountWatch.objects.select_related("account").defer(*KEYS_OF_ACCOUNT)
    watch = watches.filter(account_id=account_id).first()
    if watch is None:
        return None
    if away := breaker.sentence(breaker_of(watch), patience()):
        return Skip(f"{watch.account.name} is {away}", ReasonCode.UNREACHABLE)
    if since := watch.stops_refused_since:
        what = f"{watch.account.name} takes no stop orders since {formats.moment(since)}"
        return Skip(
            f"{what}: {watch.stops_refused_reason}; {prove_stops(watch.account.name)}",
            ReasonCode.STOPS_REFUSED,
        )
    return None
