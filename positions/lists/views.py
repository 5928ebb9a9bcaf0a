"""The pages with long lists: signals, orders, trades. All work without JavaScript; htmx only swaps the list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from positions import queries
from positions.lists import order_list, signal_list, trade_list
from positions.lists.csv_answers import csv_answer
from positions.lists.cursors import read_cursor
from positions.lists.filters import Asked, read
from positions.lists.paging import Page, Place, count_newer, page_of
from positions.lists.trade_page import totals_of
from positions.models import Fill, FundingPayment
from positions.reports.reading import closed_positions, trades_of
from positions.reports.tables import booked_table, trade_table
from signals_app.models import SignalLog
from signals_app.services.replaying import NotReplayable, replay
from tradingbot.people import ACT, may, may_act, may_look


def _place(request: HttpRequest) -> Place:
    return Place.read(request.GET.get("after", ""), request.GET.get("before", ""))


def _listed(asked: Asked, page: Page, now: datetime) -> dict[str, Any]:
    """What every list's template wants."""
    return {
        "mode": queries.mode(),
        "now": now,
        "asked": asked,
        "first": asked.address(),
        "older": asked.address(after=page.older) if page.older else "",
        "newer": asked.address(before=page.newer) if page.newer else "",
        "top": page.top,
    }


@never_cache
@require_safe
@may_look
def signals(request: HttpRequest) -> HttpResponse:
    now, asked = timezone.now(), read(signal_list.filters(), request.GET)
    found = signal_list.with_verdicts(signal_list.narrowed(asked))
    page = page_of(found, signal_list.COLUMN, _place(request))
    shown = _listed(asked, page, now) | {
        "rows": [signal_list.row_of(one, now) for one in page.rows],
        "may_replay": queries.mode() == "PAPER" and may(request.user, ACT),
    }
    return render(request, "lists/signals.html", shown)


@never_cache
@require_safe
@may_look
def newer_signals(request: HttpRequest) -> JsonResponse:
    """How many came since the newest row that a page shows."""
    asked, than = read(signal_list.filters(), request.GET), read_cursor(request.GET.get("top", ""))
    rows = signal_list.narrowed(asked)
    count = count_newer(rows, signal_list.COLUMN, than) if than else rows[:1].count()
    return JsonResponse({"count": count})


@never_cache
@require_POST
@may_act
def replay_signal(request: HttpRequest, log_id: int) -> HttpResponse:
    log = get_object_or_404(SignalLog, pk=log_id)
    asked_at = parse_datetime(request.POST.get("asked_at", "")[:40])
    if asked_at is None or asked_at.tzinfo is None or asked_at > timezone.now():
        messages.error(request, "Nothing was sent: the page did not say when it was made. Reload it.")
        return HttpResponseRedirect(reverse("signals"))
    try:
        verdict = replay(log, asked_at, request.user.get_username())
    except NotReplayable as why:
        messages.error(request, f"Nothing was sent. {why}")
    else:
        messages.info(request, _told(log, verdict.status, verdict.reason))
    return HttpResponseRedirect(reverse("signals"))


def _told(log: SignalLog, status: str, reason: str) -> str:
    return f"{log.symbol} “{log.message[:60]}” was said again: {status}{f', {reason}' if reason else ''}."


@never_cache
@require_safe
@may_look
def orders(request: HttpRequest) -> HttpResponse:
    now, asked = timezone.now(), read(order_list.filters(), request.GET)
    found = order_list.with_positions(order_list.narrowed(asked))
    page = page_of(found, order_list.COLUMN, _place(request))
    shown = _listed(asked, page, now) | {
        "rows": [order_list.row_of(one, now) for one in page.rows],
        "may_act": may(request.user, ACT),
    }
    return render(request, "lists/orders.html", shown)


@never_cache
@require_safe
@may_look
def trades(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    asked = read(trade_list.filters(now), request.GET)
    page = page_of(trade_list.narrowed(asked), trade_list.COLUMN, _place(request))
    ids = [one.pk for one in page.rows]
    shown = _listed(asked, page, now) | {
        "rows": [trade_list.trade_row(one) for one in trades_of(closed_positions().filter(pk__in=ids))],
        "totals": totals_of(asked, now),
    }
    return render(request, "lists/trades.html", shown)


@never_cache
@require_safe
@may_look
def trades_csv(request: HttpRequest) -> HttpResponse:
    asked = read(trade_list.filters(timezone.now()), request.GET)
    return csv_answer(trade_table(trades_of(trade_list.narrowed(asked))), "trades")


@never_cache
@require_safe
@may_look
def fills_csv(request: HttpRequest) -> HttpResponse:
    """Everything that moved a wallet in the time asked for; the account alone narrows it besides."""
    asked = read(trade_list.filters(timezone.now()), request.GET)
    of_account = {"account__name": asked.value("account")} if asked.value("account") else {}
    fills = Fill.objects.filter(**asked.during("executed_at"), **of_account)
    payments = FundingPayment.objects.filter(**asked.during("paid_at"), **of_account)
    return csv_answer(booked_table(fills, payments), "fills")
