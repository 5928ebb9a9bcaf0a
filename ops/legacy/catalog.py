"""What an old bot's database has, asked of its catalog and never of its files. Nothing here writes.

A table is named with its schema (`monitoring.positions`). The cursor may be Django's or psycopg's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SCORING_HISTORY = "fas.scoring_history"
SIGNAL_ID_TABLES = ("monitoring.positions", "monitoring.trades")
TRAILING_STATES = "monitoring.trailing_stop_state"
LIVE_STATUSES = ("active", "open", "pending_entry", "entry_placed", "pending_sl")
BACKUP_NAMES = (
    "^(positions|trades)_signal_id_backup|^signal_id_cleanup_undo$"
    "|^trailing_stop_state_(stale_backup|links_undo)$"
)


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # as PostgreSQL writes it: character varying(100)
    nullable: bool
    default: str | None
    comment: str | None


@dataclass(frozen=True)
class ForeignKey:
    table: str
    name: str
    definition: str


def tables_of(cursor: Any, schema: str) -> list[str]:
    """Plain tables, without their schema."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
    return [name for (name,) in cursor.fetchall()]


def has_table(cursor: Any, table: str) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
    return bool(cursor.fetchone() == (True,))


def columns_of(cursor: Any, table: str) -> dict[str, Column]:
    """In their order; none where there is no such table."""
    cursor.execute(
        """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """,
        [table],
    )
    return {row[0]: Column(*row) for row in cursor.fetchall()}


def foreign_keys_into(cursor: Any, schema: str) -> list[ForeignKey]:
    """By what they point to: their names say nothing."""
    cursor.execute(
        """
        SELECT format('%%s.%%s', n.nspname, t.relname), k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k
        JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace s ON s.oid = r.relnamespace
        WHERE k.contype = 'f' AND s.nspname = %s AND n.nspname <> %s ORDER BY 1, 2
        """,
        [schema, schema],
    )
    return [ForeignKey(*row) for row in cursor.fetchall()]


def views_over_signal_ids(cursor: Any) -> list[str]:
    """Views that read signal_id of positions or trades themselves, not through another view."""
    cursor.execute(
        """
        SELECT DISTINCT format('%%s.%%s', n.nspname, v.relname)
        FROM pg_attribute a
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
        JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
        JOIN pg_namespace n ON n.oid = v.relnamespace
        WHERE a.attname = 'signal_id' AND a.attrelid = ANY (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
        ORDER BY 1
        """,
        [list(SIGNAL_ID_TABLES)],
    )
    return [name for (name,) in cursor.fetchall()]


def comment_on(cursor: Any, table: str) -> str | None:
    cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [table])
    row = cursor.fetchone()
    return row[0] if row else None


def backup_tables(cursor: Any) -> list[str]:
    """What the files of `migrations_sql/legacy` keep for the way back."""
    cursor.execute(
        "SELECT format('%%s.%%s', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname = 'monitoring' AND tablename ~ %s ORDER BY 1",
        [BACKUP_NAMES],
    )
    return [name for (name,) in cursor.fetchall()]


def stale_states(cursor: Any) -> list[int]:
    """Trailing states of no live position: neither the one they name nor one of their leg entered at their price."""
    if not (has_table(cursor, TRAILING_STATES) and has_table(cursor, "monitoring.positions")):
        return []
    cursor.execute(
        f"""
        SELECT s.id FROM {TRAILING_STATES} s, to_jsonb(s) told WHERE NOT EXISTS (
            SELECT FROM monitoring.positions p, to_jsonb(p) live WHERE lower(trim(p.status)) = ANY(%s) AND (
                p.id::text = told ->> 'position_id'
                OR ({_contract("live")} = {_contract("told")}
                    AND coalesce({_is_long("live")} = {_is_long("told")}, true)
                    AND coalesce(abs({_entry("live")} - {_entry("told")}) <= {_entry("live")} * 0.001, true))
            )) ORDER BY 1
        """,  # noqa: S608  (no word of it comes from outside)
        [list(LIVE_STATUSES)],
    )
    return [number for (number,) in cursor.fetchall()]


def _contract(row: str) -> str:
    """BTC/USDT:USDT and btcusdt are one."""
    return f"(lower({row} ->> 'exchange'), replace(split_part(upper({row} ->> 'symbol'), ':', 1), '/', ''))"


def _is_long(row: str) -> str:
    """Unknown where the side is neither word."""
    side = f"lower({row} ->> 'side')"
    return f"CASE WHEN {side} IN ('long', 'buy') THEN true WHEN {side} IN ('short', 'sell') THEN false END"


def _entry(row: str) -> str:
    """0 and 999999 were written where it was not known."""
    return f"nullif(nullif(({row} ->> 'entry_price')::numeric, 0), 999999)"
