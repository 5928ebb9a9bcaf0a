"""Accepted signals, decided in the order of their rows by one process at a time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from signals_app.models import SignalLog, SignalStatus
from signals_app.outlook import Outlook, Question, outlooks_for, question_of
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry, live, load
from signals_app.routing import Ignored, Routed, only_permitted, route
from signals_app.sender_rules import SenderRule, sender_of
from signals_app.services import following, ledger
from signals_app.services.arrivals import too_late, waited
from signals_app.shapes.signal import Details
from tradingbot.alone import alone

logger = logging.getLogger(__name__)

FOREVER = timedelta.max


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An accepted row, read and routed."""

    log_id: int
    received_at: datetime
    rule: SenderRule
    signal: Signal
    routed: Routed

    @property
    def question(self) -> Question:
        """What is too late to open asks for no price."""
        late = too_late(self.signal, self.received_at, self.rule)
        return question_of(self.signal, [] if late else self.routed)


def dispatch_accepted(limit: int, registry: Registry | None = None) -> int:
    """How many were decided; none while another process does it."""
    tables = registry or live.current()
    with alone("dispatch accepted") as is_ours:
        return _dispatch(limit, tables) if is_ours else 0


def _dispatch(limit: int, tables: Registry) -> int:
    """A row that the database does not take now waits for the next round, and so do those of its symbol behind it."""
    decided, seen, held_up = 0, 0, set[str]()
    while decided < limit:
        waiting = SignalLog.objects.filter(dispatched_at=None, pk__gt=seen).exclude(symbol__in=held_up)
        rows = list(waiting.order_by("pk")[: limit - decided])
        if not rows:
            break
        decided, seen = decided + _decide_each(rows, tables, held_up), rows[-1].pk
    return decided


def _decide_each(rows: Sequence[SignalLog], tables: Registry, held_up: set[str]) -> int:
    known = _knowing(rows, tables)
    read = [(row, _read(row, known)) for row in rows]
    outlooks = outlooks_for(
        {one.question for _, one in read if isinstance(one, _Waiting)}
    )  # may ask the network
    decided = 0
    for row, one in read:
        if row.symbol in held_up:
            continue
        try:
            decided += _tried(row.pk, one, outlooks)
        except (OperationalError, InterfaceError) as error:
            if not connection.is_usable():
                raise  # the database is away: all of them wait
            logger.warning("accepted signal %s waits: %s", row.pk, type(error).__name__)
            held_up.add(row.symbol)
    return decided


def _knowing(rows: Sequence[SignalLog], tables: Registry) -> Registry:
    """A sender that was made just now may be known at its door and not yet here."""
    return tables if all(_is_known(row.source, tables) for row in rows) else load()


def _is_known(source: str, registry: Registry) -> bool:
    """Sources without a token need no row."""
    return ":" not in source or sender_of(source) in registry.rules


def _read(log: SignalLog, registry: Registry) -> _Waiting | Ignored:
    try:
        signal, rule = signal_of(log), registry.rule_of(sender_of(log.source))
        return _Waiting(log.pk, log.received_at, rule, signal, _routed(log, signal, rule, registry))
    except Exception as error:
        return _our_failure(log.pk, error)


def _tried(log_id: int, one: _Waiting | Ignored, outlooks: Mapping[Question, Outlook]) -> bool:
    """One that we fail on must not keep the others waiting."""
    if isinstance(one, Ignored):
        return _ignore(log_id, one)
    try:
        return _decide(one, outlooks.get(one.question, Outlook()))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return _ignore(log_id, _our_failure(log_id, error))


def _our_failure(log_id: int, error: Exception) -> Ignored:
    logger.error("accepted signal %s could not be decided", log_id, exc_info=error)
    return Ignored(f"internal error ({type(error).__name__})", ReasonCode.INTERNAL_ERROR)


def signal_of(log: SignalLog) -> Signal:
    bar_time, details = cast(datetime, log.bar_time), Details.from_json(log.details)
    return Signal(log.symbol, log.message, bar_time, log.sent_at, log.signal_id, details)


def _routed(log: SignalLog, signal: Signal, rule: SenderRule, registry: Registry) -> Routed:
    """By the tables of now. A sender that is known no more was deleted or has another name: nobody says what it may."""
    if not _is_known(log.source, registry):
        return Ignored(f"sender {rule.name} is not known any more", ReasonCode.NOT_PERMITTED)
    if not rule.enabled:
        return Ignored(f"sender {rule.name} is switched off", ReasonCode.NOT_PERMITTED)
    return only_permitted(route(signal, registry.tables, log.received_at, FOREVER), rule.permits, rule.name)


@transaction.atomic
def _decide(one: _Waiting, outlook: Outlook) -> bool:
    if isinstance(one.routed, Ignored):
        return _ignore(one.log_id, one.routed)
    decided = {"dispatched_at": timezone.now(), "direction": ledger.direction(one.routed)}
    if not _waiting(one.log_id).update(**decided):
        return False
    (concerned,) = following.still_there([one.routed])
    if not concerned:
        ledger.ignore_now(one.log_id)
    so_far = waited(one.signal, one.received_at, one.rule)
    ledger.note_entries(
        [(one.log_id, following.follow(one.signal, each, outlook, so_far)) for each in concerned]
    )
    return True


def _ignore(log_id: int, why: Ignored) -> bool:
    refusal = {"status": SignalStatus.IGNORED, "reason": why.reason, "reason_code": why.code}
    return bool(_waiting(log_id).update(dispatched_at=timezone.now(), direction="", **refusal))


def _waiting(log_id: int) -> QuerySet[SignalLog]:
    return SignalLog.objects.filter(pk=log_id, dispatched_at=None)
