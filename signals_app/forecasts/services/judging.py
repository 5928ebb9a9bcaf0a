"""What came of forecasts, once their horizons are over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from exchanges.types import Timeframe
from signals_app.forecast_models import CandleSpan, Forecast, ForecastRun, StoredCandle
from signals_app.forecasts.horizons import came, last_candle, over
from signals_app.forecasts.terms import HORIZONS

MOST = 500  # runs in one go: after a long pause the rest waits for the next minute


def judge_forecasts(now: datetime) -> int:
    """How many rows learned something. A candle that is not there keeps its horizon open until the exchange is known
    to have none: then it stays unknown for ever, and says so (null)."""
    open_runs = Forecast.objects.filter(judged_at=None).order_by().values("run").distinct()
    runs = ForecastRun.objects.filter(pk__in=open_runs).order_by("candle_at")[:MOST]
    return sum(_judge(run, now) for run in runs)


def _judge(run: ForecastRun, now: datetime) -> int:
    names = over(run.candle_at, Timeframe(run.timeframe).length, now)
    waiting = run.forecasts.filter(judged_at=None).exclude(outcomes__has_keys=names) if names else None
    rows = list(waiting) if waiting is not None else []
    if not rows:
        return 0
    ends = {name: last_candle(run.candle_at, Timeframe(run.timeframe).length, name) for name in names}
    told = _told(run, rows, ends, now)
    changed = [one for one in rows if _learned(one, told.get(one.instrument_id, {}), now)]
    Forecast.objects.bulk_update(changed, ["outcomes", "judged_at"])
    return len(changed)


Told = Mapping[str, Decimal | None]  # horizon -> close of its last candle; None: there is no such candle


def _told(
    run: ForecastRun, rows: Sequence[Forecast], ends: Mapping[str, datetime], now: datetime
) -> dict[int, dict[str, Decimal | None]]:
    contracts = {one.instrument_id for one in rows}
    of = {"account": run.account_id, "timeframe": run.timeframe, "of_paper": run.of_paper}
    candles = StoredCandle.objects.filter(**of, instrument__in=contracts, opened_at__in=ends.values())
    closes = {(one, at): close for one, at, close in candles.values_list("instrument", "opened_at", "close")}
    spans: dict[int, list[tuple[datetime, datetime]]] = {}
    for contract, since, until in CandleSpan.objects.filter(**of, instrument__in=contracts).values_list(
        "instrument", "since", "until"
    ):
        spans.setdefault(contract, []).append((since, until))
    return {
        contract: {
            name: closes.get((contract, at))
            for name, at in ends.items()
            if (contract, at) in closes
            or any(since <= at < until for since, until in spans.get(contract, ()))
        }
        for contract in contracts
    }


def _learned(forecast: Forecast, told: Told, now: datetime) -> bool:
    new = {name: close for name, close in told.items() if name not in forecast.outcomes}
    for name, close in new.items():
        forecast.outcomes[name] = None if close is None else came(forecast.price, close)
    if forecast.outcomes.keys() >= HORIZONS.keys():
        forecast.judged_at = now
    return bool(new)
