"""Entries of the signal stream that were given up: what they are, and back with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import redis
from django.conf import settings

from ops.system_log import log_system_event
from signals_app.sources.entries import Entry, Pairs, entry_of
from signals_app.sources.redis_stream import NAME, dead_stream

PAGE = 100


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """entry_id is the number it had in the signal stream."""

    id: str
    entry_id: str
    reason: str
    deliveries: str
    pairs: Pairs


def letters(client: redis.Redis) -> Iterator[DeadLetter]:
    """Oldest first."""
    after = "-"
    while page := _read(client, after, "+", PAGE):
        yield from page
        after = f"({page[-1].id}"


def letter(client: redis.Redis, letter_id: str) -> DeadLetter | None:
    return next(iter(_read(client, letter_id, letter_id, 1)), None)


def redrive(client: redis.Redis, one: DeadLetter) -> str:
    """Into the signal stream under a new number, and then away from here: killed in between it becomes a repeat."""
    words = [word.encode("utf-8", "surrogateescape") for pair in one.pairs for word in pair]
    added: bytes = client.execute_command("XADD", settings.SIGNALS_STREAM, "*", *words)  # type: ignore[no-untyped-call]
    client.xdel(dead_stream(settings.SIGNALS_STREAM), one.id)
    number = added.decode()
    log_system_event(
        "INFO", NAME, f"entry {one.entry_id}, given up before, is in the stream again", entry=number
    )
    return number


def _read(client: redis.Redis, since: str, until: str, count: int) -> list[DeadLetter]:
    command = ("XRANGE", dead_stream(settings.SIGNALS_STREAM), since, until, "COUNT", count)
    found = [entry_of(one) for one in client.execute_command(*command)]  # type: ignore[no-untyped-call]
    return [_letter(entry) for entry in found if entry is not None]


def _letter(entry: Entry) -> DeadLetter:
    said = dict(entry.pairs)
    pairs = tuple((name, value) for name, value in json.loads(said["entry"]))
    return DeadLetter(entry.id, said["id"], said["reason"], said["deliveries"], pairs)
