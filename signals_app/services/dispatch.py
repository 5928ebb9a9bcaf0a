"""Accepted signals, decided in the order of their rows by one process at a time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import cast

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
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
from tradingbot.alone import alone

logger = logging.getLogger(__name__)

FOREVER = timedelta.max


def dispatch_accepted(limit: int, registry: Registry | None = None) -> int:
    """How many were decided; none while another process does it."""
    tables = registry or live.current()
    with alone("dispatch accepted") as is_ours:
        if not is_ours:
            return 0
        waiting = SignalLog.objects.filter(dispatched_at=None).order_by("pk")[:limit]
        return sum(_dispatch(log, tables) for log in waiting)


def _dispatch(log: SignalLog, registry: Registry) -> bool:
    """One that we fail on must not keep the others waiting; with the database away all of them wait."""
    try:
        signal = _signal_of(log)
        routed = _routed(log, signal, registry)
        outlook = outlook_for(signal, routed)  # may ask the network
        return _decide(log.pk, signal, routed, outlook)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("accepted signal %s could not be decided", log.pk)
        return _ignore(log.pk, Ignored(f"internal error ({type(error).__name__})", ReasonCode.INTERNAL_ERROR))


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
    if isinstance(routed, Ignored):
        return _ignore(log_id, routed)
    decided = {"dispatched_at": timezone.now(), "direction": ledger.direction(routed)}
    if not _waiting(log_id).update(**decided):
        return False
    (concerned,) = following.still_there([routed])
    if not concerned:
        ledger.ignore_now(log_id)
    ledger.note_entries([(log_id, following.follow(signal, one, outlook)) for one in concerned])
    return True


def _ignore(log_id: int, why: Ignored) -> bool:
    refusal = {"status": SignalStatus.IGNORED, "reason": why.reason, "reason_code": why.code}
    return bool(_waiting(log_id).update(dispatched_at=timezone.now(), direction="", **refusal))


def _waiting(log_id: int) -> QuerySet[SignalLog]:
    return SignalLog.objects.filter(pk=log_id, dispatched_at=None)
