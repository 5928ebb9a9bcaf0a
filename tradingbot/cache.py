"""What a page remembers for minutes: in Redis, and in the process itself while Redis is away."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

ASK_AGAIN_AFTER = 5.0  # seconds; each question to a Redis that hangs would cost two


class RedisOrMemory(RedisCache):
    """Counts of failed sign-ins live here: without Redis they go on in this process, and nobody gets in for free."""

    away_until = 0.0

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._spare = LocMemCache("without-redis", {**params, "OPTIONS": {}})

    def add(self, *words: Any, **options: Any) -> Any:
        return self._ask("add", *words, **options)

    def get(self, *words: Any, **options: Any) -> Any:
        return self._ask("get", *words, **options)

    def set(self, *words: Any, **options: Any) -> Any:
        return self._ask("set", *words, **options)

    def delete(self, *words: Any, **options: Any) -> Any:
        return self._ask("delete", *words, **options)

    def _ask(self, what: str, *words: Any, **options: Any) -> Any:
        if time.monotonic() >= RedisOrMemory.away_until:
            try:
                return getattr(RedisCache, what)(self, *words, **options)
            except (RedisError, OSError) as error:
                RedisOrMemory.away_until = time.monotonic() + ASK_AGAIN_AFTER
                logger.warning("Redis is away (%s); this process remembers by itself", type(error).__name__)
        return getattr(self._spare, what)(*words, **options)
