"""Seals the entries that wait for it. Apart from the transactions that write them, which would otherwise queue."""

from __future__ import annotations

from dataclasses import asdict

from django.db import connection, transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from ops.models import TrailEntry, TrailSeal, UnsealedEntry
from ops.trail.chain import Entry, Head, Seal, extend

BATCH = 2000
ONE_SEALER = 0x747261696C  # any number of our own
HEADS = """
    SELECT account.id, newest.seq, newest.hash FROM unnest(%s::bigint[]) account (id) CROSS JOIN LATERAL
        (SELECT seq, hash FROM trail_seal WHERE account_id = account.id ORDER BY seq DESC LIMIT 1) newest
"""


def seal_waiting(*, until_all: bool = False) -> int:
    """How many were sealed or found gone. While another one seals, only `until_all` waits for it."""
    found, after = 0, 0
    while waiting := _seal_batch(after, until_all):
        found, after = found + len(waiting), waiting[-1]
    return found


@transaction.atomic
def _seal_batch(after: int, is_patient: bool) -> list[int]:
    """The waiting entries' ids, oldest first; one that is gone stays in the list and stops nobody."""
    if not _is_the_sealer(is_patient):
        return []
    oldest = UnsealedEntry.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    waiting = list(oldest[:BATCH])
    # by their ids: joined, the planner might walk the whole trail for a handful of rows
    if entries := _as_text(TrailEntry.objects.filter(pk__in=waiting).order_by("pk")):
        _append(entries)
    return waiting


def _is_the_sealer(is_patient: bool) -> bool:
    """Until the transaction ends. A task that waited here would keep others from its thread."""
    call = "pg_advisory_xact_lock(%s) IS NOT NULL" if is_patient else "pg_try_advisory_xact_lock(%s)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {call}", [ONE_SEALER])
        return bool(cursor.fetchone()[0])


def _as_text(rows: QuerySet[TrailEntry]) -> list[Entry]:
    texts = rows.annotate(text=Cast("content", TextField()))
    columns = (
        "id",
        "account_id",
        "subject_table",
        "subject_key",
        "change",
        "text",
        "written_at",
        "written_by",
    )
    return [Entry(*row) for row in texts.values_list(*columns)]


def _append(entries: list[Entry]) -> None:
    heads = _heads({entry.account_id for entry in entries})
    seals: list[Seal] = []
    for entry in entries:
        seal, heads[entry.account_id] = extend(heads.get(entry.account_id, Head()), entry)
        seals.append(seal)
    TrailSeal.objects.bulk_create([TrailSeal(**asdict(seal)) for seal in seals])
    UnsealedEntry.objects.filter(pk__in=[entry.id for entry in entries]).delete()


def _heads(account_ids: set[int]) -> dict[int, Head]:
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [list(account_ids)])
        return {account_id: Head(seq, hash_) for account_id, seq, hash_ in cursor.fetchall()}
