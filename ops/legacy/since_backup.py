"""What differs from a backup other than by the migration itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.legacy import catalog, contents, scope
from ops.legacy.backup_files import Manifest
from ops.legacy.objects import objects

BEGUN = ("monitoring.signal_id_cleanup_undo", "monitoring.trailing_stop_state_links_undo")


@dataclass(frozen=True)
class Difference:
    table: str
    rows: int | None  # none where the table is gone
    before: int

    @property
    def is_less(self) -> bool:
        return self.rows is None or self.rows < self.before

    def __str__(self) -> str:
        now = "gone" if self.rows is None else f"{self.rows:,} rows now"
        return f"{self.table}: {now}, {self.before:,} in the backup"


def has_begun(cursor: Any, manifest: Manifest) -> bool:
    """Whether files of the migration have changed the old tables since."""
    return any(catalog.has_table(cursor, table) for table in BEGUN if table not in manifest.tables)


def differences(cursor: Any, manifest: Manifest) -> list[Difference]:
    cursor.execute(contents.AS_TEXT)
    return sorted(_of_tables(cursor, manifest), key=lambda one: one.table) + _of_states(cursor, manifest)


def new_tables(cursor: Any, manifest: Manifest) -> list[str]:
    """Of older bots; none of their rows are in the backup."""
    return [
        table
        for table in scope.tables(cursor)
        if table not in manifest.tables and not _is_the_migrations(cursor, table)
    ]


def not_in_backup(cursor: Any, manifest: Manifest) -> list[str]:
    """What a restore would drop and not bring back, but for what the migration made."""
    schemas = [name for name in scope.schemas(cursor) if name in manifest.schemas]
    return [
        f"{kind.lower()} {name}{_rows_of(cursor, kind, name)}: not in the backup"
        for kind, names in objects(cursor, schemas, list(manifest.tables)).items()
        for name in names
        if name not in manifest.objects.get(kind, ()) and not _is_the_migrations(cursor, name)
    ]


def _rows_of(cursor: Any, kind: str, name: str) -> str:
    if kind != "TABLE":
        return ""
    cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608  (as PostgreSQL wrote it)
    return f" with {cursor.fetchone()[0]:,} rows"


def _is_the_migrations(cursor: Any, name: str) -> bool:
    """The first bot had no risk events: the migration makes the table for its own."""
    if name == contents.RISK_EVENTS:
        return contents.lasting(cursor, name, list(catalog.columns_of(cursor, name))).rows == 0
    return is_kept_for_the_way_back(name)


def unexplained(cursor: Any, manifest: Manifest) -> list[Difference]:
    """Once moved in: `drop-fas` and `drop-backups` may have been there since."""
    return [one for one in differences(cursor, manifest) if not _was_dropped(cursor, manifest, one)]


def _was_dropped(cursor: Any, manifest: Manifest, one: Difference) -> bool:
    if one.table == catalog.TRAILING_STATES:
        fewer = Counter(contents.states(cursor)) <= Counter(manifest.states)
        return fewer and not catalog.backup_tables(cursor)
    return one.table.startswith("fas.") and "fas" not in scope.schemas(cursor)


def in_words(found: list[Difference]) -> str:
    return "; ".join(map(str, found))


def is_kept_for_the_way_back(table: str) -> bool:
    """The migration renames those of an earlier time, and drop-backups drops them."""
    schema, _, name = table.partition(".")
    return schema == "monitoring" and re.search(catalog.BACKUP_NAMES, name) is not None


def _of_tables(cursor: Any, manifest: Manifest) -> Iterator[Difference]:
    for table, whole in manifest.tables.items():
        if table == catalog.TRAILING_STATES or is_kept_for_the_way_back(table):
            continue
        before = manifest.lasting.get(table, whole)
        there = catalog.columns_of(cursor, contents.quoted(table))
        if not there:
            yield Difference(table, None, before.rows)
            continue
        now = contents.lasting(cursor, table, [name for name in before.columns if name in there])
        if now != before or there.keys() - {*before.columns, *_added_by_the_migration(table)}:
            yield Difference(table, now.rows, before.rows)


def _added_by_the_migration(table: str) -> tuple[str, ...]:
    return ("signal_id",) if table in catalog.SIGNAL_ID_TABLES else ()


def _of_states(cursor: Any, manifest: Manifest) -> list[Difference]:
    if catalog.TRAILING_STATES not in manifest.tables:
        return []
    now = contents.states(cursor)
    if Counter(now) == Counter(manifest.states):
        return []
    return [Difference(catalog.TRAILING_STATES, len(now), len(manifest.states))]
