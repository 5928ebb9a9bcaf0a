"""What was forecast last, by what, and whether it can be believed. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from exchanges.models import KEYS, KEYS_OF_ACCOUNT
from exchanges.types import Timeframe
from positions import formats, queries
from signals_app.forecast_models import (
    Forecast,
    ForecastFeed,
    ForecastModel,
    ForecastRun,
    ForecastSource,
    ModelState,
)
from signals_app.forecast_pages.words import forecast_row
from signals_app.forecasts.terms import LARGE_DRIFT, SMALL_DRIFT

A_DAY = timedelta(days=1)
BYTES = ("content", "reference")  # of a model: megabytes that no page shows
LATE = 3  # candles without a run
NO_MODEL = (
    "No model is in use. Simple rules answer instead: they are not known to foresee anything, "
    "so nothing of theirs is traded unless an account's feed says so."
)


def forecasts() -> QuerySet[Forecast]:
    """Those of now: made of paper candles while trading on paper, of real ones else."""
    related = ("run__account", "instrument", "signal")
    keys = [f"run__account__{name}" for name in KEYS]
    return Forecast.objects.filter(run__of_paper=settings.DRY_RUN).select_related(*related).defer(*keys)


def models() -> QuerySet[ForecastModel]:
    return ForecastModel.objects.filter(of_paper=settings.DRY_RUN).defer(*BYTES)


def runs() -> QuerySet[ForecastRun]:
    """Without the bytes of their models: who wants one asks `models`."""
    found = ForecastRun.objects.filter(of_paper=settings.DRY_RUN)
    return found.select_related("account").defer(*KEYS_OF_ACCOUNT)


def page(now: datetime) -> dict[str, Any]:
    feeds = ForecastFeed.objects.select_related("account").defer(*KEYS_OF_ACCOUNT).order_by("account__name")
    states = [_state(one, now) for one in feeds]
    current = {one["run_id"] for one in states}
    rows = [forecast_row(one) | {"is_old": one.run_id not in current} for one in newest(now)]
    return {
        "mode": queries.mode(),
        "now": now,
        "feeds": states,
        "rows": rows,
        "models": models_in_use([feed.timeframe for feed in feeds]),
        "no_model": NO_MODEL,
        "feed_form": reverse("admin:signals_app_forecastfeed_add"),
        "has_fallback": any(row["is_fallback"] for row in rows),
    }


def newest(now: datetime) -> list[Forecast]:
    """Of each contract of each account the last one of a day, surest first."""
    found = (
        forecasts().filter(made_at__gte=now - A_DAY).order_by("run__account_id", "instrument_id", "-made_at")
    )
    last = found.distinct("run__account_id", "instrument_id")
    return sorted(last, key=lambda one: (one.direction == "neutral", -one.confidence, one.instrument.symbol))


def models_in_use(timeframes: list[str]) -> list[dict[str, Any]]:
    known = {one.timeframe: one for one in models().filter(state=ModelState.IN_USE)}
    wanted = sorted({*timeframes, *known}) or [""]
    return [{"timeframe": name, "model": known.get(name)} for name in wanted]


def _state(feed: ForecastFeed, now: datetime) -> dict[str, Any]:
    of_feed = runs().filter(account=feed.account, timeframe=feed.timeframe)
    run = of_feed.exclude(finished_at=None).order_by("-candle_at").first()
    shown = {"account": feed.account.name, "timeframe": feed.timeframe, "enabled": feed.enabled}
    shown |= {"profile": feed.profile, "sends": _sends(feed), "run_id": run.pk if run else None}
    return shown | (_run(run, now) if run else {})


def _sends(feed: ForecastFeed) -> str:
    if not feed.sends_signals:
        return "nothing is sent: forecasts are only shown"
    return "of a model and of the simple rules" if feed.sends_fallback else "of a model alone"


def _run(run: ForecastRun, now: datetime) -> dict[str, Any]:
    same = runs().filter(account=run.account_id, timeframe=run.timeframe)
    return {
        "run": run,
        "age": formats.age(now - (run.finished_at or now)),
        "is_late": now - run.candle_at > LATE * Timeframe(run.timeframe).length,
        "is_fallback": run.source == ForecastSource.FALLBACK,
        "identical": [", ".join(map(str, group)) for group in run.identical],
        "left_out": run.left_out,
    } | measured(same.exclude(measured={}).order_by("-candle_at").first())


def measured(run: ForecastRun | None) -> dict[str, Any]:
    """Whether a model could be relied on when that was measured last; alarms: what was wrong then, in sentences."""
    told = run.measured if run else {}
    parts = [told.get(name) or {} for name in ("drift", "calibration")]
    rows = drift_rows(run.drift) if run else []
    return {
        "measured_at": run.candle_at if run else None,
        "drift": rows,
        "drift_verdict": drift_verdict(rows),
        "alarms": [part["sentence"] for part in parts if part.get("sentence")],
    }


def drift_rows(drift: dict[str, Any]) -> list[dict[str, Any]]:
    known = [(name, Decimal(str(value))) for name, value in drift.items() if isinstance(value, int | float)]
    moved = sorted(known, key=lambda one: (-one[1], one[0]))
    return [{"name": name, "index": f"{value:.2f}", "word": _drifted(value)} for name, value in moved]


def _drifted(value: Decimal) -> str:
    if value < Decimal(str(SMALL_DRIFT)):
        return "as trained"
    return "moved" if value < Decimal(str(LARGE_DRIFT)) else "another market"


def drift_verdict(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "not measured: too few rows, or no model"
    strange = sum(one["word"] == "another market" for one in rows)
    if strange:
        return f"{strange} of the features that moved most look like another market than the one trained with"
    moved = sum(one["word"] == "moved" for one in rows)
    return f"{moved} features moved a little" if moved else "the market looks as it did in training"
