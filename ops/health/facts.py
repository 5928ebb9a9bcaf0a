"""Everything the health page, the probes and the metrics say about now, asked once a second at most.

A part that cannot be asked is None: unknown, never well.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q
from django.utils import timezone

from exchanges.budgets_in_use import Stop, Use, budgets_in_use
from exchanges.marks import newest_tick
from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.types import PriceKind
from ops.health.cached import Cached
from ops.health.recent_errors import RecentError, recent_errors
from ops.models import Heartbeat, NotifyMessage, NotifyTarget
from ops.notify.decisions import Delivery
from positions.invariants import accounts_that_trade
from positions.models import Position
from positions.queries import invariant_checks
from signals_app.link_health import signal_server
from signals_app.models import Ticker
from signals_app.stream_health import signal_stream
from tradingbot import pulse

logger = logging.getLogger(__name__)

QUEUES = ("orders", "trailing", "sweeps", "reconcile", "forecasts")
LATENCY_OF = timedelta(minutes=10)
ERRORS_OF = timedelta(days=7)
REDIS_SECONDS = 1.0
Part = TypeVar("Part")

_LATENCIES = """
SELECT account_id, count(*),
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - submitted_at))
FROM orders WHERE created_at > %s AND answered_at IS NOT NULL AND submitted_at IS NOT NULL GROUP BY account_id
"""


@dataclass(frozen=True, slots=True)
class Feed:
    venue: str
    kind: str
    contracts: int
    youngest: datetime | None


@dataclass(frozen=True, slots=True)
class Latency:
    requests: int
    median: float
    slowest_of_twenty: float


@dataclass(frozen=True, slots=True)
class Protection:
    live: int
    unprotected: int
    unprotected_since: datetime | None
    watched_here: int  # whose level we watch, as the exchange takes no stops
    handed_over: int = 0  # a person looks after them: no alarm is made of their stops


@dataclass(frozen=True, slots=True)
class Notices:
    targets: int
    dead: int
    waiting: int
    given_up: int  # in the last day
    heartbeat: Heartbeat | None


@dataclass(frozen=True, slots=True)
class Facts:
    at: datetime
    database_ms: float | None = None
    redis_ms: float | None = None
    signs: Mapping[str, pulse.Sign] | None = None
    queues: Mapping[str, int] | None = None
    feeds: list[Feed] | None = None
    needs_prices: bool | None = None
    budgets: tuple[list[Use], list[Stop]] | None = None
    accounts: list[ExchangeAccount] | None = None
    trading_accounts: frozenset[int] | None = None
    watches: Mapping[int, AccountWatch] | None = None
    latencies: Mapping[int, Latency] | None = None
    protection: Protection | None = None
    signal_stream: Mapping[str, Any] | None = None
    signal_links: Mapping[str, Any] | None = None
    checks: list[dict[str, Any]] | None = None
    notices: Notices | None = None


def ask_all() -> Facts:
    """Where the database or Redis is away, what needs it is not asked one by one: each question would wait."""
    now = timezone.now()
    parts: dict[str, Any] = {"database_ms": _part(_ask_database), "redis_ms": _part(_ask_redis)}
    has_rows, has_redis = (parts[name] is not None for name in ("database_ms", "redis_ms"))
    asked = (_OF_ROWS if has_rows else {}) | (_OF_REDIS if has_redis else {})
    asked |= _OF_BOTH if has_rows and has_redis else {}
    return Facts(at=now, **parts, **{name: _part(ask) for name, ask in asked.items()})


def _part(ask: Callable[[], Part]) -> Part | None:
    try:
        return ask()
    except Exception as error:  # its text may hold an address or a password
        logger.info("%s could not be asked: %s", getattr(ask, "__name__", "a part"), type(error).__name__)
        return None


def _client() -> redis.Redis:
    return pulse.impatient_redis(settings.REDIS_URL, REDIS_SECONDS)


def _ask_database() -> float:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return (time.perf_counter() - began) * 1000


def _ask_redis() -> float:
    began = time.perf_counter()
    _client().ping()
    return (time.perf_counter() - began) * 1000


def _ask_queues() -> dict[str, int]:
    with _client().pipeline(transaction=False) as pipe:
        for name in QUEUES:
            pipe.llen(f"{settings.REDIS_PREFIX}:{name}")
        return dict(zip(QUEUES, pipe.execute(), strict=True))


def _ask_feeds() -> list[Feed]:
    venues = sorted({account.venue for account in accounts_that_trade().only("venue")})
    found = [(venue, kind, *newest_tick(venue, kind)) for venue in venues for kind in PriceKind]
    return [Feed(venue, kind, n, at) for venue, kind, n, at in found if n or kind is PriceKind.MARK]


def _ask_needs_prices() -> bool:
    return Ticker.objects.filter(enabled=True).exists() or Position.objects.filter(is_live=True).exists()


def _ask_accounts() -> list[ExchangeAccount]:
    columns = ("name", "venue", "trading_state", "state_reason", "is_live_confirmed")
    return list(ExchangeAccount.objects.only(*columns).order_by("name"))


def _ask_latencies() -> dict[int, Latency]:
    with connection.cursor() as cursor:
        cursor.execute(_LATENCIES, [timezone.now() - LATENCY_OF])
        return {account: Latency(n, *map(float, shares)) for account, n, shares in cursor.fetchall()}


def _ask_protection() -> Protection:
    ours = Q(handed_over_at=None)
    bare, watched = ours & Q(unprotected_since__isnull=False), ours & Q(software_stop_since__isnull=False)
    return Protection(
        **Position.objects.filter(is_live=True).aggregate(
            live=Count("pk", filter=Q(quantity__gt=0)),
            unprotected=Count("pk", filter=bare),
            unprotected_since=Min("unprotected_since", filter=ours),
            watched_here=Count("pk", filter=watched),
            handed_over=Count("pk", filter=~ours),
        )
    )


def _ask_notices() -> Notices:
    enabled = Q(enabled=True)
    lately = Q(created_at__gt=timezone.now() - timedelta(days=1))
    targets = NotifyTarget.objects.aggregate(
        all=Count("pk", filter=enabled), dead=Count("pk", filter=enabled & Q(dead_since__isnull=False))
    )
    messages = NotifyMessage.objects.filter(lately).aggregate(
        waiting=Count("pk", filter=Q(delivery=Delivery.WAITING)),
        given_up=Count("pk", filter=Q(delivery=Delivery.GIVEN_UP)),
    )
    heartbeat = Heartbeat.objects.first()
    return Notices(targets["all"], targets["dead"], **messages, heartbeat=heartbeat)


_OF_ROWS: dict[str, Callable[[], Any]] = {
    "needs_prices": _ask_needs_prices,
    "accounts": _ask_accounts,
    "trading_accounts": lambda: frozenset(accounts_that_trade().values_list("pk", flat=True)),
    "watches": lambda: {one.account_id: one for one in AccountWatch.objects.all()},
    "latencies": _ask_latencies,
    "protection": _ask_protection,
    "signal_links": signal_server,
    "checks": invariant_checks,
    "notices": _ask_notices,
}
_OF_REDIS: dict[str, Callable[[], Any]] = {
    "signs": pulse.heard,
    "queues": _ask_queues,
    "budgets": lambda: budgets_in_use(_client()),
    "signal_stream": signal_stream,
}
_OF_BOTH: dict[str, Callable[[], Any]] = {"feeds": _ask_feeds}


def _errors_lately() -> list[RecentError] | None:
    return _part(lambda: recent_errors(timezone.now() - ERRORS_OF))


facts = Cached(ask_all, 1.0)
errors = Cached(_errors_lately, 5.0)
