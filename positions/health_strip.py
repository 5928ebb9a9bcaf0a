"""Whether what a person looks at can be believed: a word on each account, for the live page. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta

from exchanges.models import KEYS, AccountWatch, ExchangeAccount
from exchanges.types import BreakerState
from positions import formats

# the comparison is due every ten seconds
COMPARED_WITHIN = timedelta(seconds=45)


def chips(now: datetime) -> list[dict[str, str]]:
    accounts = ExchangeAccount.objects.select_related("watch").order_by("name").defer(*KEYS)
    return [_chip(account.name, getattr(account, "watch", None), now) for account in accounts]


def _chip(name: str, watch: AccountWatch | None, now: datetime) -> dict[str, str]:
    state, text = _told(watch, now)
    return {"name": name, "state": state, "text": text}


def _told(watch: AccountWatch | None, now: datetime) -> tuple[str, str]:
    """The worst first; what was never measured is unknown, not fine."""
    if watch is None or watch.reconciled_at is None:
        return "unknown", "never compared"
    if watch.breaker != BreakerState.CLOSED:
        return "bad", "does not answer"
    compared = f"compared {formats.age(now - watch.reconciled_at)} ago"
    if watch.differences_open:
        return "bad", f"{watch.differences_open} differences, {compared}"
    if now - watch.reconciled_at > COMPARED_WITHIN:
        return "warn", compared
    if watch.stream_failures or watch.stream_connected_at is None:
        return "warn", f"no stream, {compared}"
    delay = "" if watch.event_delay_ms is None else f", stream {watch.event_delay_ms} ms late"
    return "ok", f"0 differences, {compared}{delay}"
