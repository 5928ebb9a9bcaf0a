"""Who waits for a lock in the database of this test; other test workers have databases beside it."""

from __future__ import annotations

from django.db import connection

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_clear_snapshot()"
        )  # a transaction would see the activity of its beginning
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])
