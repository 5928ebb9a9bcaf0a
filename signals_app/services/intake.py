"""One intake behind every door: messages in, verdicts out, what follows from them in one commit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from signals_app.models import SignalStatus
from signals_app.outlook import Outlook, outlook_for
from signals_app.parsing import Signal, Unreadable, parse
from signals_app.reasons import ReasonCode
from signals_app.registry import Registry, live
from signals_app.routing import Ignored, Route, Routed, Unrouted, only_permitted, route
from signals_app.services import following, ledger
from signals_app.services.arrivals import Arrival, Verdict

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Understood:
    """An arrival that was read and routed; nothing is written yet."""

    arrival: Arrival
    signal: Signal
    routed: Routed
    outlook: Outlook


def receive_signal(arrival: Arrival, registry: Registry | None = None) -> Verdict:
    """Log it, refuse a repeat, route it, and open or close what follows from it."""
    return _record(_understand(arrival, registry or live.current()))


def receive_batch(arrivals: Sequence[Arrival], registry: Registry | None = None) -> list[Verdict]:
    """One commit for all, verdicts in order of arrival. Where that fails, each is tried alone."""
    tables = registry or live.current()
    batch = [_understand(arrival, tables) for arrival in arrivals]
    try:
        with transaction.atomic():
            following.lock(each for one in batch for each in _concerned(one))
            return [_record(one) for one in batch]
    except Exception:
        logger.exception("a batch of %d signals failed as a whole; each is tried alone", len(batch))
    return [_alone(arrival, tables) for arrival in arrivals]


def _concerned(one: Understood | tuple[Arrival, Unreadable]) -> list[Route | Unrouted]:
    if not isinstance(one, Understood) or isinstance(one.routed, Ignored):
        return []
    return one.routed


def _alone(arrival: Arrival, registry: Registry) -> Verdict:
    try:
        return receive_signal(arrival, registry)
    except Exception as error:
        logger.exception("a signal of %s could not be handled", arrival.source)
        return log_failure(arrival, error)


def accept(arrival: Arrival, registry: Registry | None = None) -> Verdict:
    """Only its row: what follows from it is decided by `dispatch_accepted`. No network, no trade."""
    tables = registry or live.current()
    signal = _read(arrival, tables)
    if isinstance(signal, Unreadable):
        return _log_unreadable(arrival, signal)
    return _accept(arrival, signal, routed_for(arrival, signal, tables))


def log_failure(arrival: Arrival, error: Exception) -> Verdict:
    """A message that we failed on. Without uid, so that it counts as new when it is sent again."""
    why = Unreadable(f"internal error ({type(error).__name__})", ReasonCode.INTERNAL_ERROR)
    return _log_unreadable(arrival, why)


def routed_for(arrival: Arrival, signal: Signal, registry: Registry) -> Routed:
    if not arrival.rule.enabled:
        return Ignored(f"sender {arrival.rule.name} is switched off", ReasonCode.NOT_PERMITTED)
    objection = registry.contracts.objection(signal.symbol)
    if objection:
        return Ignored(objection, ReasonCode.UNKNOWN_TICKER)
    routed = route(signal, registry.tables, arrival.received_at, arrival.rule.max_age)
    return only_permitted(routed, arrival.rule.permits, arrival.rule.name)


def _understand(arrival: Arrival, registry: Registry) -> Understood | tuple[Arrival, Unreadable]:
    signal = _read(arrival, registry)
    if isinstance(signal, Unreadable):
        return arrival, signal
    routed = routed_for(arrival, signal, registry)
    return Understood(arrival, signal, routed, outlook_for(signal, routed))


def _read(arrival: Arrival, registry: Registry) -> Signal | Unreadable:
    read = parse(arrival.raw, arrival.received_at)
    if isinstance(read, Unreadable):
        return read
    if read.signal_id is None:
        logger.warning("signal for %s carries no id; stored as NULL", read.symbol)
    return registry.contracts.named(read)


def _record(one: Understood | tuple[Arrival, Unreadable]) -> Verdict:
    return _receive(one) if isinstance(one, Understood) else _log_unreadable(*one)


@transaction.atomic
def _log_unreadable(arrival: Arrival, why: Unreadable) -> Verdict:
    return ledger.log_unreadable(arrival, why)


@transaction.atomic
def _receive(one: Understood) -> Verdict:
    signal, routed = one.signal, one.routed
    log_id = ledger.insert(signal, routed, one.arrival)
    if log_id is None:
        return ledger.note_repeat(signal, one.arrival)
    if isinstance(routed, Ignored):
        return _ignored(signal, routed, log_id)
    concerned = following.still_there(routed)
    if not concerned:
        return _ignored(signal, ledger.ignore_now(log_id), log_id)
    entries = tuple(following.follow(signal, each, one.outlook) for each in concerned)
    for entry in entries:
        ledger.note_entry(log_id, entry)
    return Verdict(SignalStatus.NEW, "", signal.uid, log_id, signal.signal_id, entries)


@transaction.atomic
def _accept(arrival: Arrival, signal: Signal, routed: Routed) -> Verdict:
    log_id = ledger.insert(signal, routed, arrival, is_accepted_only=True)
    if log_id is None:
        return ledger.note_repeat(signal, arrival)
    if isinstance(routed, Ignored):
        return _ignored(signal, routed, log_id)
    return Verdict(SignalStatus.NEW, "", signal.uid, log_id, signal.signal_id)


def _ignored(signal: Signal, why: Ignored, log_id: int) -> Verdict:
    return Verdict(
        SignalStatus.IGNORED, why.reason, signal.uid, log_id, signal.signal_id, reason_code=why.code
    )
