"""Is it the entry that fails, or is everything?"""

from __future__ import annotations

import django.db
import psycopg
import redis

# an index that cannot hold it, a statement too complex: of one entry, though PostgreSQL counts them as operational
LIMITS = "54"
DATABASE = (
    django.db.OperationalError, django.db.InterfaceError, django.db.InternalError, django.db.ProgrammingError,
)  # fmt: skip
CONNECTIONS = (psycopg.OperationalError, psycopg.InterfaceError, redis.ConnectionError, redis.TimeoutError)


def is_outage(error: Exception) -> bool:
    """A server that is away, overloaded or not ready: to be waited for, and nobody's fault."""
    if isinstance(error, DATABASE):
        return not (getattr(error.__cause__, "sqlstate", None) or "").startswith(LIMITS)
    return isinstance(error, CONNECTIONS)
