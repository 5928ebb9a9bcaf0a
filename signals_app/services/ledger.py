"""The rows of the ledger: one for each distinct signal, an attempt for each repeat, one for what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from ops.redaction import without_secrets
from positions import broadcast
from signals_app.models import EntryStatus, SignalAttempt, SignalLog, SignalLogEntry, SignalStatus
from signals_app.parsing import Signal, Unreadable
from signals_app.reasons import MAY_COME_AGAIN, ReasonCode
from signals_app.routing import Ignored, Place, Route, Routed
from signals_app.services.arrivals import Arrival, EntryVerdict, Reading, Verdict

LoggedPlace = tuple[int, Place]  # the signal's row, and where it is followed

RAW_KEPT = 4000
TYPES = {
    "uid": "text", "signal_id": "text", "symbol": "text", "direction": "text", "source": "text", "message": "text",
    "raw_message": "text", "bar_time": "timestamptz", "sent_at": "timestamptz", "received_at": "timestamptz",
    "logged_at": "timestamptz", "dispatched_at": "timestamptz", "status": "text", "reason": "text",
    "reason_code": "text", "details": "jsonb", "delivery": "text",
}  # fmt: skip
# JSON is one parameter that both ends read fast; arrays are quoted value by value. Ids are in the order of arrival, and
# rows are written in that of their uids: two batches with the same signals would else wait for each other for ever
INSERT = f"""
    INSERT INTO signals_v2_log (id, {", ".join(TYPES)})
    SELECT id, {", ".join(TYPES)} FROM (
        SELECT nextval(pg_get_serial_sequence('signals_v2_log', 'id')) AS id, {", ".join(TYPES)}
        FROM ROWS FROM (json_to_recordset(%s) AS ({", ".join(f"{name} {kind}" for name, kind in TYPES.items())}))
            WITH ORDINALITY arrived ({", ".join(TYPES)}, number)
        ORDER BY number
    ) numbered ORDER BY uid
    ON CONFLICT (uid) DO NOTHING RETURNING id, uid
"""  # noqa: S608
# of two that want it at once, the second finds no uid any more; in one order, so that they never wait for each other
GIVE_UP_UID = """
    WITH refused AS (
        SELECT id, uid FROM signals_v2_log
        WHERE uid = ANY(%(uids)s) AND status = 'ignored' AND reason_code = ANY(%(codes)s) ORDER BY uid FOR NO KEY UPDATE
    )
    UPDATE signals_v2_log log SET uid = NULL FROM refused WHERE log.id = refused.id RETURNING refused.uid
"""
INSERT_ENTRIES = """
    INSERT INTO signal_log_entries_v2
        (log_id, strategy_id, account_id, position_id, status, note, reason_code, logged_at)
    SELECT log_id, strategy_id, account_id, position_id, status, note, reason_code, %s FROM json_to_recordset(%s) AS one
        (log_id bigint, strategy_id bigint, account_id bigint, position_id bigint, status text, note text,
         reason_code text)
"""


def storable(raw: bytes | str) -> str:
    """Text that PostgreSQL takes, shortened: no NUL, no lone surrogates, and no secret of a sender."""
    text = raw[: RAW_KEPT * 4].decode("utf-8", "replace") if isinstance(raw, bytes) else raw[:RAW_KEPT]
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\0")
    return without_secrets(clean)[:RAW_KEPT] + ("…" if len(raw) > RAW_KEPT else "")


def log_unreadable(arrival: Arrival, why: Unreadable) -> Verdict:
    """Without uid: two such messages are no repeats of each other."""
    (log_id,) = insert([Reading.unreadable(arrival, why.reason, why.code)])
    return Verdict(SignalStatus.IGNORED, why.reason, log_id=log_id, reason_code=why.code)


def insert(readings: Sequence[Reading], *, are_accepted_only: bool = False) -> list[int | None]:
    """The ids of their rows, in their order; None for a repeat of an earlier one or of what was there before. One that
    may be followed is no repeat of a message that was refused for its sender or its moment."""
    ids = _insert(readings, are_accepted_only)
    again = _again([reading for reading, log_id in zip(readings, ids, strict=True) if log_id is None])
    if not again:
        return ids
    new = iter(_insert(again, are_accepted_only))
    chosen = {id(reading) for reading in again}
    return [
        next(new) if id(reading) in chosen else log_id for reading, log_id in zip(readings, ids, strict=True)
    ]


def _again(repeats: Sequence[Reading]) -> list[Reading]:
    """Those whose uid was given up for them; the refused row stays, without it."""
    followed = [one for one in repeats if not isinstance(one.routed, Ignored)]
    if not followed:
        return []
    with connection.cursor() as cursor:
        cursor.execute(GIVE_UP_UID, {"uids": [one.uid for one in followed], "codes": sorted(MAY_COME_AGAIN)})
        free = {uid for (uid,) in cursor.fetchall()}
    return [one for one in followed if one.uid in free]


def _insert(readings: Sequence[Reading], are_accepted_only: bool) -> list[int | None]:
    """The unique index decides who was first, not a look beforehand. One statement for all of them."""
    if not readings:
        return []
    now, seen = timezone.now(), set[str]()
    is_first = [_is_first(reading, seen) for reading in readings]
    firsts = [reading for reading, first in zip(readings, is_first, strict=True) if first]
    rows = [_row(reading, now, are_accepted_only) for reading in firsts]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [json.dumps(rows, default=datetime.isoformat)])
        inserted = cursor.fetchall()
    broadcast.signals_logged([log_id for log_id, _ in inserted])
    return _in_order(readings, is_first, inserted)


def _is_first(reading: Reading, seen: set[str]) -> bool:
    if reading.uid is None:
        return True
    is_new = reading.uid not in seen
    seen.add(reading.uid)
    return is_new


def _in_order(
    readings: Sequence[Reading], is_first: Sequence[bool], inserted: Sequence[tuple[int, str | None]]
) -> list[int | None]:
    """Rows without uid come back in the order in which they were given."""
    unreadable = iter(sorted(log_id for log_id, uid in inserted if uid is None))
    ids = {uid: log_id for log_id, uid in inserted if uid is not None}
    return [
        (next(unreadable) if reading.uid is None else ids.get(reading.uid)) if first else None
        for reading, first in zip(readings, is_first, strict=True)
    ]


def _row(reading: Reading, now: datetime, are_accepted_only: bool) -> dict[str, Any]:
    """What is not said is NULL or empty as the columns ask for."""
    arrival = reading.arrival
    ignored = reading.routed if isinstance(reading.routed, Ignored) else None
    return _said(reading.signal) | {
        "uid": reading.uid,
        "direction": direction(reading.routed),
        "source": arrival.source,
        "raw_message": storable(arrival.raw),
        "received_at": arrival.received_at,
        "logged_at": now,
        "dispatched_at": None if are_accepted_only and not ignored else now,
        "status": SignalStatus.IGNORED if ignored else SignalStatus.NEW,
        "reason": ignored.reason if ignored else "",
        "reason_code": ignored.code if ignored else "",
        "delivery": arrival.delivery,
    }


def _said(signal: Signal | None) -> dict[str, Any]:
    if signal is None:
        return {"symbol": "", "message": "", "details": {}}
    return {
        "signal_id": signal.signal_id,
        "symbol": signal.symbol,
        "message": signal.message,
        "bar_time": signal.bar_time,
        "sent_at": signal.sent_at,
        "details": signal.details.as_json(),
    }


def direction(routed: Routed) -> str:
    """Of the first strategy that follows it; strategies may read a phrase differently."""
    if isinstance(routed, Ignored):
        return ""
    return next((one.direction.value for one in routed if isinstance(one, Route)), "")


def note_repeats(repeats: Sequence[Reading]) -> dict[str, int]:
    """An attempt each; returns uid -> the row of the first."""
    if not repeats:
        return {}
    SignalAttempt.objects.bulk_create(
        SignalAttempt(
            uid=one.uid or "",
            source=one.arrival.source,
            received_at=one.arrival.received_at,
            delivery=one.arrival.delivery,
        )
        for one in repeats
    )
    firsts = SignalLog.objects.filter(uid__in={one.uid for one in repeats})
    return {uid: log_id for uid, log_id in firsts.values_list("uid", "pk") if uid is not None}


def is_recorded(reading: Reading) -> bool:
    """Whether this very delivery was written before its carrier heard of it. Numbers alone may be used again: a carrier
    that lost its memory counts anew."""
    arrival = reading.arrival
    written = {"delivery": arrival.delivery, "source": arrival.source}
    same = Q(uid=None, raw_message=storable(arrival.raw))
    if reading.uid is None:
        return SignalLog.objects.filter(same, **written).exists()
    return (
        SignalLog.objects.filter(same | Q(uid=reading.uid), **written).exists()
        or SignalAttempt.objects.filter(uid=reading.uid, **written).exists()
    )


def is_written(arrival: Arrival) -> bool:
    """As `is_recorded`, of a message that is not read once more: that may be what ends the process."""
    written = {"delivery": arrival.delivery, "source": arrival.source}
    rows = SignalLog.objects.filter(raw_message=storable(arrival.raw), **written)
    repeats = SignalAttempt.objects.filter(received_at__gt=arrival.received_at - timedelta(days=1), **written)
    return rows.exclude(reason_code=ReasonCode.GIVEN_UP).exists() or repeats.exists()


def settled_uids(uids: Collection[str]) -> set[str | None]:
    """Those whose repeats trade nothing. To save work; which of two is the first, `insert` decides."""
    if not uids:
        return set()
    known = SignalLog.objects.filter(uid__in=uids)
    refused = known.filter(status=SignalStatus.IGNORED, reason_code__in=MAY_COME_AGAIN)
    narrow = known.filter(entries__in=_beyond_scope())
    return set(known.difference(refused, narrow).values_list("uid", flat=True))


def beyond_scope(asked: Collection[LoggedPlace]) -> set[LoggedPlace]:
    """Those of them that nobody who said it so far might speak to."""
    if not asked:
        return set()
    rows, strategies = {log_id for log_id, _ in asked}, {strategy_id for _, (strategy_id, _) in asked}
    found = _beyond_scope().filter(log__in=rows, strategy__in=strategies)
    of_entries = set(found.values_list("log_id", "strategy_id", "account_id"))
    return {one for one in asked if (one[0], *one[1]) in of_entries}


def _beyond_scope() -> QuerySet[SignalLogEntry]:
    return SignalLogEntry.objects.filter(status=EntryStatus.SKIPPED, reason_code=ReasonCode.NOT_PERMITTED)


def replace_entries(log_id: int, entries: Sequence[EntryVerdict]) -> None:
    """Of strategies that could not be spoken to before."""
    for one in entries:
        _beyond_scope().filter(log=log_id, strategy=one.strategy_id, account=one.account_id).update(
            status=one.status,
            note=one.note,
            reason_code=one.reason_code or "",
            position=one.position_id,
            logged_at=timezone.now(),
        )


def ignore_now(log_id: int) -> Ignored:
    """The strategies that knew it were deleted since the tables were read."""
    why = Ignored("its strategies were deleted", ReasonCode.NO_STRATEGY)
    changed = {"status": SignalStatus.IGNORED, "reason": why.reason, "reason_code": why.code}
    SignalLog.objects.filter(pk=log_id).update(**changed)
    return why


def note_entries(entries: Sequence[tuple[int, EntryVerdict]]) -> None:
    """(id of the signal's row, verdict) each, in one statement."""
    if not entries:
        return
    rows = [
        {
            "log_id": log_id,
            "strategy_id": one.strategy_id,
            "account_id": one.account_id,
            "position_id": one.position_id,
            "status": one.status,
            "note": one.note,
            "reason_code": one.reason_code or "",
        }
        for log_id, one in entries
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_ENTRIES, [timezone.now(), json.dumps(rows)])
