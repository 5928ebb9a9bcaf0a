"""receive_signal: one message in, one verdict out, all of it in one commit."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction

from exchanges.marks import fresh_mark
from positions import broadcast
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services.closing import REQUESTABLE, request_close
from positions.services.opening import Opened, Proposal, open_position
from signals_app.models import EntryStatus, SignalAttempt, SignalLog, SignalLogEntry, SignalStatus
from signals_app.parsing import Signal, Unreadable, parse
from signals_app.registry import Registry
from signals_app.routing import Ignored, OppositeSignal, Route, Unrouted, route

logger = logging.getLogger(__name__)

RAW_KEPT = 4000
Marks = dict[int, Decimal | None]


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    strategy_id: int
    status: EntryStatus
    note: str = ""
    position_id: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    status: SignalStatus
    reason: str = ""
    uid: str | None = None
    log_id: int | None = None
    signal_id: str | None = None
    entries: tuple[EntryVerdict, ...] = ()


def receive_signal(raw: bytes | str, *, source: str, received_at: datetime, registry: Registry) -> Verdict:
    """Log it, refuse a repeat, route it, and open or close what follows from it."""
    signal = parse(raw, received_at)
    if isinstance(signal, Unreadable):
        return _log_unreadable(raw, signal.reason, source, received_at)
    _warn_of_missing_id(signal)
    routed = route(signal, registry.tables, received_at, settings.MAX_SIGNAL_AGE)
    marks = _marks(signal, routed)  # may ask the network, so it comes before the transaction
    try:
        return _receive(signal, routed, marks, raw, source, received_at)
    except _Repeated:
        return _note_repeat(signal, source, received_at)


class _Repeated(Exception):
    """The database already holds this uid."""


def _warn_of_missing_id(signal: Signal) -> None:
    if signal.signal_id is None:
        logger.warning("signal for %s carries no id; stored as NULL", signal.symbol)


def _marks(signal: Signal, routed: Ignored | list[Route | Unrouted]) -> Marks:
    if isinstance(routed, Ignored):
        return {}
    accounts = {one.account_id for one in routed if isinstance(one, Route) and one.direction.is_entry}
    return {account_id: fresh_mark(account_id, signal.symbol) for account_id in accounts}


@transaction.atomic
def _log_unreadable(raw: bytes | str, reason: str, source: str, received_at: datetime) -> Verdict:
    log = SignalLog.objects.create(
        source=source,
        raw_message=storable(raw),
        received_at=received_at,
        status=SignalStatus.IGNORED,
        reason=reason,
    )
    broadcast.signal_logged(log.pk)
    return Verdict(SignalStatus.IGNORED, reason, log_id=log.pk)


def storable(raw: bytes | str) -> str:
    """Text that PostgreSQL takes, shortened: no NUL, no lone surrogates."""
    text = raw[: RAW_KEPT * 4].decode("utf-8", "replace") if isinstance(raw, bytes) else raw[:RAW_KEPT]
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\0")
    return clean[:RAW_KEPT] + ("…" if len(raw) > RAW_KEPT else "")


@transaction.atomic
def _receive(
    signal: Signal,
    routed: Ignored | list[Route | Unrouted],
    marks: Marks,
    raw: bytes | str,
    source: str,
    received_at: datetime,
) -> Verdict:
    reason = routed.reason if isinstance(routed, Ignored) else ""
    log = _insert(signal, raw, source, received_at, reason, _direction(routed))
    broadcast.signal_logged(log.pk)
    entries = () if isinstance(routed, Ignored) else tuple(_follow(signal, one, marks, log) for one in routed)
    status = SignalStatus.IGNORED if reason else SignalStatus.NEW
    return Verdict(status, reason, signal.uid, log.pk, signal.signal_id, entries)


def _direction(routed: Ignored | list[Route | Unrouted]) -> str:
    """Of the first strategy that follows it; strategies may read a phrase differently."""
    if isinstance(routed, Ignored):
        return ""
    return next((one.direction.value for one in routed if isinstance(one, Route)), "")


def _insert(
    signal: Signal, raw: bytes | str, source: str, received_at: datetime, reason: str, direction: str
) -> SignalLog:
    """The unique index decides who was first, not a look beforehand."""
    try:
        with transaction.atomic():
            return SignalLog.objects.create(
                uid=signal.uid,
                signal_id=signal.signal_id,
                symbol=signal.symbol,
                direction=direction,
                source=source,
                message=signal.message,
                raw_message=storable(raw),
                bar_time=signal.bar_time,
                sent_at=signal.sent_at,
                received_at=received_at,
                status=SignalStatus.IGNORED if reason else SignalStatus.NEW,
                reason=reason,
            )
    except IntegrityError as error:
        raise _Repeated from error


@transaction.atomic
def _note_repeat(signal: Signal, source: str, received_at: datetime) -> Verdict:
    SignalAttempt.objects.create(uid=signal.uid, source=source, received_at=received_at)
    first = SignalLog.objects.values_list("pk", flat=True).get(uid=signal.uid)
    reason = "this signal was already received"
    return Verdict(SignalStatus.DUPLICATE, reason, signal.uid, first, signal.signal_id)


def _follow(signal: Signal, routed: Route | Unrouted, marks: Marks, log: SignalLog) -> EntryVerdict:
    verdict = _decide(signal, routed, marks)
    SignalLogEntry.objects.create(
        log=log,
        strategy_id=verdict.strategy_id,
        position_id=verdict.position_id,
        status=verdict.status,
        note=verdict.note,
    )
    return verdict


def _decide(signal: Signal, routed: Route | Unrouted, marks: Marks) -> EntryVerdict:
    """A strategy that fails must not undo what the others did."""
    if isinstance(routed, Unrouted):
        return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, routed.reason)
    try:
        with transaction.atomic():
            if routed.direction.is_entry:
                return _open(signal, routed, marks.get(routed.account_id))
            return _close(signal, routed)
    except Exception as error:
        logger.exception("strategy %s failed on signal %s", routed.strategy_id, signal.uid)
        return EntryVerdict(routed.strategy_id, EntryStatus.FAILED, type(error).__name__)


def _open(signal: Signal, routed: Route, mark_price: Decimal | None) -> EntryVerdict:
    if mark_price is None:
        return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, "no fresh price")
    if routed.opposite is not OppositeSignal.HEDGE:
        opposite = _live(signal, routed, routed.direction.position_side.opposite, only_own=True)
        if opposite and routed.opposite is OppositeSignal.IGNORE:
            return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, "an opposite position is open")
        _request_closes(opposite, signal)
    proposal = Proposal(
        routed.strategy_id, signal.symbol, routed.direction.position_side, mark_price, signal.signal_id
    )
    outcome = open_position(proposal)
    if isinstance(outcome, Opened):
        return EntryVerdict(routed.strategy_id, EntryStatus.OPENED, position_id=outcome.position_id)
    return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, outcome.reason)


def _close(signal: Signal, routed: Route) -> EntryVerdict:
    """A closing phrase ends the leg on its account, whichever strategy opened it."""
    positions = _live(signal, routed, routed.direction.position_side, only_own=False)
    if not positions:
        return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, "nothing to close")
    _request_closes(positions, signal)
    return EntryVerdict(routed.strategy_id, EntryStatus.CLOSED, position_id=positions[0])


def _live(signal: Signal, routed: Route, side: str, *, only_own: bool) -> list[int]:
    live = Position.objects.filter(
        account_id=routed.account_id,
        instrument__exchange_symbol=signal.symbol,
        position_side=side,
        status__in=REQUESTABLE,
    )
    if only_own:
        live = live.filter(strategy_id=routed.strategy_id)
    return list(live.values_list("pk", flat=True))


def _request_closes(position_ids: list[int], signal: Signal) -> None:
    for position_id in position_ids:
        request_close(position_id, reason=CloseReason.SIGNAL, requested_by=f"signal {signal.uid[:12]}")
