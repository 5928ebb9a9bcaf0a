"""Whether an old bot's database was moved in whole: compared with the backup, row by row where ids are concerned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import Count

from ops.legacy import catalog, scope
from ops.legacy.backup_files import SIGNAL_IDS, Manifest, read_manifest, what_is_wrong
from ops.legacy.checks import Check
from ops.legacy.server import Server
from ops.models import LegacyOutcome, LegacyRow, MovingInRecord

WANTED_TYPE = "character varying(100)"
CHANGED = (*catalog.SIGNAL_ID_TABLES, catalog.TRAILING_STATES, "monitoring.risk_events")
AGAIN = "Run `manage.py legacy migrate` again, and this once more"
BACK = "Go back with `manage.py legacy restore` and look at the log of the migration beside the backup"
DIFFERENT_IDS = """
    SELECT count(*) FROM ids_before b LEFT JOIN {table} t ON t.id::text = b.id
    WHERE b.source = %s
      AND (t.id IS NULL OR (b.signal_id IS NOT NULL AND t.signal_id::text IS DISTINCT FROM b.signal_id))
"""


@dataclass
class Verification:
    server: Server
    record: MovingInRecord
    folder: Path

    def checks(self) -> Iterator[Check]:
        yield Check(
            "migrated", self.record.migrated_at is not None, str(self.record.migrated_at or "not yet"), AGAIN
        )
        wrong = what_is_wrong(self.folder)
        yield Check("backup", not wrong, wrong or f"{self.folder}, as it was written", "Or name it: --folder")
        manifest = read_manifest(self.folder)
        with self.server.connect() as connection, connection.cursor() as cursor:
            yield from columns(cursor)
            yield foreign_keys(cursor)
            yield history(cursor)
            yield from counts(cursor, manifest, self.record.preflight)
            yield from self.ids(cursor)
            yield untouched(cursor, manifest)
            yield from trailing_states(cursor, manifest)
            yield from imported(cursor)

    def ids(self, cursor: Any) -> Iterator[Check]:
        cursor.execute(
            "CREATE TEMP TABLE ids_before (source text, id text, signal_id text, symbol text, created_at text)"
        )
        with (
            (self.folder / SIGNAL_IDS).open("rb") as file,
            cursor.copy("COPY ids_before FROM STDIN (FORMAT csv, HEADER)") as rows,
        ):
            while part := file.read(1024 * 1024):
                rows.write(part)
        for table in catalog.SIGNAL_ID_TABLES:
            if catalog.has_table(cursor, table):
                yield same_ids(cursor, table)


def columns(cursor: Any) -> Iterator[Check]:
    for table in catalog.SIGNAL_ID_TABLES:
        if not catalog.has_table(cursor, table):
            continue
        column = catalog.columns_of(cursor, table).get("signal_id")
        right = bool(column and column.type == WANTED_TYPE and column.nullable and column.comment)
        found = (
            f"{column.type}, {'may be empty' if column.nullable else 'NOT NULL'}, "
            f"{'with' if column.comment else 'without'} a comment"
            if column
            else "missing"
        )
        yield Check(f"{table}.signal_id", right, found, AGAIN)


def foreign_keys(cursor: Any) -> Check:
    keys = [key for key in catalog.foreign_keys_into(cursor, "fas") if key.table in catalog.SIGNAL_ID_TABLES]
    found = ", ".join(f"{key.table} {key.name}" for key in keys)
    return Check("foreign keys to fas", not keys, found or "none", AGAIN)


def history(cursor: Any) -> Check:
    if not catalog.has_table(cursor, catalog.SCORING_HISTORY):
        return Check(catalog.SCORING_HISTORY, True, "there is none")
    comment = catalog.comment_on(cursor, catalog.SCORING_HISTORY)
    remedy = f"Its owner may say: COMMENT ON TABLE {catalog.SCORING_HISTORY} IS 'Legacy'"
    return Check(catalog.SCORING_HISTORY, bool(comment), comment or "has no comment", remedy)


def counts(cursor: Any, manifest: Manifest, remembered: Mapping[str, Any]) -> Iterator[Check]:
    before = {
        table: content.rows for table, content in manifest.tables.items() if table in catalog.SIGNAL_ID_TABLES
    }
    for table, rows in scope.counts(cursor, before).items():
        yield Check(f"{table} rows", rows == before[table], f"{rows:,} of {before[table]:,}", BACK)
    for table, count in scope.signal_ids(cursor).items():
        least = remembered.get("signal_ids", {}).get(table, 0)
        yield Check(
            f"{table} with signal_id", count >= least, f"{count:,}, {least:,} at the pre-flight", BACK
        )


def same_ids(cursor: Any, table: str) -> Check:
    source = table.partition(".")[2]
    cursor.execute(DIFFERENT_IDS.format(table=table), [source])
    (different,) = cursor.fetchone()
    cursor.execute("SELECT count(*), count(signal_id) FROM ids_before WHERE source = %s", [source])
    rows, ids = cursor.fetchone()
    found = f"{different:,} of {rows:,} differ" if different else f"{ids:,} of {ids:,} identical as text"
    return Check(f"{table} ids", different == 0, found, BACK)


def untouched(cursor: Any, manifest: Manifest) -> Check:
    gone = () if "fas" in scope.schemas(cursor) else ("fas.",)  # by drop-fas
    before = {
        table: content
        for table, content in manifest.tables.items()
        if table not in CHANGED and not table.startswith(gone) and not _is_kept_for_the_way_back(table)
    }
    there = [table for table in before if catalog.has_table(cursor, scope.quoted(table))]
    different = scope.changed(before, scope.contents(cursor, there))
    found = f"{', '.join(different)} differ" if different else f"{len(before)} tables as in the backup"
    remedy = f"Has an old bot gone on writing? Stop it. {BACK}"
    return Check("other tables", not different, found, remedy)


def _is_kept_for_the_way_back(table: str) -> bool:
    """The migration renames those of an earlier time, and drop-backups drops them."""
    return re.search(catalog.BACKUP_NAMES, table.partition(".")[2]) is not None


def trailing_states(cursor: Any, manifest: Manifest) -> Iterator[Check]:
    if not catalog.has_table(cursor, catalog.TRAILING_STATES):
        return
    stale = len(catalog.stale_states(cursor))
    was = manifest.stale_states
    yield Check("stale trailing states", stale == 0, f"{stale}, {was} before", AGAIN)
    rows = scope.counts(cursor, [catalog.TRAILING_STATES])[catalog.TRAILING_STATES]
    least = manifest.tables[catalog.TRAILING_STATES].rows - was
    yield Check("live trailing states", rows >= least, f"{rows:,}, {least:,} before", BACK)


def imported(cursor: Any) -> Iterator[Check]:
    """Every row of a table that is imported at all has a verdict."""
    decided = dict(LegacyRow.objects.values_list("table").annotate(Count("pk")))
    there = scope.tables(cursor)
    for table, rows in scope.counts(cursor, [table for table in there if table in decided]).items():
        found = f"{decided[table]:,} of {rows:,} rows decided, {_kept(table)}"
        yield Check(f"import of {table}", decided[table] >= rows, found, AGAIN)
    left = [table for table in there if table not in decided and table not in catalog.backup_tables(cursor)]
    yield Check("not imported, kept as they are", True, ", ".join(left) or "none")
    for reason, count in _waiting():
        yield Check(f"{count:,} rows wait", True, reason)


def _kept(table: str) -> str:
    outcomes = LegacyRow.objects.filter(table=table).values_list("outcome").annotate(Count("pk"))
    return ", ".join(
        f"{count:,} {LegacyOutcome(outcome).value}" for outcome, count in outcomes.order_by("outcome")
    )


def _waiting() -> Iterable[tuple[str, int]]:
    """The import tries them again each time."""
    rows = LegacyRow.objects.filter(outcome=LegacyOutcome.WAITING)
    return rows.values_list("reason").annotate(Count("pk")).order_by("reason")
