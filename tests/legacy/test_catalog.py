"""The catalog of an old bot's database, asked in the shapes that were seen."""

from __future__ import annotations

import psycopg
import pytest

from ops.legacy import catalog
from tests.legacy.generations import STALE_STATES, generation


def test_what_the_first_bot_left(legacy: psycopg.Cursor) -> None:
    generation(0, legacy)
    assert "signal_id" not in catalog.columns_of(legacy, "monitoring.positions")
    column = catalog.columns_of(legacy, "monitoring.trades")["signal_id"]
    assert (column.type, column.nullable, column.default, column.comment) == ("bigint", False, None, None)
    (key,) = catalog.foreign_keys_into(legacy, "fas")
    assert (key.table, key.name) == ("monitoring.trades", "trades_signal_id_fkey")
    views = ["monitoring.v_current_positions", "monitoring.v_recent_signals"]
    assert catalog.views_over_signal_ids(legacy) == views
    assert "daily_stats" in catalog.tables_of(legacy, "monitoring")
    assert not catalog.has_table(legacy, catalog.TRAILING_STATES)
    assert catalog.stale_states(legacy) == []


@pytest.mark.parametrize("number", [1, 2])
def test_stale_states_are_those_of_no_live_leg(legacy: psycopg.Cursor, number: int) -> None:
    generation(number, legacy)
    assert set(catalog.stale_states(legacy)) == STALE_STATES
    legacy.execute("ALTER TABLE monitoring.trailing_stop_state DROP COLUMN position_id")
    assert set(catalog.stale_states(legacy)) == STALE_STATES


def test_nothing_is_found_where_no_old_bot_was(legacy: psycopg.Cursor) -> None:
    assert catalog.columns_of(legacy, "monitoring.positions") == {}
    assert catalog.foreign_keys_into(legacy, "fas") == []
    assert catalog.views_over_signal_ids(legacy) == []
    assert catalog.backup_tables(legacy) == []
    assert catalog.comment_on(legacy, catalog.SCORING_HISTORY) is None
    assert catalog.stale_states(legacy) == []
