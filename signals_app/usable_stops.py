"""Whether a strategy's stop could protect what it may open, as far as that is known beforehand. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils import timezone

from exchanges.marks import latest_marks
from exchanges.models import ExchangeAccount
from positions.risk import Denied, judge_stop
from trailing.plan import read_plan
from trailing.rules import AtrStop, DistanceStop, MarginStop, PercentStop


def objections_to_stop(strategy: Mapping[str, Any]) -> Iterator[str]:
    """Of the form's values. A distance is judged by the prices known now of the tickers that were chosen; an entry is
    judged again by its own."""
    return _objections(strategy["protection"], strategy["leverage"], _prices(strategy))


def objections_with_leverage(protection: object, leverage: int) -> Iterator[str]:
    """Of an account that has a leverage of its own."""
    return _objections(protection, leverage, {})


def _objections(protection: object, leverage: int, prices: Mapping[str, Decimal]) -> Iterator[str]:
    match read_plan(protection).stop_loss:
        case PercentStop(percent=percent) | AtrStop(percent=percent):
            percents = {"": percent}
        case MarginStop(percent=percent):
            percents = {"": percent / leverage}
        case DistanceStop(distance=distance):
            percents = {f"{symbol}: ": distance / price * 100 for symbol, price in prices.items()}
    for of, percent in percents.items():
        if isinstance(verdict := judge_stop(percent, leverage), Denied):
            yield f"stop_loss: {of}{verdict.reason}"


def _prices(strategy: Mapping[str, Any]) -> Mapping[str, Decimal]:
    """Of whichever venue we have accounts on: close enough for a look beforehand."""
    if strategy["use_all_tickers"]:
        return {}
    symbols = sorted(ticker.symbol for ticker in strategy["tickers"])
    known: dict[str, Decimal] = {}
    for venue in ExchangeAccount.objects.order_by("venue").values_list("venue", flat=True).distinct():
        known |= latest_marks(venue, symbols, timezone.now())
    return known
