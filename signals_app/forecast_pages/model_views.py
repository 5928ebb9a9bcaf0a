"""Cards of trained models, and putting one in use or out of it: each one service call, asked afresh of an owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from positions import queries
from signals_app.forecast_models import ForecastModel
from signals_app.forecast_pages.cards import card_page, model_row
from signals_app.forecast_pages.latest import NO_MODEL, measured, models_in_use, runs
from signals_app.forecast_pages.latest import models as known_models
from signals_app.forecasts.services.by_hand import NotChosen, retire_model, use_model
from tradingbot.freshness import freshly
from tradingbot.people import asking, may, may_look

CHANGE = "signals_app.change_forecastmodel"
may_change = asking(CHANGE)
MOST = 100


@dataclass(frozen=True, slots=True)
class Act:
    title: str
    meaning: str
    button: str


USE = Act(
    "Put in use",
    "From the next candle on it is asked. The one in use before is retired; it can be put in use again.",
    "Put in use",
)
RETIRE = Act(
    "Retire",
    "From the next candle on the simple rules answer, which are not known to foresee anything. What they say is "
    "traded only where a feed says so.",
    "Retire",
)


@never_cache
@require_safe
@may_look
def models(request: HttpRequest) -> HttpResponse:
    shown = {
        "mode": queries.mode(),
        "now": timezone.now(),
        "rows": [model_row(one) for one in known_models()[:MOST]],
        "in_use": models_in_use([]),
        "no_model": NO_MODEL,
    }
    return render(request, "forecasts/models.html", shown)


@never_cache
@require_safe
@may_look
def model(request: HttpRequest, model_id: int) -> HttpResponse:
    one = get_object_or_404(known_models(), pk=model_id)
    run = runs().filter(model=one).exclude(measured={}).order_by("-candle_at").first()
    shown = (
        card_page(one)
        | measured(run)
        | {
            "mode": queries.mode(),
            "now": timezone.now(),
            "may_change": may(request.user, CHANGE),
        }
    )
    return render(request, "forecasts/model.html", shown)


@never_cache
@require_http_methods(["GET", "POST"])
@may_change
@freshly
def use(request: HttpRequest, model_id: int) -> HttpResponse:
    one = get_object_or_404(known_models(), pk=model_id)
    word = "" if one.is_worth_using else f"USE {one.pk}"
    if request.method != "POST":
        return _sheet(request, one, USE, word)
    if word and request.POST.get("word", "").strip() != word:
        return _sheet(request, one, USE, word, f"Nothing was done. Type {word} to confirm.")
    return _done(request, one, USE, word)


@never_cache
@require_http_methods(["GET", "POST"])
@may_change
@freshly
def retire(request: HttpRequest, model_id: int) -> HttpResponse:
    one = get_object_or_404(known_models(), pk=model_id)
    return _done(request, one, RETIRE, "") if request.method == "POST" else _sheet(request, one, RETIRE, "")


def _done(request: HttpRequest, one: ForecastModel, act: Act, word: str) -> HttpResponse:
    carry = use_model if act is USE else retire_model
    try:
        messages.info(request, carry(one.pk, cast(User, request.user), timezone.now()))
    except NotChosen as why:
        return _sheet(request, one, act, word, f"Nothing was done. {why}")
    return redirect("forecast-model", one.pk)


def _sheet(request: HttpRequest, one: ForecastModel, act: Act, word: str, refusal: str = "") -> HttpResponse:
    shown: dict[str, Any] = model_row(one) | {
        "mode": queries.mode(),
        "now": timezone.now(),
        "act": act,
        "word": word,
        "refusal": refusal,
    }
    return render(request, "forecasts/model_act.html", shown, status=422 if refusal else 200)
