"""How much of each request budget is used now, as the shared counters say. Reads only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import redis
from django.conf import settings

from exchanges.budget_rules import RULES, Limit
from exchanges.budgets import BUCKETS

STOPS = ("closed", "slowed")


@dataclass(frozen=True, slots=True)
class Use:
    venue: str
    key: str  # the first letters of the fingerprint of the API key
    name: str
    unit: str
    seconds: int
    used: int
    allowed: int

    @property
    def share(self) -> float:
        return self.used / self.allowed


@dataclass(frozen=True, slots=True)
class Stop:
    """The venue told us to wait."""

    venue: str
    word: str
    seconds: float


def budgets_in_use(client: redis.Redis) -> tuple[list[Use], list[Stop]]:
    """By a client that decodes what it reads."""
    prefix = f"{settings.REDIS_PREFIX}:budget:"
    keys: list[str] = sorted(client.scan_iter(match=f"{prefix}*", count=1000))
    counters = [key for key in keys if not key.endswith(STOPS)]
    stops = [key for key in keys if key.endswith(STOPS)]
    pipe = client.pipeline(transaction=False)
    for key in counters:
        pipe.hgetall(key)
    for key in stops:
        pipe.pttl(key)
    told = pipe.execute() if keys else []
    uses = [use for key, one in zip(counters, told, strict=False) if (use := _use(key, prefix, one))]
    waits = zip(stops, told[len(counters) :], strict=True)
    return uses, [Stop(_venue(key, prefix), key.rpartition(":")[2], ms / 1000) for key, ms in waits if ms > 0]


def _venue(key: str, prefix: str) -> str:
    return key.removeprefix(prefix).partition(":")[0]


def _use(key: str, prefix: str, buckets: dict[str, str]) -> Use | None:
    venue = _venue(key, prefix)
    _, fingerprint, unit, seconds = key.rsplit(":", 3)
    limit = next((one for one in _limits(venue) if (one.unit, str(one.seconds)) == (unit, seconds)), None)
    if limit is None:
        return None
    oldest = int(time.time() * 1000) // (limit.seconds * 1000 // BUCKETS) - BUCKETS
    used = sum(int(count) for bucket, count in buckets.items() if int(bucket) >= oldest)
    return Use(venue, fingerprint[:4], limit.name, unit, limit.seconds, used, limit.allowed)


def _limits(venue: str) -> Iterator[Limit]:
    yield from RULES[venue].limits if venue in RULES else ()
