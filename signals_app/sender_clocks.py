"""How far the clocks of senders are from ours, by the signals they sent last. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from signals_app.sender_rules import sender_of

NEWEST = 1000  # signals of each source: one beside a flood has its clock, too
OLDEST = timedelta(days=7)
# the sources by leaps along an index, one probe for each; then the newest signals of each
MEDIANS = """
    WITH RECURSIVE sources AS (
        (SELECT source FROM signals_v2_log ORDER BY source LIMIT 1)
        UNION ALL
        SELECT (SELECT source FROM signals_v2_log WHERE source > sources.source ORDER BY source LIMIT 1)
        FROM sources WHERE source IS NOT NULL
    )
    SELECT source, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY delay)
    FROM sources CROSS JOIN LATERAL (
        SELECT extract(epoch FROM received_at - sent_at) AS delay FROM signals_v2_log
        WHERE source = sources.source AND sent_at IS NOT NULL AND received_at > %s
        ORDER BY received_at DESC LIMIT %s
    ) newest GROUP BY source ORDER BY source
"""


@dataclass(frozen=True, slots=True)
class SenderClock:
    """delay: from `sent_at` by the sender's clock to the arrival by ours, the median. Below zero its clock is ahead; a
    long one is a clock behind, or a long way."""

    source: str
    signals: int
    delay: timedelta

    def __str__(self) -> str:
        seconds, source = self.delay.total_seconds(), self.source
        if seconds < 0:
            return f"{source}: its clock is {-seconds:.3f} s ahead of ours (signals: {self.signals})"
        return f"{source}: {seconds:.3f} s from sending to arrival (signals: {self.signals})"


def sender_clocks(now: datetime) -> Mapping[str, SenderClock]:
    """By source; who never says when it sent is not among them."""
    with connection.cursor() as cursor:
        cursor.execute(MEDIANS, [now - OLDEST, NEWEST])
        rows = cursor.fetchall()
    return {source: SenderClock(source, count, timedelta(seconds=delay)) for source, count, delay in rows}


def clocks_of(sender: str, now: datetime) -> list[SenderClock]:
    """At each door it came through."""
    return [clock for source, clock in sender_clocks(now).items() if sender_of(source) == sender]
