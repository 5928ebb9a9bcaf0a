"""Whether an old bot's database was moved in whole: compared with the backup, row by row where ids are concerned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count

from ops.legacy import catalog, scope, since_backup
from ops.legacy.backup_files import SIGNAL_IDS, Manifest, read_manifest, what_is_wrong
from ops.legacy.checks import Check
from ops.legacy.server import Server
from ops.legacy.services.importing import importers
from ops.models import ALL_ROWS, LegacyOutcome, LegacyRow, MovingInRecord

WANTED_TYPE = "character varying(100)"
AGAIN = "Run `manage.py legacy migrate` again, and this once more"
BACK = "Go back with `manage.py legacy restore` and look at the log of the migration beside the backup"
ANOTHER = "Compare with another backup: --folder"
WRITTEN = (
    "Somebody wrote since that backup, and a restore would throw it away. Stop the old bot; `manage.py legacy migrate` "
    "imports what is new; then `manage.py legacy backup`, and this with --folder and what that names"
)
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
            yield same_contents(cursor, manifest)
            yield from self.ids(cursor, manifest)
            yield from trailing_states(cursor, manifest)
            yield from imported(cursor)

    def ids(self, cursor: Any, manifest: Manifest) -> Iterator[Check]:
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
            if table in manifest.tables and "id" in manifest.tables[table].columns:
                yield same_ids(cursor, table, manifest.tables[table].rows)


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


def same_contents(cursor: Any, manifest: Manifest) -> Check:
    """Every value of every row, but for what the migration is there to change."""
    different = since_backup.unexplained(cursor, manifest)
    rows = sum(content.rows for content in manifest.tables.values())
    found = (
        since_backup.in_words(different) or f"{rows:,} rows of {len(manifest.tables)} tables as in the backup"
    )
    lost = bool(different) and all(one.is_less for one in different)
    return Check("contents", not different, found, BACK if lost else WRITTEN)


def same_ids(cursor: Any, table: str, before: int) -> Check:
    source = table.partition(".")[2]
    cursor.execute(DIFFERENT_IDS.format(table=table), [source])
    (different,) = cursor.fetchone()
    cursor.execute("SELECT count(*), count(signal_id) FROM ids_before WHERE source = %s", [source])
    rows, ids = cursor.fetchone()
    if rows != before:
        return Check(f"{table} ids", False, f"{rows:,} of {before:,} rows are in {SIGNAL_IDS}", ANOTHER)
    found = f"{different:,} of {rows:,} differ" if different else f"{ids:,} of {ids:,} identical as text"
    return Check(f"{table} ids", different == 0, found, BACK)


def trailing_states(cursor: Any, manifest: Manifest) -> Iterator[Check]:
    if not catalog.has_table(cursor, catalog.TRAILING_STATES):
        return
    stale = len(catalog.stale_states(cursor))
    yield Check("stale trailing states", stale == 0, f"{stale}, {manifest.stale_states} before", AGAIN)
    rows = scope.counts(cursor, [catalog.TRAILING_STATES])[catalog.TRAILING_STATES]
    yield Check("trailing states", True, f"{rows:,} stand, of {len(manifest.states):,} in the backup")


def imported(cursor: Any) -> Iterator[Check]:
    """Every row of every table that an importer knows has a verdict."""
    decided = dict(LegacyRow.objects.values_list("table").annotate(Count("pk"))) | _left_behind()
    known = {
        table.full_name
        for importer in importers()
        for table in importer.tables
        if table.schema != settings.DB_SCHEMA and table.exists
    }
    for table, rows in scope.counts(cursor, sorted(known)).items():
        count = decided.get(table, 0)
        if rows or count:
            found = f"{count:,} of {rows:,} rows decided, {_kept(table) or 'none imported'}"
            yield Check(f"import of {table}", count >= rows, found, AGAIN)
    left = [
        one
        for one in scope.tables(cursor)
        if one not in known and not since_backup.is_kept_for_the_way_back(one)
    ]
    yield Check("unknown to the import, kept as they are", True, ", ".join(left) or "none")
    for reason, count in _waiting():
        yield Check(f"{count:,} rows wait", True, reason)


def _left_behind() -> dict[str, int]:
    """Tables with one verdict for all their rows, which begins with their number."""
    whole = LegacyRow.objects.filter(legacy_id=ALL_ROWS).values_list("table", "reason")
    return {table: int(reason.partition(" ")[0]) for table, reason in whole}


def _kept(table: str) -> str:
    outcomes = LegacyRow.objects.filter(table=table).values_list("outcome").annotate(Count("pk"))
    return ", ".join(
        f"{count:,} {LegacyOutcome(outcome).value}" for outcome, count in outcomes.order_by("outcome")
    )


def _waiting() -> Iterable[tuple[str, int]]:
    """The import tries them again each time."""
    rows = LegacyRow.objects.filter(outcome=LegacyOutcome.WAITING)
    return rows.values_list("reason").annotate(Count("pk")).order_by("reason")
