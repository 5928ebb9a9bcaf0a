"""Rows of forecasts for tests: an account with a feed, models, and candles' worth of what was said and came of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

from django.conf import settings
from django.utils import timezone

from exchanges.models import ExchangeAccount, Instrument
from signals_app.forecast_models import Forecast, ForecastFeed, ForecastModel, ForecastRun
from signals_app.forecasts.said import kept
from tests.builders import a_log_entry, a_signal_log, a_strategy, an_account, an_instrument

STEP = timedelta(minutes=15)
HORIZONS = ("15m", "1h", "4h", "12h")
SAYS = {
    "long": (0.46, 0.26, 0.28, 0.004),
    "short": (0.22, 0.51, 0.27, -0.006),
    "neutral": (0.3, 0.28, 0.42, 0.0),
}
SCORES = {
    "answers": 12000, "log_loss": 1.05, "log_loss_of_shares": 1.06, "skill": 0.0094, "skill_sureness": 4.2,
    "brier": 0.64, "accuracy": 0.41, "accuracy_of_most_frequent": 0.39, "calls": 5200, "hit_rate": 0.518,
    "per_call": -0.00031,
    "per_call_sureness": -1.2, "calibration_error": 0.021, "foresees": True, "pays": False,
    "baselines": {"always long": -0.0013, "always short": -0.0015, "with the last move": -0.0016},
    "reliability": [{"said": 0.15, "came_true": 0.17, "count": 900}, {"said": 0.35, "came_true": 0.34, "count": 21000},
                    {"said": 0.55, "came_true": 0.49, "count": 4100}],
}  # fmt: skip


def a_feed(account: ExchangeAccount | None = None, **values: Any) -> ForecastFeed:
    return ForecastFeed.objects.create(account=account or an_account(), **values)


def a_card(**values: Any) -> dict[str, Any]:
    important = {f"feature_{number}": round(0.2 / number, 5) for number in range(1, 41)}
    return {
        "data": {"contracts": ["BTCUSDT", "ETHUSDT"], "from": "2026-01-01T00:00:00+00:00", "candles": 48000,
                 "missing": 12, "timeframe": "15m", "source": "files", "of_paper": False},
        "features": {"version": "f00d", "count": 266},
        "classes": ["LONG", "SHORT", "NEUTRAL"],
        "training": {"folds": 5, "embargo": 48, "cost": 0.0014},
        "scores": dict.fromkeys(HORIZONS, SCORES),
        "importance": dict.fromkeys(HORIZONS, important),
    } | values  # fmt: skip


def a_model(**values: Any) -> ForecastModel:
    now = timezone.now()
    content = b"no model at all"
    defaults = {
        "of_paper": settings.DRY_RUN, "features_version": "f00d", "content": content, "card": a_card(),
        "sha256": hashlib.sha256(content).hexdigest(), "is_worth_using": False,
        "verdict": "Not worth using: it sees a little of which way prices go, and not enough to pay 0.14% a trade.",
        "trained_until": now - timedelta(hours=2), "trained_at": now - timedelta(hours=1),
    }  # fmt: skip
    if values.get("state") == "in use":
        defaults["put_in_use_at"] = now
    return ForecastModel.objects.create(**defaults | values)


def a_run(account: ExchangeAccount, candles_ago: int = 0, **values: Any) -> ForecastRun:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    at = now - (candles_ago + 1) * STEP
    defaults = {
        "of_paper": settings.DRY_RUN, "candle_at": at, "started_at": at + STEP, "finished_at": at + STEP,
        "source": "fallback" if values.get("model") is None else "model", "contracts": 2, "milliseconds": 84,
    }  # fmt: skip
    return ForecastRun.objects.create(account=account, **defaults | values)


def a_forecast(
    run: ForecastRun, instrument: Instrument | None = None, direction: str = "long", **values: Any
) -> Forecast:
    said = kept(*SAYS[direction], least=0.0014)
    defaults = {
        "source": run.source, "price": D("97250.4"), "direction": direction, "confidence": D("0.4231"),
        "quality": D("0.61"), "strength": D("0.53"), "agreement": 3, "risk": "medium", "stop_percent": D("1.04"),
        "target_percent": D("2.10"), "horizons": dict.fromkeys(HORIZONS, said), "made_at": run.finished_at,
        "reason": "confidence 0.42 is below 0.50",
    }  # fmt: skip
    return Forecast.objects.create(run=run, instrument=instrument or an_instrument(), **defaults | values)


def sent(one: Forecast, **entry: Any) -> Forecast:
    """As a signal that a strategy took."""
    log = a_signal_log(source="forecast", message="FORECAST LONG", received_at=one.made_at)
    a_log_entry(log, entry.pop("strategy", None) or a_strategy(account=one.run.account), **entry)
    one.signal, one.reason = log, ""
    one.save(update_fields=["signal", "reason"])
    return one


def a_day(candles: int = 12) -> ForecastFeed:
    """A feed whose model said something of two contracts each quarter of an hour, half of it right; it made way for
    the simple rules in the last run."""
    feed, model = a_feed(), a_model(state="retired", put_in_use_at=timezone.now(), retired_at=timezone.now())
    for number in range(candles, 0, -1):
        run = a_run(feed.account, number, model=model, drift={"rsi_14": 0.31, "macd": 0.12, "body": 0.02},
                    measured={"drift": {"sentence": "half of the features look like another market"}})  # fmt: skip
        moved = 0.006 if number % 2 else -0.005
        a_forecast(run, outcomes=dict.fromkeys(HORIZONS, moved), judged_at=timezone.now())
        a_forecast(run, an_instrument("ETH"), "neutral", outcomes={"15m": 0.0002, "1h": moved})
    last = a_run(feed.account, fallback_reason="no model is in use", identical=[["BTCUSDT", "ETHUSDT"]],
                 left_out={"SOLUSDT": "57 of 200 candles are missing"})  # fmt: skip
    sent(a_forecast(last))
    a_forecast(last, an_instrument("ETH"), "short")
    return feed
