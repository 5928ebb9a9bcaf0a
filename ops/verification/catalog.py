"""Asks PostgreSQL's catalog what a schema is made of, and whether its foreign keys hold. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from ops.verification.structure import Structure

PARTS = """
    SELECT 'column ' || c.relname || '.' || a.attname,
           format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
           || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
           || a.attidentity::text || a.attgenerated::text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = %(schema)s::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint ' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
           || CASE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A'))
              THEN ' switched off' ELSE '' END
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.connamespace = %(schema)s::regnamespace AND k.contype <> 'n'
    UNION ALL
    SELECT 'index ' || i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
           || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = %(schema)s::regnamespace
    UNION ALL
    SELECT 'trigger ' || c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid AND c.relnamespace = %(schema)s::regnamespace
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid))
    FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace AND p.prokind IN ('f', 'p')
    UNION ALL
    SELECT 'type ' || t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
    WHERE t.typnamespace = %(schema)s::regnamespace GROUP BY t.typname
"""
FOREIGN_KEYS = """
    SELECT k.conname, n.nspname, c.relname, fn.nspname, f.relname,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place),
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place)
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname = %s ORDER BY n.nspname, c.relname, k.conname
"""
ORPHANS = """
    SELECT count(*) FROM {child} c WHERE {all_said}
    AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})
"""


def structure(cursor: Any, schema: str) -> Structure:
    cursor.execute(PARTS, {"schema": schema})
    return dict(cursor.fetchall())


def orphans(cursor: Any, schema: str) -> Iterator[tuple[str, int]]:
    """Foreign keys that rows contradict, and how many do: a key that was off for a while lets them in."""
    cursor.execute(FOREIGN_KEYS, [schema])
    for name, *key in cursor.fetchall():
        cursor.execute(_question(*key))
        if count := cursor.fetchone()[0]:
            yield f"{key[1]}.{name}", count


def _question(
    schema: str, table: str, of_schema: str, of_table: str, columns: list[str], of_columns: list[str]
) -> sql.Composed:
    pairs = zip(columns, of_columns, strict=True)
    same = [
        sql.SQL("p.{} = c.{}").format(sql.Identifier(theirs), sql.Identifier(ours)) for ours, theirs in pairs
    ]
    said = [sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(column)) for column in columns]
    return sql.SQL(ORPHANS).format(
        child=sql.Identifier(schema, table),
        parent=sql.Identifier(of_schema, of_table),
        all_said=sql.SQL(" AND ").join(said),
        same=sql.SQL(" AND ").join(same),
    )
