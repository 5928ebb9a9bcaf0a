"""Who writes into the signal stream: knows its name and nothing else of us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.conf import settings

from signals_app.sources.redis_stream import GROUP, dead_stream


class Sender:
    def __init__(self, client: redis.Redis) -> None:
        self.redis, self.stream = client, settings.SIGNALS_STREAM
        self.dead = dead_stream(self.stream)

    def add(self, **fields: Any) -> str:
        return self.redis.xadd(self.stream, fields)

    def signal(self, number: int = 0, symbol: str = "NOSUCHUSDT", **fields: Any) -> str:
        bar_time = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=number)
        usual = {"symbol": symbol, "message": f"TREND {number}", "bar_time": bar_time.isoformat()}
        return self.add(**usual | fields)

    def pending(self) -> list[dict[str, Any]]:
        return self.redis.xpending_range(self.stream, GROUP, "-", "+", 1000)

    def is_worked_off(self) -> bool:
        """Everything was given to somebody and acknowledged."""
        if not (groups := self.redis.xinfo_groups(self.stream)):
            return False
        (group,) = groups
        newest = self.redis.xrevrange(self.stream, count=1)
        return not group["pending"] and (not newest or newest[0][0] == group["last-delivered-id"])

    def dead_letters(self) -> list[dict[str, str]]:
        return [fields for _, fields in self.redis.xrange(self.dead)]

    def forget(self) -> None:
        self.redis.delete(self.stream, self.dead)


@contextmanager
def stream_sender(url: str = "") -> Iterator[Sender]:
    with redis.Redis.from_url(url or settings.REDIS_URL, decode_responses=True) as client:
        sender = Sender(client)
        sender.forget()
        yield sender
        sender.forget()
