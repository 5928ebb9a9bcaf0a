"""Signs of life of sweeps and processes, in Redis: to be looked at, never a reason to trade.

Telling never fails, and waits for a quarter of a second once in five seconds at most. A sign that is missing says
nothing: who reads them must call it unknown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

REDIS_SECONDS = 0.25
TOLD_AGAIN_AFTER = 5.0  # a Redis that was just away is not told by every sweep
_away_until = float("-inf")


@dataclass(frozen=True, slots=True)
class Sign:
    at: datetime  # by the clock of the process that told it
    seconds: float  # how long the work took


def _redis(url: str) -> redis.Redis:
    return impatient_redis(url, REDIS_SECONDS)


@cache
def impatient_redis(url: str, seconds: float) -> redis.Redis:
    """One that answers at once or not at all."""
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1),  # the connection of before may be gone
        decode_responses=True,
    )


def _key() -> str:
    return f"{settings.REDIS_PREFIX}:pulse"


def tell(name: str, seconds: float = 0.0) -> None:
    global _away_until
    if time.monotonic() < _away_until:
        return
    try:
        _redis(settings.REDIS_URL).hset(_key(), name, f"{time.time():.3f} {seconds:.3f}")
    except (redis.RedisError, OSError):
        _away_until = time.monotonic() + TOLD_AGAIN_AFTER


def heard() -> Mapping[str, Sign]:
    """Raises where Redis is away: that nobody can be heard is not that nobody speaks."""
    told: dict[str, str] = _redis(settings.REDIS_URL).hgetall(_key())  # type: ignore[assignment]
    return {name: sign for name, text in told.items() if (sign := _read(text)) is not None}


def _read(text: str) -> Sign | None:
    try:
        at, seconds = map(float, text.split())
        return Sign(datetime.fromtimestamp(at, UTC), seconds)
    except (ValueError, OverflowError, OSError):
        return None
