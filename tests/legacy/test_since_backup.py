"""What somebody wrote since a backup is found, also behind a migration, which is no difference itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ops.legacy import since_backup, sql_files
from ops.legacy.backup_files import Manifest, read_manifest
from ops.legacy.services.backing_up import make_backup
from ops.legacy.services.dropping import drop_backups, drop_fas
from tests.legacy.generations import generation
from tests.legacy.running import run
from tests.legacy.servers import server_at

LIVE = """
    INSERT INTO monitoring.positions (id, symbol, exchange, side, quantity, entry_price, status)
    VALUES (900, 'NEWUSDT', 'binance', 'long', 1, 5, 'active')
"""
POSITIONS = "monitoring.positions: {} rows now, 300 in the backup"
WRITTEN = {
    LIVE: [POSITIONS.format(301)],
    "UPDATE monitoring.positions SET current_price = 7 WHERE id = 301": [POSITIONS.format(300)],
    "UPDATE monitoring.positions SET signal_id = NULL WHERE id = 301": [POSITIONS.format(300)],
    "UPDATE monitoring.trades SET price = price + 1 WHERE id = 1": [
        "monitoring.trades: 12 rows now, 12 in the backup"
    ],
    "UPDATE monitoring.trailing_stop_state SET highest_price = highest_price + 1 WHERE id = 101": [
        "monitoring.trailing_stop_state: 38 rows now, 38 in the backup"
    ],
    "DELETE FROM monitoring.trailing_stop_state WHERE id = 101": [
        "monitoring.trailing_stop_state: 37 rows now, 38 in the backup"
    ],
    "INSERT INTO monitoring.risk_events (event_type, risk_level) VALUES ('stop', 'low')": [
        "monitoring.risk_events: 4 rows now, 3 in the backup"
    ],
    "DROP TABLE monitoring.transaction_log": ["monitoring.transaction_log: gone, 1 in the backup"],
    "ALTER TABLE monitoring.transaction_log DROP COLUMN status": [
        "monitoring.transaction_log: 1 rows now, 1 in the backup"
    ],
}


@pytest.fixture
def kept(legacy: psycopg.Cursor, empty_database: str, tmp_path: Path) -> Callable[[], Manifest]:
    return lambda: read_manifest(make_backup(server_at(empty_database), tmp_path, lambda line: None))


def migrate(cursor: psycopg.Cursor) -> None:
    for name in sql_files.IN_ORDER:
        run(cursor, sql_files.path_of(name))


def found(cursor: psycopg.Cursor, manifest: Manifest) -> list[str]:
    return [str(one) for one in since_backup.differences(cursor, manifest)]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_migration_itself_is_no_difference(
    number: int, legacy: psycopg.Cursor, kept: Callable[[], Manifest]
) -> None:
    generation(number, legacy)
    manifest = kept()
    assert not since_backup.has_begun(legacy, manifest)
    assert found(legacy, manifest) == []
    migrate(legacy)
    assert since_backup.has_begun(legacy, manifest)
    assert found(legacy, manifest) + since_backup.not_in_backup(legacy, manifest) == []
    for name in (sql_files.SIGNAL_IDS, sql_files.STATES_OF_POSITIONS, sql_files.STALE_STATES):
        run(legacy, sql_files.path_of(name, back=True))
    assert not since_backup.has_begun(legacy, manifest)
    assert found(legacy, manifest) + since_backup.not_in_backup(legacy, manifest) == []


@pytest.mark.parametrize("is_migrated", [False, True])
def test_each_thing_that_somebody_wrote_is_found(
    is_migrated: bool, legacy: psycopg.Cursor, kept: Callable[[], Manifest]
) -> None:
    generation(1, legacy)
    manifest = kept()
    if is_migrated:
        migrate(legacy)
    for statement, differences in WRITTEN.items():
        legacy.execute("BEGIN")
        legacy.execute(statement.encode())
        assert found(legacy, manifest) == differences
        legacy.execute("ROLLBACK")


def test_states_that_the_migration_found_stale_only_later_are_none(
    legacy: psycopg.Cursor, kept: Callable[[], Manifest]
) -> None:
    """Two states of one position: the migration keeps the newer one, and the other beside those of closed positions."""
    generation(1, legacy)
    legacy.execute("UPDATE monitoring.trailing_stop_state SET position_id = 301 WHERE id = 102")
    manifest = kept()
    migrate(legacy)
    standing = legacy.execute("SELECT count(*) FROM monitoring.trailing_stop_state").fetchone()
    assert standing != (38 - manifest.stale_states,)
    assert found(legacy, manifest) == []


def test_what_was_dropped_on_purpose_is_explained(
    legacy: psycopg.Cursor, empty_database: str, kept: Callable[[], Manifest]
) -> None:
    generation(1, legacy)
    manifest = kept()
    migrate(legacy)
    drop_backups(server_at(empty_database))
    drop_fas(server_at(empty_database))
    assert len(found(legacy, manifest)) == 2
    assert since_backup.unexplained(legacy, manifest) == []
    legacy.execute("UPDATE monitoring.trailing_stop_state SET highest_price = 1 WHERE id = 101")
    (different,) = since_backup.unexplained(legacy, manifest)
    assert str(different) == "monitoring.trailing_stop_state: 9 rows now, 38 in the backup"
