"""Whether a strategy's stop could protect what it may open, as far as that is known beforehand. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from exchanges.marks import latest_marks
from positions.risk import Denied, judge_stop
from trailing.plan import read_plan
from trailing.rules import AtrStop, DistanceStop, MarginStop, PercentStop


def objections_to_stop(strategy: Mapping[str, Any]) -> Iterator[str]:
    """Of the form's values. A distance is judged by the prices known now of the tickers that were chosen; an entry is
    judged again by its own."""
    stop, leverage = read_plan(strategy["protection"]).stop_loss, strategy["leverage"]
    match stop:
        case PercentStop(percent=percent) | AtrStop(percent=percent):
            percents = {"": percent}
        case MarginStop(percent=percent):
            percents = {"": percent / leverage}
        case DistanceStop(distance=distance):
            percents = {f"{symbol}: ": distance / price * 100 for symbol, price in _prices(strategy).items()}
    for of, percent in percents.items():
        if isinstance(verdict := judge_stop(percent, leverage), Denied):
            yield f"stop_loss: {of}{verdict.reason}"


def _prices(strategy: Mapping[str, Any]) -> Mapping[str, Any]:
    if strategy["use_all_tickers"]:
        return {}
    symbols = sorted(ticker.symbol for ticker in strategy["tickers"])
    return latest_marks(strategy["account"].venue, symbols, timezone.now())
