"""The pages of forecasts. All work without JavaScript; htmx only swaps the list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from exchanges.models import Instrument
from positions import queries
from positions.lists.csv_answers import csv_answer
from positions.lists.filters import Asked, read
from positions.lists.paging import Place, page_of
from signals_app.forecast_pages import how_good as good_page
from signals_app.forecast_pages import judged, latest, listing, tables
from tradingbot.people import may_look


@never_cache
@require_safe
@may_look
def overview(request: HttpRequest) -> HttpResponse:
    return render(request, "forecasts/overview.html", latest.page(timezone.now()))


@never_cache
@require_safe
@may_look
def of_contract(request: HttpRequest, instrument_id: int) -> HttpResponse:
    instrument = get_object_or_404(Instrument, pk=instrument_id)
    asked = read(listing.filters(), request.GET)
    place = Place.read(request.GET.get("after", ""), request.GET.get("before", ""))
    page = page_of(listing.narrowed(asked, instrument.pk), listing.COLUMN, place)
    shown = {
        "mode": queries.mode(),
        "now": timezone.now(),
        "instrument": instrument,
        "asked": asked,
        "first": asked.address(),
        "older": asked.address(after=page.older) if page.older else "",
        "newer": asked.address(before=page.newer) if page.newer else "",
        "rows": listing.rows_of(list(page.rows)),
    }
    return render(request, "forecasts/contract.html", shown)


@never_cache
@require_safe
@may_look
def forecast(request: HttpRequest, forecast_id: int) -> HttpResponse:
    one = get_object_or_404(latest.forecasts(), pk=forecast_id)
    shown = {"mode": queries.mode(), "now": timezone.now()} | listing.page_of(one)
    return render(request, "forecasts/forecast.html", shown)


def _asked(request: HttpRequest) -> Asked:
    return read(judged.filters(timezone.now()), request.GET)


@never_cache
@require_safe
@may_look
def how_good(request: HttpRequest) -> HttpResponse:
    return render(request, "forecasts/how_good.html", good_page.page(_asked(request), timezone.now()))


@never_cache
@require_safe
@may_look
def records_csv(request: HttpRequest) -> HttpResponse:
    return csv_answer(tables.record_table(judged.judged(_asked(request)).records), "forecasts")


@never_cache
@require_safe
@may_look
def curve_csv(request: HttpRequest) -> HttpResponse:
    curves = good_page.curves_of(judged.judged(_asked(request)))
    return csv_answer(tables.curve_table(curves), "forecasts-calibration")


@never_cache
@require_safe
@may_look
def earned_csv(request: HttpRequest) -> HttpResponse:
    return csv_answer(tables.earned_table(judged.earned(_asked(request))), "earned-by-source")
