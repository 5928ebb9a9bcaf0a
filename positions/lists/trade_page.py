"""What the page of trades says beside its list: totals, the curve, the bars, by strategy and by day. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from positions import formats
from positions.lists import trade_list
from positions.lists.curves import Scale, bars, steps
from positions.lists.filters import Asked
from positions.reports.figures import (
    ZERO,
    Trade,
    by_day,
    daily_results,
    grouped,
    running_results,
)
from positions.reports.reading import trades_of

LATEST_DAYS = 31
MOST_BARS = 400


def totals_of(asked: Asked, now: datetime) -> dict[str, Any]:
    """Of every trade that the filter shows, on whichever page of the list."""
    trades = trades_of(trade_list.narrowed(asked))
    since, until = _span(asked, trades, now)
    others = sorted({one.fees_in_other_coins for one in trades if one.fees_in_other_coins})
    return {
        "said": trade_list.in_words(asked),
        "figures": trade_list.figures_of(trades, since, until),
        "others": others[:5],
        "currencies": sorted({one.quote_currency for one in trades}),
        "curve": _curve(trades, since, until),
        "bars": _bars(trades, since, until),
        "strategies": [
            (name or "by hand or found", trade_list.figures_of(those, since, until))
            for name, those in sorted(grouped(trades, lambda one: one.strategy).items())
        ],
        "days": [
            (day, trade_list.figures_row(those)) for day, those in list(by_day(trades).items())[:LATEST_DAYS]
        ],
        "latest_days": LATEST_DAYS,
    }


def _span(asked: Asked, trades: list[Trade], now: datetime) -> tuple[datetime, datetime]:
    first = min((one.closed_at for one in trades), default=now)
    since = asked.since or datetime.combine(first.date(), time.min, UTC)
    until = min(asked.until or now, now)
    return since, max(until, since + timedelta(seconds=1))


def _curve(trades: list[Trade], since: datetime, until: datetime) -> dict[str, Any]:
    points = running_results(trades)
    values = [value for _, value in points]
    scale = Scale.of(values)
    return {
        "path": steps(points, since, until),
        "zero": scale.height(ZERO),
        "highest": formats.change(max([ZERO, *values])),
        "lowest": formats.change(min([ZERO, *values])),
        "end": formats.change(values[-1] if values else ZERO),
        "tone": formats.tone(values[-1] if values else ZERO),
        "since": since.date(),
        "until": until.date(),
    }


def _bars(trades: list[Trade], since: datetime, until: datetime) -> dict[str, Any]:
    days = list(daily_results(trades, since.date(), until.date()))[-MOST_BARS:]
    values = [value for _, value in days]
    drawn = [(bar, formats.change(bar.value)) for bar in bars(days)]
    best, worst = max([ZERO, *values]), min([ZERO, *values])
    return {
        "drawn": drawn,
        "zero": Scale.of(values).height(ZERO),
        "best": formats.change(best),
        "worst": formats.change(worst),
        "first": days[0][0] if days else since.date(),
        "last": days[-1][0] if days else until.date(),
    }
