"""Whether what a person looks at can be believed: a word on each account, for the live page. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta

from exchanges.models import KEYS, AccountWatch, ExchangeAccount
from exchanges.types import BreakerState
from positions import formats
from positions.cover import whole_stops
from positions.models import Position

# the comparison is due every ten seconds
COMPARED_WITHIN = timedelta(seconds=45)
MOST_NAMED = 6


def chips(now: datetime) -> list[dict[str, str]]:
    accounts = ExchangeAccount.objects.select_related("watch").order_by("name").defer(*KEYS)
    return [_chip(account, getattr(account, "watch", None), now) for account in accounts]


def _chip(account: ExchangeAccount, watch: AccountWatch | None, now: datetime) -> dict[str, str]:
    state, text = _told(watch, now)
    return {"name": account.name, "state": state, "text": text}


def _told(watch: AccountWatch | None, now: datetime) -> tuple[str, str]:
    """The worst first; what was never measured is unknown, not fine."""
    if watch is None or watch.reconciled_at is None:
        return "unknown", "never compared"
    if watch.breaker != BreakerState.CLOSED:
        return "bad", f"does not answer; {left_standing(watch.account_id)}"
    compared = f"compared {formats.age(now - watch.reconciled_at)} ago"
    if watch.differences_open:
        return "bad", f"{watch.differences_open} differences, {compared}"
    if now - watch.reconciled_at > COMPARED_WITHIN:
        return "warn", compared
    if watch.stream_failures or watch.stream_connected_at is None:
        return "warn", f"no stream, {compared}; {left_standing(watch.account_id)}"
    delay = "" if watch.event_delay_ms is None else f", stream {watch.event_delay_ms} ms late"
    return "ok", f"0 differences, {compared}{delay}"


def left_standing(account_id: int) -> str:
    """What protects while nobody can ask: which positions have their stop on the exchange, by our last knowledge."""
    held = Position.objects.filter(account=account_id, is_live=True, quantity__gt=0)
    names = {one.pk: _name(one) for one in held.select_related("instrument").order_by("created_at")}
    stopped = set(whole_stops().filter(position__in=list(names)).values_list("position", flat=True))
    with_stop = [name for key, name in names.items() if key in stopped]
    without = [name for key, name in names.items() if key not in stopped]
    told = {"stops on the exchange": with_stop, "without a stop there": without}
    return "; ".join(f"{what}: {_listed(them)}" for what, them in told.items() if them) or "it holds nothing"


def _name(position: Position) -> str:
    return f"{position.instrument.symbol.partition('/')[0]} {position.position_side}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
