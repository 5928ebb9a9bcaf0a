"""Two answers for whoever watches the process: it lives, and it can do its work. No secrets in either."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from positions.limits_page import limits_in_use
from positions.queries import invariant_checks
from positions.services import canary
from positions.services.balances import last_known_balances
from positions.services.reconciliation import get_health_status
from signals_app.link_health import signal_server
from signals_app.stream_health import signal_stream
from tradingbot.people import may_look
from trailing.services import count_orphan_ts_states

REDIS_TIMEOUT = 2
ORPHANS_TOLERATED = 10


@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    checks = {"database": _answers(_ask_database), "redis": _answers(_ask_redis)}
    is_ready = all(checks.values())
    words = {name: "ok" if is_fine else "unreachable" for name, is_fine in checks.items()}
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", **words}, status=200 if is_ready else 503
    )


@never_cache
@require_safe
@may_look
def report(request: HttpRequest) -> JsonResponse:
    """For whoever owns the bot: what was last compared with the exchanges, and every sentence that must be true."""
    orphans = count_orphan_ts_states()
    return JsonResponse(
        {
            "synchroniser": get_health_status(),
            "canary": canary.last_runs(),
            "balance": last_known_balances().as_json(),
            "risk_limits": limits_in_use(),
            "invariants": invariant_checks(),
            "orphan_trailing_states": {"count": orphans, "warning": orphans > ORPHANS_TOLERATED},
            "signal_server": signal_server(),
            "signal_stream": signal_stream(),
        }
    )


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except Exception:  # the text of such an error may hold an address or a password
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    ) as client:
        client.ping()
