"""A database session apart from Django's: for locks that live as long as it does, and for listening."""

from __future__ import annotations

import psycopg
from django.db import connection


def own_session() -> psycopg.Connection:
    """On the same database and schema; every statement is its own transaction."""
    parameters = connection.get_connection_params()
    django_only = ("cursor_factory", "context", "prepare_threshold")
    wanted = {key: value for key, value in parameters.items() if key not in django_only}
    return psycopg.connect(**wanted, autocommit=True)
