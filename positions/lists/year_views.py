"""A year for the tax office: each contract's sums, and each closed position with its times and amounts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from positions import formats, queries
from positions.lists.csv_answers import csv_answer
from positions.lists.trade_list import figures_row, trade_row
from positions.reports.figures import ZERO
from positions.reports.tables import Contract, Year, contract_table, trade_table, year_of, years
from tradingbot.people import may_look

MOST_SHOWN = 500


@never_cache
@require_safe
@may_look
def year(request: HttpRequest, year: int) -> HttpResponse:
    return render(request, "lists/year.html", _page(year_of(year)))


def _page(found: Year) -> dict[str, Any]:
    known = list(years())
    result = sum((one.figures.result for one in found.contracts), ZERO)
    return {
        "mode": queries.mode(),
        "now": timezone.now(),
        "year": found.year,
        "years": known if found.year in known else [found.year, *known],
        "contracts": [_contract_row(one) for one in found.contracts],
        "rows": [trade_row(one) for one in found.trades[:MOST_SHOWN]],
        "left_out": max(len(found.trades) - MOST_SHOWN, 0),
        "count": len(found.trades),
        "result": formats.change(result),
        "moved": formats.change(found.moved),
        "differs": formats.change(found.moved - result) if formats.tone(found.moved - result) else "",
        "others": sorted({one.fees_in_other_coins for one in found.trades if one.fees_in_other_coins})[:10],
    }


def _contract_row(one: Contract) -> dict[str, Any]:
    return {"venue": one.venue, "symbol": one.symbol, "quote": one.quote_currency} | figures_row(one.figures)


@never_cache
@require_safe
@may_look
def year_csv(request: HttpRequest, year: int) -> HttpResponse:
    return csv_answer(trade_table(year_of(year).trades), f"year-{year}-positions")


@never_cache
@require_safe
@may_look
def contracts_csv(request: HttpRequest, year: int) -> HttpResponse:
    return csv_answer(contract_table(year_of(year)), f"year-{year}-contracts")
