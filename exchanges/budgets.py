"""One budget per venue and key for all processes, in Redis: asked before every request, corrected by every answer.

A budget that says no raises NotSent before anything has left. Redis being away means yes: the venue still counts, and
its 429 is proof that nothing was done.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import redis.asyncio as redis
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from exchanges.budget_rules import RULES, Lane, Limit, Unit
from exchanges.budget_scripts import ADMIT, RAISE, STOP
from exchanges.credentials import Credentials
from exchanges.errors import Banned, NotSent

REDIS_SECONDS = 0.25
ASK_AGAIN_AFTER = 1.0  # a Redis that was just away is not asked again by every order
COMPLAIN_EVERY = 60.0
BUCKETS = 10
STOPPED, ADMITTED = 0, -1

logger = logging.getLogger(__name__)
_away_until = _complained_at = float("-inf")
_stopped_until: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Admission:
    """`counted` is each limit's sum with this request; empty when Redis could not be asked."""

    lane: Lane
    counted: Sequence[int] = ()
    kind: Unit | None = None


class Budget:
    """Of one ccxt object; used inside one event loop."""

    def __init__(self, credentials: Credentials) -> None:
        self._rules = RULES[credentials.venue]
        self._host, self._key = _names(credentials)
        self._redis = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._admit = self._redis.register_script(ADMIT)
        self._raise = self._redis.register_script(RAISE)
        self._stop = self._redis.register_script(STOP)

    async def close(self) -> None:
        await self._redis.aclose()

    async def admit(self, method: str, url: str, lane: Lane) -> Admission:
        """Takes this request's cost from the shared budget, or raises NotSent."""
        parts = urlsplit(url)
        cost = self._rules.cost_of(method, parts.path)
        asked = dict(parse_qsl(parts.query))
        costs = [cost.of(limit.unit, asked) for limit in self._rules.limits]
        keys = [*map(self._counter, self._rules.limits), *self._stops(lane, cost.one_of)]
        answer = await _within_reach(lambda: self._admit(keys=keys, args=self._numbers(costs, lane)))
        if answer is None:
            self._check_own_memory(keys)
            return Admission(lane, kind=cost.one_of)
        if answer[0] != ADMITTED:
            raise self._refusal(answer[0], answer[1] / 1000, lane)
        return Admission(lane, answer[1:], cost.one_of)

    async def hear(self, admission: Admission, headers: Mapping[str, str], told: NotSent | None) -> None:
        """What the answer tells of the venue's own counting; `told` is its demand to wait, if it made one."""
        if told is not None:
            await self._stop_everywhere(admission, told)
        by_name = {name.lower(): value for name, value in headers.items()}
        for limit, ours in zip(self._rules.limits, admission.counted, strict=False):
            if limit.left is not None and limit.unit is not admission.kind:
                continue  # what is left is told of the request's own kind
            theirs = limit.counted_by_venue(by_name)
            if theirs is not None and theirs > ours:
                await self._raise_counter(limit, theirs)

    async def _raise_counter(self, limit: Limit, told: int) -> None:
        key, numbers = self._counter(limit), [told, _width(limit), BUCKETS]
        await _within_reach(lambda: self._raise(keys=[key], args=numbers))

    async def _stop_everywhere(self, admission: Admission, told: NotSent) -> None:
        """Stops go on through a rate limit that polls or entries met, but not through one they met themselves, and
        never through a ban."""
        is_ban = isinstance(told, Banned)
        kind = None if is_ban else self._rules.limited_kind(told.code, admission.kind)
        for_all = is_ban or admission.lane is Lane.PROTECTIVE
        scope = self._of_kind(kind) if kind else self._host
        key = f"{scope}:{'closed' if for_all else 'slowed'}"
        milliseconds = max(1, round(told.retry_after * 1000))
        _stopped_until[key] = time.monotonic() + told.retry_after
        await _within_reach(lambda: self._stop(keys=[key], args=[milliseconds]))

    def _check_own_memory(self, keys: Sequence[str]) -> None:
        """Without Redis a process still obeys the stops that it was told itself."""
        left = max(_stopped_until.get(key, 0.0) for key in keys) - time.monotonic()
        if left > 0:
            raise _still_stopped(left)

    def _stops(self, lane: Lane, kind: Unit | None) -> list[str]:
        words = ("closed",) if lane is Lane.PROTECTIVE else ("closed", "slowed")
        scopes = (self._host, self._of_kind(kind)) if kind else (self._host,)
        return [f"{scope}:{word}" for scope in scopes for word in words]

    def _of_kind(self, kind: Unit) -> str:
        return f"{self._key}:{kind}"

    def _numbers(self, costs: Sequence[int], lane: Lane) -> list[int]:
        numbers = [len(costs)]
        for limit, cost in zip(self._rules.limits, costs, strict=True):
            numbers += [cost, limit.share_of(lane), _width(limit), BUCKETS]
        return numbers

    def _counter(self, limit: Limit) -> str:
        return f"{self._key}:{limit.unit}:{limit.seconds}"

    def _refusal(self, number: int, wait: float, lane: Lane) -> NotSent:
        if number == STOPPED:
            return _still_stopped(wait)
        limit = self._rules.limits[number - 1]
        share = f"the {limit.share_of(lane)} of {limit.allowed} {limit.name} for {lane} requests"
        return NotSent(f"{share} are used up for {wait:.1f} s", retry_after=wait)


def _still_stopped(wait: float) -> NotSent:
    return NotSent(f"the exchange told us to wait {wait:.1f} s more", retry_after=wait)


def _names(credentials: Credentials) -> tuple[str, str]:
    """Of the host and of the key; the key itself is a secret and stays out of Redis."""
    place = urlsplit(credentials.base_url).netloc or "live"
    host = f"{settings.REDIS_PREFIX}:budget:{credentials.venue}:{place}"
    fingerprint = hashlib.sha256(credentials.api_key.encode()).hexdigest()[:16]
    return host, f"{host}:{fingerprint}"


def _width(limit: Limit) -> int:
    return limit.seconds * 1000 // BUCKETS


async def _within_reach(question: Callable[[], Awaitable[Any]]) -> list[int] | None:
    """None when Redis is away, and for a moment after that."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    try:
        return cast("list[int]", await question())
    except (RedisError, OSError) as error:
        _away_until = time.monotonic() + ASK_AGAIN_AFTER
        _complain(error)
        return None


def _complain(error: Exception) -> None:
    global _complained_at
    if time.monotonic() - _complained_at > COMPLAIN_EVERY:
        _complained_at = time.monotonic()
        logger.warning("request budgets are not shared now: Redis is away (%s)", type(error).__name__)
