"""Waves as rows: claimed once, their candidates kept, handed on one by one, whoever has to finish them.

Whoever works on a wave holds its lock (`tradingbot.alone`); each function is one step that may be killed at any line.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from signals_app.models import EntryStatus, SignalLogEntry, Wave, WaveSignal
from signals_app.parsing import Signal
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry
from signals_app.routing import Ignored
from signals_app.selection import Left, Record, Selection, WaveEnd, next_step, read_record
from signals_app.sender_rules import SenderRule
from signals_app.services import ledger
from signals_app.services.arrivals import Arrival, Reading, Verdict
from signals_app.services.intake import log_failure, receive_signal
from signals_app.waves import Outcome, WaveStatus, is_stale, moved

logger = logging.getLogger(__name__)

SOURCE = "server"
CLAIM = """
    INSERT INTO waves (exchange, wave_time, status, look_until, found, reason, started_at)
    VALUES (%s, %s, %s, %s, 0, '', %s) ON CONFLICT (exchange, wave_time) DO NOTHING RETURNING id
"""


def claim(exchange: str, wave_time: datetime, look_until: datetime) -> bool:
    """False when it was claimed before, by whomever."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, (exchange, wave_time, WaveStatus.PROCESSING.value, look_until, timezone.now()))
        return cursor.fetchone() is not None


@transaction.atomic
def begin(wave: Wave, selection: Selection, left: Iterable[Left], received_at: datetime) -> None:
    """From here on the wave needs no server: what is handed on, and in which order, is rows."""
    candidates, found = selection.candidates, len(selection.candidates) + len(selection.left)
    WaveSignal.objects.bulk_create(
        WaveSignal(wave=wave, place=place, uid=one.key, symbol=one.symbol, score=one.score, raw=one.raw)
        for place, one in enumerate(candidates)
    )
    refuse((*selection.left, *left), received_at)
    _move(wave, WaveStatus.EXECUTING, target=selection.target, first=selection.first, found=found)


@transaction.atomic
def not_found(wave: Wave, left: Iterable[Left], received_at: datetime) -> None:
    refuse(left, received_at)
    _move(wave, WaveStatus.NOT_FOUND, reason="no signal came in time", finished_at=timezone.now())


def hand_on_next(wave: Wave, registry: Registry) -> bool:
    """The next candidate through the ordinary intake. False when the wave is over."""
    candidates = list(wave.candidates.order_by("place"))
    step = _next(wave, candidates)
    if isinstance(step, WaveEnd):
        _end(wave, step, candidates, registry)
        return False
    one = candidates[step]
    one.outcome, one.handed_on_at = hand_on(one.raw, registry), timezone.now()
    one.save(update_fields=["outcome", "handed_on_at"])
    return True


def _next(wave: Wave, candidates: list[WaveSignal]) -> int | WaveEnd:
    if is_stale(wave.wave_time, timezone.now()):
        return WaveEnd("nobody finished it for two hours", ReasonCode.WAVE_STALE)
    outcomes = [Outcome(one.outcome) for one in candidates]
    return next_step(outcomes, wave.target or 0, wave.first or 0)


def hand_on(raw: str, registry: Registry) -> Outcome:
    """One that was handed on before a kill is a repeat now: its entries tell what became of it."""
    arrival = Arrival(raw, SOURCE, timezone.now(), registry.rule_of(SOURCE))
    try:
        return _outcome(receive_signal(arrival, registry))
    except (OperationalError, InterfaceError):
        raise  # not the signal's fault: the same step again
    except Exception as error:
        logger.exception("a signal of the server could not be handed on")
        log_failure(arrival, error)
        return Outcome.REFUSED


def _outcome(verdict: Verdict) -> Outcome:
    entries = SignalLogEntry.objects.filter(log_id=verdict.log_id).values_list("status", "reason_code")
    if any(status == EntryStatus.OPENED for status, _ in entries):
        return Outcome.OPENED
    if entries and all(code == ReasonCode.NO_FUNDS for _, code in entries):
        return Outcome.NO_FUNDS
    return Outcome.REFUSED


@transaction.atomic
def _end(wave: Wave, end: WaveEnd, candidates: list[WaveSignal], registry: Registry) -> None:
    now, why = timezone.now(), Ignored(end.reason, end.code)
    waiting = [json.loads(one.raw) for one in candidates if one.outcome == Outcome.WAITING]
    refuse([(read_record(fields, now, registry.contracts), why) for fields in waiting], now)
    wave.candidates.filter(outcome=Outcome.WAITING).update(outcome=Outcome.LEFT)
    _move(wave, WaveStatus.COMPLETED, reason=end.reason, finished_at=now)


def _move(wave: Wave, to: WaveStatus, **values: object) -> None:
    wave.status = moved(WaveStatus(wave.status), to)
    for name, value in values.items():
        setattr(wave, name, value)
    wave.save(update_fields=["status", *values])


def refuse(left: Iterable[Left], received_at: datetime) -> None:
    """Rows that say why each was not handed on. One that has a row already keeps that."""
    ledger.insert([_reading(record, why, received_at) for record, why in left])


def _reading(record: Record, why: Ignored, received_at: datetime) -> Reading:
    arrival = Arrival(record.raw, SOURCE, received_at, SenderRule(SOURCE))
    if isinstance(record.signal, Signal):
        return Reading.of(arrival, record.signal, why)
    return Reading.unreadable(arrival, why.reason, why.code)
