"""The page that says how good forecasts were. Reads only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from positions import formats, queries
from positions.lists.filters import Asked
from positions.lists.trade_list import figures_row
from signals_app.forecast_pages.judged import Judged, earned, judged
from signals_app.forecast_pages.words import HUNDRED, share
from signals_app.forecasts.hindsight import Bin, Record, Share, calibration, calibration_error, grouped
from signals_app.forecasts.plots import dots, path


def page(asked: Asked, now: datetime) -> dict[str, Any]:
    found = judged(asked)
    return {
        "mode": queries.mode(),
        "now": now,
        "asked": asked,
        "first": asked.address(),
        "records": [record_row(one) for one in found.records],
        "curves": [curve(source, bins) for source, bins in curves_of(found).items()],
        "known": f"{found.known:,}",
        "step": found.step,
        "earned": [(name, figures_row(one)) for name, one in earned(asked).items()],
    }


def curves_of(found: Judged) -> dict[str, list[Bin]]:
    groups = grouped(found.cases, lambda one: one.source)
    return {source: calibration(groups[source]) for source in sorted(groups, reverse=True)}


def record_row(one: Record) -> dict[str, Any]:
    return {
        "horizon": one.horizon,
        "source": one.source,
        "is_fallback": one.source == "fallback",
        "judged": f"{one.judged:,}",
        "calls": _share(one.calls),
        "apart": _share(one.apart),
        "expected": _percent(one.expected),
        "net": _percent(one.net),
        "tone": _tone(one.net),
        "verdict": _verdict(one),
    }


def _verdict(one: Record) -> str:
    if not one.apart.count:
        return "no call yet"
    if not one.beats_a_coin:
        return "not told from a coin"
    return "better than a coin" + ("" if (one.net or 0) > 0 else ", and less than its costs")


def _share(one: Share) -> dict[str, str]:
    interval = one.interval
    between = f"{share(interval[0])} to {share(interval[1])}" if interval else formats.UNKNOWN
    return {
        "rate": share(one.rate, 1),
        "between": between,
        "count": f"{one.count:,}",
        "hits": f"{one.hits:,}",
    }


def _percent(value: Decimal | None) -> str:
    return formats.UNKNOWN if value is None else _signed(value * HUNDRED)


def _signed(percent: Decimal) -> str:
    """Of a call a few hundredths of a percent are much."""
    text = f"{abs(percent):.3f}"
    return f"{'' if not Decimal(text) else '+' if percent > 0 else formats.MINUS}{text}%"


def _tone(value: Decimal | None) -> str:
    return "up" if (value or 0) > 0 else "down" if (value or 0) < 0 else ""


def curve(source: str, bins: list[Bin]) -> dict[str, Any]:
    found = dots(bins)
    error = calibration_error(bins)
    return {
        "source": source,
        "is_fallback": source == "fallback",
        "dots": found,
        "path": path(found),
        "error": formats.UNKNOWN if error is None else f"{error * HUNDRED:.1f} points",
        "rows": [{"said": share(one.said, 1), "came": _share(one.came)} for one in bins],
        "answers": f"{sum(one.came.count for one in bins):,}",
    }
