"""Rows with the times that an older bot gave them, where our columns would say now."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, models
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery
from psycopg import sql


def insert_as_told(objects: Sequence[models.Model], *, ignore_known: bool = False) -> set[int]:
    """In one statement. The ids of those that are written: all of them, or those that no unique index knew before."""
    if not objects:
        return set()
    model = type(objects[0])
    for one, number in zip(objects, _next_ids(model, len(objects)), strict=True):
        one.pk = number
    query = InsertQuery(model, on_conflict=OnConflict.IGNORE if ignore_known else None)
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    query.insert_values(fields, list(objects), raw=True)
    written = query.get_compiler(connection=connection).execute_sql([model._meta.pk])
    return {number for (number, *_) in written}


def _next_ids(model: type[models.Model], count: int) -> list[int]:
    numbers = sql.SQL("SELECT nextval(pg_get_serial_sequence({}, 'id')) FROM generate_series(1, {})")
    with connection.cursor() as cursor:
        cursor.execute(numbers.format(sql.Literal(model._meta.db_table), sql.Literal(count)))
        return [number for (number,) in cursor.fetchall()]
