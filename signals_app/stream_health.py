"""Asks Redis how the signal stream stands. Reads only, and needs no turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings

from signals_app.sources.redis_stream import CONSUMER_PREFIX, GROUP, dead_stream, stream_client
from signals_app.sources.stream_figures import StreamFigures, age_of, objections

NOTHING_READ = "0-0"
# a consumer that waits for its turn is heard of once in as many seconds as there are of them
HEARD_MILLISECONDS = 30_000


def signal_stream() -> dict[str, Any]:
    """For the page: a Redis that is away is told, not raised."""
    try:
        return {"stream": settings.SIGNALS_STREAM, **asdict(read_figures())}
    except redis.RedisError:
        return {"stream": settings.SIGNALS_STREAM, "error": "Redis does not answer"}


def entries_that_wait_too_long() -> Iterator[str]:
    return objections(read_figures(), settings.SIGNALS_STREAM_WAIT)


def read_figures() -> StreamFigures:
    name = settings.SIGNALS_STREAM
    with stream_client(decode_responses=True) as client:
        dead = int(client.xlen(dead_stream(name)))
        if not client.exists(name):
            return StreamFigures(dead_letters=dead)
        group = next((one for one in client.xinfo_groups(name) if one["name"] == GROUP), None)
        return _figures(client, name, group, dead)


def _figures(client: redis.Redis, name: str, group: dict[str, Any] | None, dead: int) -> StreamFigures:
    """Without a group nobody has ever read it."""
    length, now = int(client.xlen(name)), _now(client)
    read_to = group["last-delivered-id"] if group else NOTHING_READ
    pending = client.execute_command("XPENDING", name, GROUP, "-", "+", 1) if group else []  # type: ignore[no-untyped-call]
    unread = client.execute_command("XRANGE", name, f"({read_to}", "+", "COUNT", 1)  # type: ignore[no-untyped-call]
    return StreamFigures(
        length=length,
        unread=group["lag"] if group else length,
        pending=group["pending"] if group else 0,
        oldest_pending_seconds=age_of(pending[0][0] if pending else None, now),
        oldest_unread_seconds=age_of(unread[0][0] if unread else None, now),
        consumers=_consumers(client, name) if group else 0,
        dead_letters=dead,
    )


def _now(client: redis.Redis) -> datetime:
    """By the clock that numbers the entries."""
    seconds, micros = client.time()
    return datetime.fromtimestamp(seconds + micros / 1_000_000, UTC)


def _consumers(client: redis.Redis, name: str) -> int:
    rows = client.xinfo_consumers(name, GROUP)
    heard = [one for one in rows if one["name"].startswith(CONSUMER_PREFIX)]
    return sum(one["idle"] < HEARD_MILLISECONDS for one in heard)
