"""Rows of a legacy table that nobody has decided about yet: read through a server-side cursor, written in batches, each
with its `LegacyRow` in one transaction. Killed at any line, the next run goes on behind the last batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from psycopg import sql
from rich.progress import Progress

from ops.legacy import catalog
from ops.legacy.mapping.reading import KEY, Rejection, Row
from ops.legacy.services.copying import copy_into
from ops.models import ALL_ROWS, LegacyOutcome, LegacyRow

logger = logging.getLogger(__name__)

BATCH = 1000
COLUMNS = ("source", "table", "legacy_id", "outcome", "reason", "our_table", "our_id", "decided_at")
T = TypeVar("T")


class Importer(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> Sequence[LegacyTable]:
        """Of which it decides each row."""
        ...

    def run(self, progress: Progress) -> None: ...


@dataclass(frozen=True, slots=True)
class LegacyTable:
    source: str
    schema: str
    name: str
    key: tuple[str, ...] = ("id",)

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def exists(self) -> bool:
        return bool(columns_of(self))


@dataclass(frozen=True, slots=True)
class Verdict:
    legacy_id: str
    outcome: LegacyOutcome
    reason: str = ""
    our_table: str = ""
    our_id: str = ""


def imported(row: Row, our_table: str, our_id: object, to_know: str = "") -> Verdict:
    return Verdict(row[KEY], LegacyOutcome.IMPORTED, to_know, our_table=our_table, our_id=str(our_id))


def not_imported(row: Row, reason: str, outcome: str = LegacyOutcome.REJECTED) -> Verdict:
    return Verdict(row[KEY], LegacyOutcome(outcome), reason)


# inside a transaction: writes our rows and says of each legacy row what became of it
Write = Callable[[Sequence[Row]], Sequence[Verdict]]


# the columns a table has -> which of its rows, in SQL
Only = Callable[[Collection[str]], str]


def every(columns: Collection[str]) -> str:
    return "true"


def carry_over(
    table: LegacyTable,
    write: Write,
    progress: Progress,
    *,
    only: Only = every,
    at_once: int | None = None,
    otherwise: LegacyOutcome = LegacyOutcome.REJECTED,
) -> None:
    """`otherwise`: of a row that cannot be written, for whatever reason."""
    if not table.exists:
        return
    undecided = _undecided(table, only)
    shown = progress.add_task(f"{table.source} {table.full_name}", total=_count(undecided))
    for rows in _batches(undecided, at_once or BATCH):
        _carry(table, write, rows, otherwise)
        progress.advance(shown, len(rows))


def sort_out(rows: Sequence[Row], convert: Callable[[Row], T]) -> tuple[list[tuple[Row, T]], list[Verdict]]:
    """What converts, and a verdict for each that does not."""
    taken, refused = list[tuple[Row, T]](), list[Verdict]()
    for row in rows:
        try:
            taken.append((row, convert(row)))
        except Rejection as rejection:
            refused.append(not_imported(row, str(rejection), rejection.outcome))
    return taken, refused


def leave_behind(table: LegacyTable, reason: str) -> None:
    """None of its rows has a place with us: one verdict, with their number, for there may be many millions."""
    if not table.exists:
        return
    into = sql.SQL(
        'INSERT INTO legacy_rows (source, "table", legacy_id, outcome, reason, our_table, our_id, decided_at) '
        "SELECT {}, {}, {}, {}, count(*) || ' rows: ' || {}, '', '', now() FROM {} HAVING count(*) > 0 "
        'ON CONFLICT (source, "table", legacy_id) DO UPDATE SET reason = excluded.reason, decided_at = now() '
        "WHERE legacy_rows.reason <> excluded.reason"
    ).format(
        table.source, table.full_name, ALL_ROWS, LegacyOutcome.SKIPPED.value, reason,
        sql.Identifier(table.schema, table.name),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(into)


def columns_of(table: LegacyTable) -> Collection[str]:
    with connection.cursor() as cursor:
        return catalog.columns_of(cursor, table.full_name).keys()


def all_rows(table: LegacyTable) -> list[Row]:
    """Of a table that is small."""
    return _fetched(_keyed(table)) if table.exists else []


def rows_where(table: LegacyTable, only: Only) -> list[Row]:
    """Of a table that is small where this is true."""
    if not table.exists:
        return []
    which = sql.SQL(only(columns_of(table)))
    return _fetched(
        sql.SQL("SELECT * FROM ({keyed}) keyed WHERE {only}").format(keyed=_keyed(table), only=which)
    )


def undecided_rows(table: LegacyTable, only: Only) -> list[Row]:
    return _fetched(_undecided(table, only)) if table.exists else []


def _fetched(query: sql.Composed) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _keyed(table: LegacyTable) -> sql.Composed:
    return sql.SQL("SELECT legacy.*, {key} AS {name} FROM {table} legacy").format(
        key=_key(table), name=sql.Identifier(KEY), table=sql.Identifier(table.schema, table.name)
    )


def _undecided(table: LegacyTable, only: Only) -> sql.Composed:
    return sql.SQL(
        "SELECT * FROM ({keyed}) keyed WHERE {only} AND NOT EXISTS (SELECT 1 "
        'FROM legacy_rows known WHERE known.source = {source} AND known."table" = {full_name} '
        "AND known.legacy_id = keyed.{name} AND known.outcome <> {waiting}) ORDER BY {order}"
    ).format(
        keyed=_keyed(table),
        only=sql.SQL(only(columns_of(table))),
        name=sql.Identifier(KEY),
        source=table.source,
        full_name=table.full_name,
        waiting=LegacyOutcome.WAITING.value,
        order=_order(table),
    )


def _key(table: LegacyTable) -> sql.Composable:
    """Where a table lost its key, the row's own content names it."""
    content = sql.SQL("'row ' || md5(legacy::text) || ' ' || row_number() OVER (PARTITION BY legacy::text)")
    if not set(table.key) <= set(columns_of(table)):
        return content
    parts = [sql.SQL("legacy.{}::text").format(sql.Identifier(name)) for name in table.key]
    return sql.SQL(" || ':' || ").join(parts)


def _order(table: LegacyTable) -> sql.Composable:
    known = set(table.key) <= set(columns_of(table))
    names = table.key if known else (KEY,)
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _count(query: sql.Composed) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM ({}) undecided").format(query))
        return int(cursor.fetchone()[0])


def _batches(query: sql.Composed, at_once: int) -> Iterator[list[Row]]:
    """The server keeps the result, also over our commits."""
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(query)
        while found := cursor.fetchmany(at_once):
            names = [column.name for column in cursor.description]
            yield [dict(zip(names, values, strict=True)) for values in found]


def _carry(table: LegacyTable, write: Write, rows: list[Row], otherwise: LegacyOutcome) -> None:
    """A batch that is refused is tried row by row, so that one bad row keeps no other out."""
    if len(rows) == 1:
        _carry_one(table, write, rows[0], otherwise)
        return
    try:
        _write(table, write, rows)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.info("a batch of %s is refused, and taken row by row", table.full_name)
        for row in rows:
            _carry_one(table, write, row, otherwise)


def _carry_one(table: LegacyTable, write: Write, row: Row, otherwise: LegacyOutcome) -> None:
    try:
        _write(table, write, [row])
    except (OperationalError, InterfaceError):
        raise
    except Rejection as rejection:
        is_final = rejection.outcome == LegacyOutcome.REJECTED
        refusal = not_imported(row, str(rejection), otherwise if is_final else rejection.outcome)
        _write(table, lambda rows: [refusal], [row])
    except Exception as error:
        refusal = not_imported(row, _in_words(error), otherwise)
        _write(table, lambda rows: [refusal], [row])


def _in_words(error: Exception) -> str:
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    said = f"our table refuses it: {constraint}" if constraint else f"{type(error).__name__}: {error}"
    return said.partition("\n")[0]


@transaction.atomic
def _write(table: LegacyTable, write: Write, rows: Sequence[Row]) -> None:
    """The unique LegacyRow refuses a second import of what a first one wrote."""
    verdicts = write(rows)
    _expect_all([row[KEY] for row in rows], verdicts)
    decide(table, verdicts)


def decide(table: LegacyTable, verdicts: Sequence[Verdict], *, again: bool = False) -> None:
    """In the transaction that wrote what they say. Only what waited may be decided again, unless the older bot writes
    such a row anew for another thing (`again`)."""
    ids = [verdict.legacy_id for verdict in verdicts]
    known = LegacyRow.objects.filter(source=table.source, table=table.full_name, legacy_id__in=ids)
    (known if again else known.filter(outcome=LegacyOutcome.WAITING)).delete()
    now = timezone.now()
    rows = (
        (
            table.source,
            table.full_name,
            one.legacy_id,
            one.outcome.value,
            one.reason,
            one.our_table,
            one.our_id,
            now,
        )
        for one in verdicts
    )
    copy_into(LegacyRow._meta.db_table, COLUMNS, rows)


def _expect_all(ids: Sequence[str], verdicts: Sequence[Verdict]) -> None:
    if sorted(ids) != sorted(verdict.legacy_id for verdict in verdicts):
        raise ValueError("not every row has its verdict")


def our_ids(table: LegacyTable, legacy_ids: Sequence[str], our_table: str) -> dict[str, str]:
    """Legacy id -> our id, of those that were imported."""
    found: dict[str, str] = dict(
        LegacyRow.objects.filter(
            source=table.source, table=table.full_name, legacy_id__in=legacy_ids, our_table=our_table
        ).values_list("legacy_id", "our_id")
    )
    return found
