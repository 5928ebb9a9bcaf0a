"""What a sender is refused at the door: a row, too, so that all that was received stands in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from django.db import connection, transaction
from django.utils import timezone

from positions import broadcast
from signals_app.models import SignalStatus, UsedSignature
from signals_app.parsing import Unreadable
from signals_app.reasons import ReasonCode
from signals_app.services import ledger
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.intake import accept

COUNT_REFUSED = """
    INSERT INTO signals_v2_log (symbol, direction, source, message, raw_message, received_at, logged_at,
        dispatched_at, status, reason, reason_code, received_count)
    VALUES ('', '', %s, '', %s, %s, %s, %s, 'ignored', %s, 'rate_limited', %s)
    ON CONFLICT (source, received_at) WHERE reason_code = 'rate_limited'
    DO UPDATE SET received_count = signals_v2_log.received_count + EXCLUDED.received_count
    RETURNING id, received_count
"""
USE_SIGNATURE = "INSERT INTO used_signatures (digest, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING"
USED_BEFORE = "this signature was used before"


def refuse(arrival: Arrival, reason: str, code: ReasonCode) -> Verdict:
    with transaction.atomic():
        return ledger.log_unreadable(arrival, Unreadable(reason, code))


@transaction.atomic
def refuse_for_rate(arrivals: Sequence[Arrival]) -> list[Verdict]:
    """One row for each source and minute counts them all and keeps the first as a sample: a flood must not be one
    of rows."""
    verdicts: list[Verdict] = []
    for minute, those in groupby(arrivals, _minute):
        of_it = list(those)
        verdicts += [_refused_within(minute, of_it)] * len(of_it)
    return verdicts


def _minute(arrival: Arrival) -> datetime:
    return arrival.received_at.replace(second=0, microsecond=0)


def _refused_within(minute: datetime, arrivals: Sequence[Arrival]) -> Verdict:
    first, now = arrivals[0], timezone.now()
    rate = first.rule.rate
    reason = f"more than {rate.per_minute} a minute (and {rate.burst} at once)"
    with connection.cursor() as cursor:
        sample = ledger.storable(first.raw)
        cursor.execute(COUNT_REFUSED, [first.source, sample, minute, now, now, reason, len(arrivals)])
        log_id, count = cursor.fetchone()
        if count == len(arrivals):
            broadcast.signals_logged([log_id])
    return Verdict(SignalStatus.IGNORED, reason, log_id=log_id, reason_code=ReasonCode.RATE_LIMITED)


@transaction.atomic
def accept_signed(arrival: Arrival, digest: str) -> Verdict:
    """The signature is used up in the commit that keeps its message: where that fails, the same may come again."""
    now = arrival.received_at
    UsedSignature.objects.filter(expires_at__lt=now).delete()
    with connection.cursor() as cursor:
        cursor.execute(USE_SIGNATURE, [digest, now + 2 * arrival.rule.replay_window])
        is_first = cursor.rowcount == 1
    if not is_first:
        return ledger.log_unreadable(arrival, Unreadable(USED_BEFORE, ReasonCode.REPLAYED))
    return accept(arrival)
