"""What older bots' schemas and tables are made of: all that goes when they are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

IS_ON_ITS_OWN = "NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype IN ('a', 'i'))"
# what one DROP can name together, in this order
KINDS = (
    ("VIEW", "c.relkind = 'v'"),
    ("MATERIALIZED VIEW", "c.relkind = 'm'"),
    ("TABLE", "c.relkind IN ('r', 'p')"),
    ("SEQUENCE", f"c.relkind = 'S' AND {IS_ON_ITS_OWN}"),
)  # fmt: skip
RELATIONS = """
    SELECT format('%%I.%%I', n.nspname, c.relname), c.relowner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname = ANY(%s) OR format('%%s.%%s', n.nspname, c.relname) = ANY(%s)) AND
"""
ROUTINES = (
    "SELECT oid::regprocedure::text, proowner FROM pg_proc WHERE pronamespace::regnamespace::text = ANY(%s)"
)
TYPES = """
    SELECT format('%%I.%%I', n.nspname, t.typname), t.typowner
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY(%s) AND t.typtype IN ('e', 'd')
"""
# rows of a partitioned table are those of its parts, wherever these are
WITH_ROWS = """
    WITH named AS (
        SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE format('%%s.%%s', n.nspname, c.relname) = ANY(%s)
    ), holding AS (
        SELECT oid FROM named WHERE relkind <> 'p' UNION
        SELECT part.relid FROM named, pg_partition_tree(named.oid) part WHERE named.relkind = 'p' AND part.isleaf
    )
    SELECT format('%%s.%%s', n.nspname, c.relname) FROM holding h
    JOIN pg_class c ON c.oid = h.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1
"""
KEYS_OUT = """
    SELECT format('%%s %%s to %%s.%%s', k.conrelid::regclass, k.conname, rn.nspname, r.relname)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
    WHERE k.contype = 'f' AND format('%%s.%%s', n.nspname, c.relname) = ANY(%s)
      AND format('%%s.%%s', rn.nspname, r.relname) <> ALL(%s) ORDER BY 1
"""
SCHEMAS = "SELECT quote_ident(nspname), nspowner FROM pg_namespace WHERE nspname = ANY(%s)"


Objects = dict[str, list[str]]
"""By their kind, in the order in which they can be dropped."""


def objects(cursor: Any, schemas: Sequence[str], tables: Sequence[str] = ()) -> Objects:
    """Of whole schemas, and single tables of others."""
    return {kind: _names(cursor, query, values) for kind, query, values in _queries(schemas, tables)}


def of_others(cursor: Any, schemas: Sequence[str], tables: Sequence[str] = ()) -> list[str]:
    """Those that the role may not drop."""
    return [
        f"{kind.lower()} {name}"
        for kind, query, values in _queries(schemas, tables)
        for name in _names(
            cursor,
            f"SELECT * FROM ({query}) one (name, owner) WHERE NOT pg_has_role(owner, 'USAGE') ORDER BY 1",  # noqa: S608
            values,
        )
    ]


def tables_with_rows(cursor: Any, tables: Sequence[str]) -> list[str]:
    return _names(cursor, WITH_ROWS, [list(tables)])


def keys_out_of(cursor: Any, tables: Sequence[str]) -> list[str]:
    """Foreign keys that lead to none of these tables."""
    return _names(cursor, KEYS_OUT, [list(tables), list(tables)])


def _queries(schemas: Sequence[str], tables: Sequence[str]) -> list[tuple[str, str, list[list[str]]]]:
    both = [list(schemas), list(tables)]
    relations = [(kind, f"{RELATIONS} {is_kind}", both) for kind, is_kind in KINDS]
    return [
        *relations,
        ("ROUTINE", ROUTINES, both[:1]),
        ("TYPE", TYPES, both[:1]),
        ("SCHEMA", SCHEMAS, both[:1]),
    ]


def _names(cursor: Any, query: str, values: list[list[str]]) -> list[str]:
    cursor.execute(query, values)
    return [row[0] for row in cursor.fetchall()]
