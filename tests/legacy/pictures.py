"""All of an old bot's database as values that can be compared: what it is made of, and every row as text."""

from __future__ import annotations

from typing import Any

SCHEMAS = "('monitoring', 'fas', 'public')"
COLUMNS = f"""
    SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE n.nspname IN {SCHEMAS} AND c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY 1, 2, a.attnum
"""  # noqa: S608
KEYS = f"""
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN {SCHEMAS}) ORDER BY 1, 2
"""  # noqa: S608
INDEXES = f"SELECT indexdef FROM pg_indexes WHERE schemaname IN {SCHEMAS} ORDER BY 1"  # noqa: S608
VIEWS = f"""
    SELECT c.oid::regclass::text, pg_get_viewdef(c.oid), pg_get_userbyid(c.relowner), c.relacl::text,
           c.reloptions::text, obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN {SCHEMAS} AND c.relkind IN ('v', 'm') ORDER BY 1
"""  # noqa: S608
TRIGGERS = f"""
    SELECT pg_get_triggerdef(t.oid), tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT tgisinternal AND n.nspname IN {SCHEMAS} ORDER BY 1
"""  # noqa: S608
TABLES = f"""
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN {SCHEMAS} ORDER BY 1
"""  # noqa: S608
LEFT_BY_THE_FILES = ("monitoring.risk_events", "_signal_id_backup")
"""What a way back does not take away: its own record, and the ids as they were."""


def picture(cursor: Any) -> dict[str, list[tuple[Any, ...]]]:
    parts = {"columns": COLUMNS, "keys": KEYS, "indexes": INDEXES, "views": VIEWS, "triggers": TRIGGERS}
    made_of = {name: asked(cursor, query) for name, query in parts.items()}
    tables = [table for (table,) in asked(cursor, TABLES)]
    return made_of | {t: asked(cursor, f"SELECT r::text FROM {t} r ORDER BY 1") for t in tables}  # noqa: S608


def before_and_after(taken: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Without what the files leave for good."""

    def stays(row: tuple[Any, ...]) -> bool:
        words = ".".join(str(word) for word in row[:2])
        return not any(left in words for left in ("risk_events", *LEFT_BY_THE_FILES))

    rows = {
        name: [row for row in found if stays(row)] if "." not in name else found
        for name, found in taken.items()
    }
    return {name: found for name, found in rows.items() if not any(one in name for one in LEFT_BY_THE_FILES)}


def asked(cursor: Any, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    return cursor.fetchall() if cursor.description else []
