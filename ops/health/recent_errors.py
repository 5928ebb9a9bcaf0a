"""The same error once, with how often and when last: what went wrong lately, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

LOOKED_AT = 2000  # newest rows of each table; a storm of one error is not read to its end
SHOWN = 20

# numbers and quoted words differ between two cases of one error
_SAME = r"regexp_replace(left({text}, 300), '[0-9]+|''[^'']*''|\"[^\"]*\"', '#', 'g')"
_ALIKE = _SAME.format(text="message")

_QUESTION = f"""
WITH told AS (
    (SELECT level, module AS place, message, created_at FROM system_logs
     WHERE level <> 'INFO' ORDER BY created_at DESC LIMIT {LOOKED_AT})
    UNION ALL
    (SELECT risk_level, event_type,
            coalesce(details ->> 'reason', details ->> 'error', details ->> 'sentence', ''), created_at
     FROM risk_events ORDER BY id DESC LIMIT {LOOKED_AT})
)
SELECT min(level), place, (array_agg(message ORDER BY created_at DESC))[1], count(*), min(created_at), max(created_at)
FROM told WHERE created_at > %(since)s AND level IN ('ERROR', 'WARNING', 'high', 'critical')
GROUP BY place, {_ALIKE} ORDER BY max(created_at) DESC LIMIT {SHOWN}
"""  # noqa: S608  (made of constants)


@dataclass(frozen=True, slots=True)
class RecentError:
    level: str
    place: str
    message: str
    count: int
    first_seen: datetime
    last_seen: datetime

    @property
    def is_bad(self) -> bool:
        return self.level in ("ERROR", "critical")


def recent_errors(since: datetime) -> list[RecentError]:
    with connection.cursor() as cursor:
        cursor.execute(_QUESTION, {"since": since})
        return [RecentError(*row) for row in cursor.fetchall()]
