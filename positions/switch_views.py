"""The kill switch's pages. They work without JavaScript; each act asks for the name first, and is one service call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from exchanges.models import KEYS_OF_ACCOUNT, ExchangeAccount, FlatRun
from positions import flat_page, queries
from positions.services import flattening, halting
from tradingbot.freshness import ask_again, is_fresh
from tradingbot.people import ACT, SWITCH, may, may_look, may_switch

ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Act:
    title: str
    meaning: str
    button: str


ACTS = {
    "halt": Act(
        "Halt",
        "Nothing is opened until a person says otherwise. Queued entries are denied, working ones canceled. "
        "Positions stay, with their stops.",
        "Halt",
    ),
    "reduce": Act(
        "Reduce",
        "Nothing is opened for now. Queued entries are denied, working ones canceled. Positions stay, with their "
        "stops.",
        "Reduce",
    ),
    "flat": Act(
        "Close everything on",
        "A halt first. Then every order is canceled and every position is closed at market; this cannot be called "
        "back. Stops stand until their position is flat. The exchange is asked until it lists nothing.",
        "Close everything at market",
    ),
}


@never_cache
@require_safe
@may_look
def overview(request: HttpRequest) -> HttpResponse:
    page = flat_page.switch_page() | {"may_switch": may(request.user, SWITCH), "mode": queries.mode()}
    return render(request, "live/switch.html", page)


@never_cache
@require_safe
@may_look
def flat(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(FlatRun.objects.select_related("account").defer(*KEYS_OF_ACCOUNT), pk=run_id)
    return render(
        request,
        "live/flat.html",
        flat_page.page_of(run) | {"mode": queries.mode(), "may_act": may(request.user, ACT)},
    )


@never_cache
@require_http_methods(["GET", "POST"])
@may_switch
def act(request: HttpRequest, act: str, account: str = "") -> HttpResponse:
    account_id = get_object_or_404(ExchangeAccount.objects.only("pk"), name=account).pk if account else None
    if act == "flat" and not is_fresh(request):
        return ask_again(request)
    if request.method != "POST":
        return _confirmation(request, act, account)
    if refusal := _refusal(request, act, account):
        return _confirmation(request, act, account, refusal, status=422)
    return _perform(request, act, account, account_id)


def _refusal(request: HttpRequest, act: str, account: str) -> str:
    word = account or ALL
    if request.POST.get("word", "").strip() != word:
        return f"Nothing was done. Type {word} to confirm."
    if not request.POST.get("reason", "").strip():
        return "Nothing was done. Say why: it is shown wherever this is seen."
    return ""


def _perform(request: HttpRequest, act: str, account: str, account_id: int | None) -> HttpResponse:
    reason, by = request.POST.get("reason", "").strip()[:1000], request.user.get_username()
    if act == "flat":
        greedy = request.POST.get("include_foreign") == "on"
        return redirect("flat", flattening.flatten(account_id, reason, by, include_foreign=greedy).pk)
    stop = halting.halt if act == "halt" else halting.reduce
    messages.info(request, flat_page.sentence_of(stop(account_id, reason, by)))
    return redirect("switch")


def _confirmation(
    request: HttpRequest, act: str, account: str, refusal: str = "", *, status: int = 200
) -> HttpResponse:
    page: dict[str, Any] = {
        "act": ACTS[act],
        "is_flat": act == "flat",
        "whose": account or "every account",
        "word": account or ALL,
        "held": flat_page.held_by(account),
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
        "mode": queries.mode(),
    }
    return render(request, "live/switch_act.html", page, status=status)
