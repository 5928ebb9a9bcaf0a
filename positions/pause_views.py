"""Pausing entries and letting them go on: one click each. A pause asks nothing, a resume says first what it resumes."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from exchanges.models import ExchangeAccount
from positions import flat_page
from positions.act_forms import PauseForm
from positions.services import pausing
from positions.services.once import Done
from positions.sheets import act, sheet, who_asks
from tradingbot.people import may_switch

BY_HAND = "by hand"


@act(may_switch)
def pause(request: HttpRequest, account: str = "") -> HttpResponse:
    account_id, form = _id_of(account), PauseForm(request.POST or None)

    def do(key: UUID) -> Done:
        reason = form.cleaned_data["reason"] or BY_HAND
        return pausing.pause(key, who_asks(request), reason, account_id)

    page = {"standing": flat_page.standing_of(account), "whose": _whose(account), "back": reverse("live")}
    return sheet(request, "live/acts/pause.html", form, page, do)


@act(may_switch)
def resume(request: HttpRequest, account: str = "") -> HttpResponse:
    account_id, form = _id_of(account), PauseForm(request.POST or None)

    def do(key: UUID) -> Done:
        return pausing.resume(key, who_asks(request), form.cleaned_data["reason"], account_id)

    page = {
        "standing": flat_page.standing_of(account),
        "others": flat_page.stopped_besides(account),
        "whose": _whose(account),
        "back": reverse("switch"),
    }
    return sheet(request, "live/acts/resume.html", form, page, do)


def _id_of(account: str) -> int | None:
    return get_object_or_404(ExchangeAccount.objects.only("pk"), name=account).pk if account else None


def _whose(account: str) -> str:
    return account or "every account"
