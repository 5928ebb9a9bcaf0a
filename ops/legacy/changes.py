"""What the files of `migrations_sql/legacy` would still change, and what of it nobody can undo. Asks only."""

from __future__ import annotations

from typing import Any

from ops.legacy import catalog

# as the files write them
SIGNAL_ID_TYPE = "character varying(100)"
SIGNAL_ID_COMMENT = "Signal id as its sender gave it"
ONE_STATE_PER_POSITION = "trailing_stop_state_one_per_position"
SIGNAL_ID_UNDO, LINKS_UNDO = "monitoring.signal_id_cleanup_undo", "monitoring.trailing_stop_state_links_undo"


def has_signal_ids_to_change(cursor: Any) -> bool:
    """Whether 003 would find anything to do."""
    there = [columns for table in catalog.SIGNAL_ID_TABLES if (columns := catalog.columns_of(cursor, table))]
    ids = [columns.get("signal_id") for columns in there]
    pointing = any(key.table in catalog.SIGNAL_ID_TABLES for key in catalog.foreign_keys_into(cursor, "fas"))
    return pointing or any(
        one is None or one.type != SIGNAL_ID_TYPE or not one.nullable or not one.comment for one in ids
    )


def has_states_to_tie(cursor: Any) -> bool:
    """Whether 009 would find a state that does not belong to a position as it should."""
    states = catalog.columns_of(cursor, catalog.TRAILING_STATES)
    if not states or not catalog.has_table(cursor, "monitoring.positions"):
        return False
    cursor.execute(
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'c' "
        "AND conrelid = to_regclass(%s) AND confrelid = to_regclass('monitoring.positions')",
        [catalog.TRAILING_STATES],
    )
    position_id = states.get("position_id")
    return position_id is None or position_id.nullable or cursor.fetchone() == (0,)


def what_nobody_can_undo(cursor: Any) -> list[str]:
    """What 003 and 009 did here, where the table is gone in which they kept how to go back."""
    kept = catalog.backup_tables(cursor)
    found = []
    comments = [
        one.comment or ""
        for table in catalog.SIGNAL_ID_TABLES
        if (one := catalog.columns_of(cursor, table).get("signal_id"))
    ]
    if any(said.startswith(SIGNAL_ID_COMMENT) for said in comments) and SIGNAL_ID_UNDO not in kept:
        found.append("what was done to signal ids")
    cursor.execute("SELECT count(*) FROM pg_constraint WHERE conname = %s", [ONE_STATE_PER_POSITION])
    if cursor.fetchone() != (0,) and LINKS_UNDO not in kept:
        found.append("what was done to trailing states")
    return found
