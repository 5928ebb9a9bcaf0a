"""The rows of the ledger: one for each distinct signal, an attempt for each repeat, one for what cannot be read."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from positions import broadcast
from signals_app.models import SignalAttempt, SignalLog, SignalLogEntry, SignalStatus
from signals_app.parsing import Signal, Unreadable
from signals_app.reasons import ReasonCode
from signals_app.routing import Ignored, Route, Routed
from signals_app.services.arrivals import Arrival, EntryVerdict, Verdict

RAW_KEPT = 4000
SECRETS = re.compile(
    r'("(?:token|secret|password|passphrase|api_?key)"\s*:\s*")(?:[^"\\]|\\.)*', re.IGNORECASE
)
COLUMNS = (
    "uid", "signal_id", "symbol", "direction", "source", "message", "raw_message", "bar_time", "sent_at",
    "received_at", "logged_at", "dispatched_at", "status", "reason", "reason_code",
    "details",
)  # fmt: skip
INSERT = f"""
    INSERT INTO signals_v2_log ({", ".join(COLUMNS)}) VALUES ({", ".join(f"%({name})s" for name in COLUMNS)})
    ON CONFLICT (uid) DO NOTHING RETURNING id
"""  # noqa: S608


def storable(raw: bytes | str) -> str:
    """Text that PostgreSQL takes, shortened: no NUL, no lone surrogates, and no secret of a sender."""
    text = raw[: RAW_KEPT * 4].decode("utf-8", "replace") if isinstance(raw, bytes) else raw[:RAW_KEPT]
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\0")
    return SECRETS.sub(r"\1…", clean)[:RAW_KEPT] + ("…" if len(raw) > RAW_KEPT else "")


def log_unreadable(arrival: Arrival, why: Unreadable) -> Verdict:
    """Without uid: two such messages are no repeats of each other."""
    now = timezone.now()
    log = SignalLog.objects.create(
        source=arrival.source,
        raw_message=storable(arrival.raw),
        received_at=arrival.received_at,
        dispatched_at=now,
        status=SignalStatus.IGNORED,
        reason=why.reason,
        reason_code=why.code,
    )
    broadcast.signal_logged(log.pk)
    return Verdict(SignalStatus.IGNORED, why.reason, log_id=log.pk, reason_code=why.code)


def insert(signal: Signal, routed: Routed, arrival: Arrival, *, is_accepted_only: bool = False) -> int | None:
    """None for a repeat. The unique index decides who was first, not a look beforehand."""
    now = timezone.now()
    is_waiting = is_accepted_only and not isinstance(routed, Ignored)
    row = _row(signal, routed, arrival, now) | {"dispatched_at": None if is_waiting else now}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, row)
        inserted = cursor.fetchone()
    if inserted is None:
        return None
    broadcast.signal_logged(inserted[0])
    return int(inserted[0])


def _row(signal: Signal, routed: Routed, arrival: Arrival, now: datetime) -> dict[str, Any]:
    ignored = routed if isinstance(routed, Ignored) else None
    return {
        "uid": signal.uid,
        "signal_id": signal.signal_id,
        "symbol": signal.symbol,
        "direction": direction(routed),
        "source": arrival.source,
        "message": signal.message,
        "raw_message": storable(arrival.raw),
        "bar_time": signal.bar_time,
        "sent_at": signal.sent_at,
        "received_at": arrival.received_at,
        "logged_at": now,
        "status": (SignalStatus.IGNORED if ignored else SignalStatus.NEW).value,
        "reason": ignored.reason if ignored else "",
        "reason_code": ignored.code.value if ignored else "",
        "details": Jsonb(signal.details.as_json()),
    }


def direction(routed: Routed) -> str:
    """Of the first strategy that follows it; strategies may read a phrase differently."""
    if isinstance(routed, Ignored):
        return ""
    return next((one.direction.value for one in routed if isinstance(one, Route)), "")


def note_repeat(signal: Signal, arrival: Arrival) -> Verdict:
    SignalAttempt.objects.create(uid=signal.uid, source=arrival.source, received_at=arrival.received_at)
    first = SignalLog.objects.values_list("pk", flat=True).get(uid=signal.uid)
    reason = "this signal was already received"
    return Verdict(SignalStatus.DUPLICATE, reason, signal.uid, first, signal.signal_id)


def ignore_now(log_id: int) -> Ignored:
    """The strategies that knew it were deleted since the tables were read."""
    why = Ignored("its strategies were deleted", ReasonCode.NO_STRATEGY)
    changed = {"status": SignalStatus.IGNORED, "reason": why.reason, "reason_code": why.code}
    SignalLog.objects.filter(pk=log_id).update(**changed)
    return why


def note_entry(log_id: int, verdict: EntryVerdict) -> None:
    SignalLogEntry.objects.create(
        log_id=log_id,
        strategy_id=verdict.strategy_id,
        position_id=verdict.position_id,
        status=verdict.status,
        note=verdict.note,
        reason_code=verdict.reason_code or "",
    )
