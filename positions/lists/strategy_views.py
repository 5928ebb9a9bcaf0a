"""Strategies: how each does, what it is told to do, and pausing, resuming or cloning one."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from positions import queries
from positions.lists import strategy_list
from signals_app.models import Strategy
from signals_app.services import strategies as service
from tradingbot.people import asking, may, may_look

CHANGE = "signals_app.change_strategy"
ADD = "signals_app.add_strategy"
may_change = asking(CHANGE)
may_add = asking(ADD)


@never_cache
@require_safe
@may_look
def strategies(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return render(
        request,
        "lists/strategies.html",
        {"mode": queries.mode(), "now": now, "rows": strategy_list.rows(now)},
    )


@never_cache
@require_safe
@may_look
def strategy(request: HttpRequest, strategy_id: int) -> HttpResponse:
    now = timezone.now()
    found = get_object_or_404(strategy_list.strategies(), pk=strategy_id)
    page = strategy_list.page_of(found, now) | {
        "mode": queries.mode(),
        "now": now,
        "may_change": may(request.user, CHANGE),
        "may_add": may(request.user, ADD),
    }
    return render(request, "lists/strategy.html", page)


@never_cache
@require_POST
@may_change
def pause(request: HttpRequest, strategy_id: int) -> HttpResponse:
    return _switched(request, strategy_id, paused=True)


@never_cache
@require_POST
@may_change
def resume(request: HttpRequest, strategy_id: int) -> HttpResponse:
    return _switched(request, strategy_id, paused=False)


def _switched(request: HttpRequest, strategy_id: int, *, paused: bool) -> HttpResponse:
    name = get_object_or_404(Strategy, pk=strategy_id).name
    changed = service.set_paused(strategy_id, paused=paused, by=cast(User, request.user))
    state = "paused: it opens nothing, its signals still close" if paused else "resumed: it opens again"
    messages.info(request, f"{name} is {state}." if changed else f"{name} was already {state.split(':')[0]}.")
    return HttpResponseRedirect(reverse("strategy", args=[strategy_id]))


@never_cache
@require_POST
@may_add
def clone(request: HttpRequest, strategy_id: int) -> HttpResponse:
    get_object_or_404(Strategy, pk=strategy_id)
    made = service.clone(strategy_id, by=cast(User, request.user))
    messages.info(request, f"{made.name} was made. It is switched off: look it over, then switch it on.")
    return HttpResponseRedirect(reverse("strategy", args=[made.pk]))
