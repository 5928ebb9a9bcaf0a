"""Walks the chains and compares the rows with what their entries say. Reads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from exchanges.models import ExchangeAccount
from ops.models import NO_ACCOUNT
from ops.trail.chain import Entry, Head, Link, Seal, check
from ops.trail.tables import GUARDS, RECORDED, Recorded

NOBODY = "(no account)"
SHOWN = 60
LENGTHS = "SELECT account_id, count(*) FROM trail_seal GROUP BY account_id ORDER BY account_id"
LINKS = """
    SELECT s.entry_id, s.account_id, s.seq, s.prev_hash, s.hash,
           e.id, e.account_id, e.subject_table, e.subject_key, e.change, e.content::text, e.written_at, e.written_by
    FROM trail_seal s LEFT JOIN trail e ON e.id = s.entry_id WHERE s.account_id = %s ORDER BY s.seq
"""
UNSEALED = """
    SELECT e.account_id, e.id, e.change, e.subject_table, e.subject_key FROM trail e
    WHERE NOT EXISTS (SELECT FROM trail_seal s WHERE s.entry_id = e.id)
      AND NOT EXISTS (SELECT FROM trail_unsealed u WHERE u.entry_id = e.id) ORDER BY e.id
"""
GONE = "SELECT entry_id FROM trail_unsealed u WHERE NOT EXISTS (SELECT FROM trail e WHERE e.id = u.entry_id) ORDER BY 1"
# jsonb_object_agg keeps the last of equal keys: the row as its entries tell it. One statement sees one moment.
ROWS = """
    WITH told AS (
        SELECT e.subject_key, max(e.account_id) AS account_id, max(e.id) AS entry_id,
               jsonb_object_agg(c.key, c.value ORDER BY e.id) - %(quiet)s::text[] AS columns,
               (array_agg(e.change ORDER BY e.id DESC))[1] = 'delete' AS is_deleted
        FROM trail e CROSS JOIN LATERAL jsonb_each(e.content) c
        WHERE e.subject_table = %(table)s GROUP BY e.subject_key
    ), held AS (
        SELECT t.{key}::text AS subject_key, to_jsonb(t) - %(hidden)s::text[] AS columns FROM {table} t
    )
    SELECT coalesce(told.account_id, trail_account(%(table)s, held.columns)),
           (SELECT seq FROM trail_seal s WHERE s.entry_id = told.entry_id), told.entry_id,
           coalesce(told.subject_key, held.subject_key), told.columns::text, held.columns::text
    FROM told FULL JOIN held USING (subject_key)
    WHERE told.columns IS NULL OR (held.columns IS NULL) <> told.is_deleted OR EXISTS (
        SELECT FROM jsonb_each(told.columns) c
        WHERE held.columns ? c.key AND held.columns -> c.key IS DISTINCT FROM c.value)
    ORDER BY 3, 4
"""
SWITCHED_OFF = """
    SELECT guard.of_table, guard.name FROM unnest(%s::text[], %s::text[]) guard (of_table, name)
    LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(guard.of_table) AND t.tgname = guard.name
        AND t.tgenabled IN ('O', 'A')
    WHERE t.oid IS NULL
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """seq and entry_id are None where the fault has none."""

    account_id: int
    seq: int | None
    entry_id: int | None
    what: str


class Chain:
    """One account's seals, walked once; afterwards it knows its head."""

    def __init__(self, account_id: int, length: int, noted: Head | None = None) -> None:
        self.account_id, self.length = account_id, length
        self.walked, self.head = 0, Head()
        self._noted = noted

    def faults(self, step: Callable[[], object]) -> Iterator[Fault]:
        for finding in check(self._links(step)):
            yield Fault(self.account_id, finding.seq, finding.entry_id, finding.what)
        if self._noted is not None:
            yield Fault(
                self.account_id, self._noted.seq, None, "the chain does not hold the hash that was noted"
            )

    def _links(self, step: Callable[[], object]) -> Iterator[Link]:
        for link in _read_links(self.account_id):
            self.walked, self.head = self.walked + 1, Head(link.seal.seq, link.seal.hash)
            self._noted = None if self.head == self._noted else self._noted
            step()
            yield link


def _read_links(account_id: int) -> Iterator[Link]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(LINKS, [account_id])
        for row in cursor:
            yield Link(Seal(*row[:5]), Entry(*row[5:]) if row[5] is not None else None)


def chains(noted: Mapping[int, Head]) -> list[Chain]:
    """A chain that was noted and is gone is walked too, and found wanting."""
    with connection.cursor() as cursor:
        cursor.execute(LENGTHS)
        lengths = dict.fromkeys(noted, 0) | dict(cursor.fetchall())
    return [Chain(account_id, length, noted.get(account_id)) for account_id, length in lengths.items()]


def account_names() -> dict[int, str]:
    return {NO_ACCOUNT: NOBODY} | dict(ExchangeAccount.objects.values_list("pk", "name"))


def other_faults() -> Iterator[Fault]:
    yield from _switched_off()
    yield from _without_seal()
    for recorded in RECORDED:
        yield from _rows_that_differ(recorded)


def _switched_off() -> Iterator[Fault]:
    for table, trigger in _ask(SWITCHED_OFF, [list(names) for names in zip(*GUARDS, strict=True)]):
        yield Fault(NO_ACCOUNT, None, None, f"trigger {trigger} of {table} is switched off or gone")


def _without_seal() -> Iterator[Fault]:
    for account_id, entry_id, *what in _ask(UNSEALED):
        yield Fault(account_id, None, entry_id, f"{' '.join(what)} has no seal")
    for (entry_id,) in _ask(GONE):
        yield Fault(NO_ACCOUNT, None, entry_id, "waited for its seal and is gone")


def _rows_that_differ(recorded: Recorded) -> Iterator[Fault]:
    values = {"table": recorded.table, "quiet": list(recorded.quiet), "hidden": list(recorded.hidden)}
    query = ROWS.format(table=recorded.table, key=recorded.key)
    for account_id, seq, entry_id, key, told, held in _ask(query, values):
        yield Fault(account_id, seq, entry_id, f"{recorded.table} {key}: {_difference(told, held)}")


def _difference(told: str | None, held: str | None) -> str:
    if told is None:
        return "the row has no entry"
    if held is None:
        return "the row is gone and no entry says so"
    entry, row = (json.loads(text, parse_float=Decimal) for text in (told, held))
    differing = [name for name in entry if name in row and entry[name] != row[name]]
    if not differing:
        return "the row is there although its last entry says deleted"
    return "; ".join(
        f"{name} is {_shown(row[name])}, its entries say {_shown(entry[name])}" for name in differing
    )


def _shown(value: Any) -> str:
    text = f"{value:f}" if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _ask(query: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
