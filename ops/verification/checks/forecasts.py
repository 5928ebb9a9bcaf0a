"""ML Pipeline: the whole way of a forecast is gone beside the installation, and what the installation's own feeds said
last is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from django.utils import timezone

from exchanges.registry import is_on_paper
from exchanges.types import Timeframe
from ops.verification.verdicts import Finding, Issue, Severity, judged, unknown
from signals_app.forecast_models import Forecast, ForecastFeed, ForecastRun

LIBRARIES = ("numpy", "bottleneck", "talib")
LEAST_COLUMNS = 240
LATE = timedelta(minutes=3)
STOP = "switch off `sends signals` of every feed of forecasts until this is repaired"
Trial = Callable[[], Mapping[str, Any]]


def check(trial: Trial) -> Finding:
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        relied_on = ForecastFeed.objects.filter(enabled=True, sends_signals=True).exists()
        why = f"not installed: {', '.join(missing)}; pip install 'tradingbot[ml]'"
        return unknown(why, is_needed=relied_on)
    feeds = list(
        ForecastFeed.objects.filter(enabled=True).select_related("account").only("account__name", "timeframe")
    )
    last = {feed.account.name: _last(feed) for feed in feeds}
    tried = trial()
    issues = [*_wrong(tried)]
    for feed in feeds:
        issues += _wrong_of(feed, last[feed.account.name])
    told = {name: _told(run) for name, run in last.items()}
    return judged(
        {"tried": dict(tried), "feeds": told or "no account is forecast"}, issues, list(_advice(last))
    )


def _wrong(tried: Mapping[str, Any]) -> Iterator[Issue]:
    """What did not do its work on the way from candles to a signal."""
    if tried["columns_left"] < LEAST_COLUMNS:
        yield _issue(f"only {tried['columns_left']} features are left that differ from each other")
    asked = {"with_model": "model", "without_model": "fallback", "after_the_model_went": "fallback"}
    for name, source in asked.items():
        told = tried[name]
        if told["source"] != source or not told["confidence"]:
            yield _issue(
                f"{name}: wanted answers of the {source}, got {told['source'] or 'none'} {told['reason']}"
            )
        elif not 0 < told["confidence"][0] <= told["confidence"][-1] < 1:
            yield _issue(f"{name}: a confidence is not between 0 and 1: {told['confidence']}")
        elif not told["btc_and_eth_differ"] or told["identical"]:
            yield _issue(f"{name}: contracts got the same answer, number for number")
    if not tried["signals"]:
        yield _issue("a forecast that passed its filter became no signal")


def _issue(words: str) -> Issue:
    return Issue(f"forecasts: {words}", Severity.HIGH, STOP)


def _last(feed: ForecastFeed) -> ForecastRun | None:
    runs = ForecastRun.objects.filter(
        account=feed.account_id, timeframe=feed.timeframe, of_paper=is_on_paper()
    )
    return runs.exclude(finished_at=None).first()


def _wrong_of(feed: ForecastFeed, run: ForecastRun | None) -> Iterator[Issue]:
    """What the installation's own feed said last."""
    name = feed.account.name
    if run is None:
        return
    late = timezone.now() - run.candle_at - 2 * Timeframe(feed.timeframe).length
    if late > LATE:
        yield Issue(
            f"no forecasts of {name} were made since the candle of {run.candle_at:%H:%M} UTC",
            Severity.HIGH,
            "see /health/: are the market process and the worker for questions at work?",
        )
    rows = Forecast.objects.filter(run=run)
    if rows.filter(confidence__lte=0).exists() or rows.filter(confidence__gte=1).exists():
        yield _issue(f"a confidence of {name} is not between 0 and 1")
    if run.identical:
        groups = "; ".join(", ".join(group) for group in run.identical)
        yield _issue(f"contracts of {name} got the same answer, number for number: {groups}")


def _told(run: ForecastRun | None) -> Mapping[str, Any]:
    if run is None:
        return {"forecasts": "none yet"}
    return {
        "candle": run.candle_at.isoformat(),
        "source": run.source,
        "reason": run.fallback_reason,
        "contracts": run.contracts,
        "milliseconds": run.milliseconds,
        "left_out": run.left_out,
    }


def _advice(last: Mapping[str, ForecastRun | None]) -> Iterator[str]:
    for name, run in last.items():
        if run is None:
            yield f"{name} was not forecast yet: verify again after the end of a candle"
        elif run.fallback_reason:
            yield f"no model answers for {name}: {run.fallback_reason}"
