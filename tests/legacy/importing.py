"""An old bot's rows beside our tables, in the test's own transaction, and the import of them."""

from __future__ import annotations

from typing import Any

from django.db import connection

from ops.legacy.services.importing import import_all
from ops.models import LegacyRow
from tests.legacy.generations import generation


def an_old_bot(number: int, **options: bool) -> None:
    """As the migrations leave it, without foreign keys and views on its signal ids."""
    with connection.cursor() as cursor:
        generation(number, cursor, **{"foreign_key": False, "views": False} | options)


def import_now() -> list[str]:
    said: list[str] = []
    import_all(said.append)
    return said


def sql(text: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, values or None)
        return cursor.fetchall() if cursor.description else []


def outcomes(table: str) -> dict[str, int]:
    rows = LegacyRow.objects.filter(table=table).values_list("outcome", flat=True)
    return {outcome: list(rows).count(outcome) for outcome in set(rows)}
