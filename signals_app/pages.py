"""The ledger of signals. Works without JavaScript."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from signals_app.ledger_page import day_of, page_of
from tradingbot.people import may_look

SOURCE_LENGTH = 60


@never_cache
@require_safe
@may_look
def ledger(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    day, refusal = day_of(request.GET.get("day", "").strip(), now)
    source = request.GET.get("source", "").strip().replace("\x00", "")[:SOURCE_LENGTH]
    return render(request, "signals/ledger.html", page_of(day, source, now, refusal))
