"""receive_signal: one message in, one verdict out, all of it in one commit."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from exchanges.marks import fresh_mark
from positions import broadcast
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services.closing import REQUESTABLE, request_close
from positions.services.opening import Opened, Proposal, open_position
from signals_app.models import EntryStatus, SignalAttempt, SignalLog, SignalLogEntry, SignalStatus, Strategy
from signals_app.parsing import Signal, Unreadable, parse
from signals_app.registry import Registry, live
from signals_app.routing import Ignored, OppositeSignal, Route, Unrouted, route

logger = logging.getLogger(__name__)

RAW_KEPT = 4000
SECRETS = re.compile(
    r'("(?:token|secret|password|passphrase|api_?key)"\s*:\s*")(?:[^"\\]|\\.)*', re.IGNORECASE
)
INSERT = """
    INSERT INTO signals_v2_log (uid, signal_id, symbol, direction, source, message, raw_message, bar_time,
        sent_at, received_at, logged_at, status, reason)
    VALUES (%(uid)s, %(signal_id)s, %(symbol)s, %(direction)s, %(source)s, %(message)s, %(raw_message)s,
        %(bar_time)s, %(sent_at)s, %(received_at)s, %(logged_at)s, %(status)s, %(reason)s)
    ON CONFLICT (uid) DO NOTHING RETURNING id
"""
Routed = Ignored | list[Route | Unrouted]
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame as it came in."""

    raw: bytes | str
    source: str
    received_at: datetime


def receive_signal(
    raw: bytes | str, *, source: str, received_at: datetime, registry: Registry | None = None
) -> Verdict:
    """Log it, refuse a repeat, route it, and open or close what follows from it."""
    arrival = Arrival(raw, source, received_at)
    signal = parse(raw, received_at)
    if isinstance(signal, Unreadable):
        return _log_untraded(arrival, signal.reason)
    _warn_of_missing_id(signal)
    tables = (live.current() if registry is None else registry).tables
    routed = route(signal, tables, received_at, settings.MAX_SIGNAL_AGE)
    marks = _marks(signal, routed)  # may ask the network, so it comes before the transaction
    return _receive(signal, routed, marks, arrival)


def log_failure(raw: bytes | str, error: Exception, *, source: str, received_at: datetime) -> Verdict:
    """A frame that we failed on. Without uid, so that it counts as new when it is sent again."""
    return _log_untraded(Arrival(raw, source, received_at), f"internal error ({type(error).__name__})")


def storable(raw: bytes | str) -> str:
    """Text that PostgreSQL takes, shortened: no NUL, no lone surrogates, and no secret of a sender."""
    text = raw[: RAW_KEPT * 4].decode("utf-8", "replace") if isinstance(raw, bytes) else raw[:RAW_KEPT]
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\0")
    return SECRETS.sub(r"\1…", clean)[:RAW_KEPT] + ("…" if len(raw) > RAW_KEPT else "")


def _warn_of_missing_id(signal: Signal) -> None:
    if signal.signal_id is None:
        logger.warning("signal for %s carries no id; stored as NULL", signal.symbol)


def _marks(signal: Signal, routed: Routed) -> Marks:
    if isinstance(routed, Ignored):
        return {}
    accounts = {one.account_id for one in routed if isinstance(one, Route) and one.direction.is_entry}
    return {account_id: _mark(account_id, signal.symbol) for account_id in accounts}


def _mark(account_id: int, symbol: str) -> Decimal | None:
    """Without a price nothing is opened, but the signal is kept and closes what it closes."""
    try:
        return fresh_mark(account_id, symbol)
    except Exception:
        logger.exception("no mark price of %s for account %s", symbol, account_id)
        return None


@transaction.atomic
def _log_untraded(arrival: Arrival, reason: str) -> Verdict:
    log = SignalLog.objects.create(
        source=arrival.source,
        raw_message=storable(arrival.raw),
        received_at=arrival.received_at,
        status=SignalStatus.IGNORED,
        reason=reason,
    )
    broadcast.signal_logged(log.pk)
    return Verdict(SignalStatus.IGNORED, reason, log_id=log.pk)


@transaction.atomic
def _receive(signal: Signal, routed: Routed, marks: Marks, arrival: Arrival) -> Verdict:
    log_id = _insert(signal, routed, arrival)
    if log_id is None:
        return _note_repeat(signal, arrival)
    broadcast.signal_logged(log_id)
    if isinstance(routed, Ignored):
        return Verdict(SignalStatus.IGNORED, routed.reason, signal.uid, log_id, signal.signal_id)
    entries = tuple(_follow(signal, one, marks, log_id) for one in _still_there(routed))
    return Verdict(SignalStatus.NEW, "", signal.uid, log_id, signal.signal_id, entries)


def _insert(signal: Signal, routed: Routed, arrival: Arrival) -> int | None:
    """None for a repeat. The unique index decides who was first, not a look beforehand."""
    row = {
        "uid": signal.uid,
        "signal_id": signal.signal_id,
        "symbol": signal.symbol,
        "direction": _direction(routed),
        "source": arrival.source,
        "message": signal.message,
        "raw_message": storable(arrival.raw),
        "bar_time": signal.bar_time,
        "sent_at": signal.sent_at,
        "received_at": arrival.received_at,
        "logged_at": timezone.now(),
        "status": SignalStatus.IGNORED.value if isinstance(routed, Ignored) else SignalStatus.NEW.value,
        "reason": routed.reason if isinstance(routed, Ignored) else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, row)
        inserted = cursor.fetchone()
    return inserted[0] if inserted else None


def _direction(routed: Routed) -> str:
    """Of the first strategy that follows it; strategies may read a phrase differently."""
    if isinstance(routed, Ignored):
        return ""
    return next((one.direction.value for one in routed if isinstance(one, Route)), "")


def _note_repeat(signal: Signal, arrival: Arrival) -> Verdict:
    SignalAttempt.objects.create(uid=signal.uid, source=arrival.source, received_at=arrival.received_at)
    first = SignalLog.objects.values_list("pk", flat=True).get(uid=signal.uid)
    reason = "this signal was already received"
    return Verdict(SignalStatus.DUPLICATE, reason, signal.uid, first, signal.signal_id)


def _still_there(routed: Sequence[Route | Unrouted]) -> list[Route | Unrouted]:
    """Locks the accounts in one order before any position, so that two signals never wait for each other.

    A strategy that was deleted since the tables were read is left out. The lock is one that foreign keys to the
    account do not wait for: a fill report holds its position when it asks for that.
    """
    wanted = Strategy.objects.filter(pk__in=[one.strategy_id for one in routed])
    locked = wanted.select_related("account").select_for_update(of=("account",), no_key=True)
    known = {strategy.pk for strategy in locked.order_by("account_id", "pk")}
    return [one for one in routed if one.strategy_id in known]


def _follow(signal: Signal, routed: Route | Unrouted, marks: Marks, log_id: int) -> EntryVerdict:
    verdict = _decide(signal, routed, marks)
    SignalLogEntry.objects.create(
        log_id=log_id,
        strategy_id=verdict.strategy_id,
        position_id=verdict.position_id,
        status=verdict.status,
        note=verdict.note,
    )
    return verdict


def _decide(signal: Signal, routed: Route | Unrouted, marks: Marks) -> EntryVerdict:
    """A strategy that fails must not undo what the others did: each close and each opening is a savepoint."""
    if isinstance(routed, Unrouted):
        return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, routed.reason)
    try:
        if routed.direction.is_entry:
            return _enter(signal, routed, marks.get(routed.account_id))
        return _leave(signal, routed)
    except Exception as error:
        logger.exception("strategy %s failed on signal %s", routed.strategy_id, signal.uid)
        return EntryVerdict(routed.strategy_id, EntryStatus.FAILED, type(error).__name__)


def _enter(signal: Signal, routed: Route, mark_price: Decimal | None) -> EntryVerdict:
    """The other side is left first; that needs no price and stands even where nothing is opened after it."""
    closed: list[int] = []
    if routed.opposite is not OppositeSignal.HEDGE:
        closed = _live(signal, routed, routed.direction.position_side.opposite, only_own=True)
        if closed and routed.opposite is OppositeSignal.IGNORE:
            return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, "an opposite position is open")
        _request_closes(closed, signal)
    outcome = _opened(signal, routed, mark_price)
    if isinstance(outcome, int):
        return EntryVerdict(routed.strategy_id, EntryStatus.OPENED, position_id=outcome)
    if closed:
        note = f"the opposite position is being closed; nothing opened: {outcome}"
        return EntryVerdict(routed.strategy_id, EntryStatus.CLOSED, note, closed[0])
    return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, outcome)


def _opened(signal: Signal, routed: Route, mark_price: Decimal | None) -> int | str:
    """The new position's id, or why there is none."""
    if mark_price is None:
        return "no fresh price"
    side = routed.direction.position_side
    proposal = Proposal(routed.strategy_id, signal.symbol, side, mark_price, signal.signal_id)
    with transaction.atomic():  # a savepoint: open_position takes none of its own
        outcome = open_position(proposal)
    return outcome.position_id if isinstance(outcome, Opened) else outcome.reason


def _leave(signal: Signal, routed: Route) -> EntryVerdict:
    """A closing phrase ends the leg on its account, whichever strategy opened it."""
    positions = _live(signal, routed, routed.direction.position_side, only_own=False)
    if not positions:
        return EntryVerdict(routed.strategy_id, EntryStatus.SKIPPED, "nothing to close")
    _request_closes(positions, signal)
    return EntryVerdict(routed.strategy_id, EntryStatus.CLOSED, position_id=positions[0])


def _live(signal: Signal, routed: Route, side: str, *, only_own: bool) -> list[int]:
    held = Position.objects.filter(
        account_id=routed.account_id,
        instrument__exchange_symbol=signal.symbol,
        position_side=side,
        status__in=REQUESTABLE,
    )
    if only_own:
        held = held.filter(strategy_id=routed.strategy_id)
    return list(held.order_by("pk").values_list("pk", flat=True))


def _request_closes(position_ids: list[int], signal: Signal) -> None:
    for position_id in position_ids:
        request_close(position_id, reason=CloseReason.SIGNAL, requested_by=f"signal {signal.uid[:12]}")
