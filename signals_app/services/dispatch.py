"""Accepted signals, decided in the order of their rows by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import cast
from zlib import crc32

from django.db import connection, transaction
from django.utils import timezone

from signals_app.models import SignalLog, SignalStatus
from signals_app.outlook import Outlook, outlook_for
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry, live
from signals_app.routing import Ignored, Route, Routed, Unrouted, only_permitted, route
from signals_app.sender_rules import SenderRule, sender_of
from signals_app.services import following, ledger
from signals_app.shapes.signal import Details

LOCK = crc32(b"tradingbot:dispatch_accepted")
FOREVER = timedelta.max


def dispatch_accepted(limit: int, registry: Registry | None = None) -> int:
    """How many were decided; none while another process does it."""
    tables = registry or live.current()
    with _alone() as is_ours:
        if not is_ours:
            return 0
        waiting = SignalLog.objects.filter(dispatched_at=None).order_by("pk")[:limit]
        return sum(_dispatch(log, tables) for log in waiting)


@contextmanager
def _alone() -> Iterator[bool]:
    """The lock is the session's: a process that dies gives it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        (is_ours,) = cursor.fetchone()
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _dispatch(log: SignalLog, registry: Registry) -> bool:
    signal = _signal_of(log)
    routed = _routed(log, signal, registry)
    outlook = outlook_for(signal, routed)  # may ask the network
    return _decide(log.pk, signal, routed, outlook)


def _signal_of(log: SignalLog) -> Signal:
    bar_time, details = cast(datetime, log.bar_time), Details.from_json(log.details)
    return Signal(log.symbol, log.message, bar_time, log.sent_at, log.signal_id, details)


def _routed(log: SignalLog, signal: Signal, registry: Registry) -> Routed:
    """By the tables of now. One that waited too long is nothing to trade any more."""
    rule = registry.rule_of(sender_of(log.source))
    if not rule.enabled:
        return Ignored(f"sender {rule.name} is switched off", ReasonCode.NOT_PERMITTED)
    known = route(signal, registry.tables, log.received_at, FOREVER)
    routed = only_permitted(known, rule.permits, rule.name)
    reason = _too_late(log, rule)
    if isinstance(routed, Ignored) or not reason:
        return routed
    return [Unrouted(one.strategy_id, reason, ReasonCode.STALE) if isinstance(one, Route) else one
            for one in routed]  # fmt: skip


def _too_late(log: SignalLog, rule: SenderRule) -> str:
    age = timezone.now() - min(log.sent_at or log.received_at, log.received_at)
    if age <= rule.max_age:
        return ""
    return f"waited here until it was {age.total_seconds():.0f} s old, the limit is {rule.max_age.total_seconds():.0f}"


@transaction.atomic
def _decide(log_id: int, signal: Signal, routed: Routed, outlook: Outlook) -> bool:
    waiting = SignalLog.objects.filter(pk=log_id, dispatched_at=None)
    decided = {"dispatched_at": timezone.now(), "direction": ledger.direction(routed)}
    if isinstance(routed, Ignored):
        refusal = {"status": SignalStatus.IGNORED, "reason": routed.reason, "reason_code": routed.code}
        return bool(waiting.update(**decided, **refusal))
    if not waiting.update(**decided):
        return False
    (concerned,) = following.still_there([routed])
    if not concerned:
        ledger.ignore_now(log_id)
    ledger.note_entries([(log_id, following.follow(signal, one, outlook)) for one in concerned])
    return True
