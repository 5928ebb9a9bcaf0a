"""Health for people, for programs and for those who only ask whether it lives. No secrets in any of them."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from ops.health import probes, report
from ops.health.facts import facts
from ops.health.metrics_door import may_read_metrics
from ops.health.page import page
from ops.health.services import asking
from positions.limits_page import limits_in_use
from positions.queries import invariant_checks, mode
from positions.services import canary
from positions.services.balances import last_known_balances
from positions.services.reconciliation import get_health_status
from signals_app.link_health import signal_server
from signals_app.stream_health import signal_stream
from tradingbot.people import ACT, may, may_act, may_look
from trailing.services import count_orphan_ts_states

ORPHANS_TOLERATED = 10


@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    answers = probes.probes(facts.get())
    is_ready = set(answers.values()) == {"ok"}
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", **answers}, status=200 if is_ready else 503
    )


@never_cache
@require_safe
@vary_on_headers("Accept")
@may_look
def health(request: HttpRequest) -> HttpResponse:
    """A browser says that it prefers a page; whoever does not say so is a program."""
    if request.get_preferred_type(["application/json", "text/html"]) != "text/html":
        return _as_json()
    may_act = may(request.user, ACT)
    return render(request, "health/page.html", page() | {"mode": mode(), "may_act": may_act})


@never_cache
@require_safe
@may_look
def panels(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes, asked for once a second by whoever looks at it."""
    return render(request, "health/_panels.html", page())


@never_cache
@require_safe
@may_look
def as_json(request: HttpRequest) -> JsonResponse:
    return _as_json()


@never_cache
@require_POST
@may_act
def reconcile(request: HttpRequest) -> HttpResponse:
    messages.info(request, asking.reconcile_now(request.user.get_username()))
    return redirect("health")


@never_cache
@require_POST
@may_act
def reconnect(request: HttpRequest) -> HttpResponse:
    messages.info(request, asking.reconnect(request.user.get_username()))
    return redirect("health")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_read_metrics(request):
        return HttpResponse("A token is needed.\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    from ops.health.metrics import CONTENT_TYPE, exposition  # dear, and only here

    return HttpResponse(exposition(), content_type=CONTENT_TYPE)


def _as_json() -> JsonResponse:
    """What was last compared with the exchanges, and every sentence that must be true."""
    orphans, now = count_orphan_ts_states(), facts.get()
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
            "probes": probes.probes(now),
            "programs": {name: asdict(line) for name, line in report.programs(now).items()},
            "queues": now.queues,
        }
    )
