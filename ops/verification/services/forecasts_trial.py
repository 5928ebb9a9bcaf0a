"""From candles to a signal in the ledger, by a model and without one, and how long 1,000 of them take. Needs numpy."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import Timeframe
from ops.verification.services import desk, made_market
from signals_app.forecast_models import Forecast, ForecastFeed, ForecastModel, ForecastRun
from signals_app.forecasts.services.forecasting import make_forecasts
from signals_app.forecasts.services.sending import send_waiting
from signals_app.forecasts.terms import HISTORY
from signals_app.models import SignalLog, StrategySignal, Ticker
from signals_app.registry import load
from trailing.volatility import last_close

CONTRACTS, CANDLES = 100, 10
LENGTH = Timeframe.QUARTER.length
PHRASES = {"FORECAST LONG": "long", "FORECAST SHORT": "short"}


def run() -> dict[str, Any]:
    settings.MAX_SIGNAL_AGE = (CANDLES + 2) * LENGTH  # its candles are of the last hours
    ended_at = last_close(Timeframe.QUARTER, timezone.now())
    account = desk.an_account()
    contracts = _contracts(account)
    bars = made_market.a_past(tuple(one.exchange_symbol for one in contracts), HISTORY + CANDLES)
    made_market.keep(account, contracts, bars, ended_at)
    feed = ForecastFeed.objects.create(account=account, sends_signals=True)
    without = _told(feed, ended_at - CANDLES * LENGTH)
    made_market.a_model(bars.last(HISTORY), timezone.now())
    seconds = _thousand(feed, ended_at)
    return {
        "columns_left": made_market.columns_left(made_market.a_past(("BTCUSDT", "ETHUSDT"), 3 * HISTORY)),
        "with_model": _told(feed, ended_at),
        "without_model": without,
        "signals": SignalLog.objects.filter(source="forecast", symbol__in=("BTCUSDT", "ETHUSDT")).count(),
        "signals_1000": SignalLog.objects.filter(source="forecast").count(),
        "signals_1000_seconds": seconds,
        "after_the_model_went": _after_deletion(feed, ended_at),
    }


def _contracts(account: ExchangeAccount) -> list[Instrument]:
    """Most of them are listed nowhere; another trial may have brought some. A strategy that is off knows the phrases,
    and nothing is opened."""
    strategy = desk.a_strategy(account, enabled=False)
    StrategySignal.objects.bulk_create(
        StrategySignal(strategy=strategy, phrase=phrase, direction=way) for phrase, way in PHRASES.items()
    )
    bases = ("BTC", "ETH", *(f"TRIAL{number:02}" for number in range(CONTRACTS - 2)))
    symbols = [f"{base}USDT" for base in bases]
    Ticker.objects.bulk_create((Ticker(symbol=symbol) for symbol in symbols), ignore_conflicts=True)
    Instrument.objects.bulk_create((_contract(account, base) for base in bases), ignore_conflicts=True)
    return list(Instrument.objects.filter(venue=account.venue, exchange_symbol__in=symbols))


def _contract(account: ExchangeAccount, base: str) -> Instrument:
    return Instrument(
        venue=account.venue,
        symbol=f"{base}/USDT:USDT",
        exchange_symbol=f"{base}USDT",
        refreshed_at=timezone.now(),
        price_increment="0.01",
        size_increment="0.001",
        min_quantity="0.001",
        min_notional=5,
    )


def _thousand(feed: ForecastFeed, ended_at: datetime) -> float:
    """Read, reckoned, asked, written, sent and followed: a hundred contracts at each of ten candles."""
    registry, seconds = load(), 0.0
    for place in reversed(range(CANDLES)):
        began = time.perf_counter()
        at = ended_at - place * LENGTH + timedelta(seconds=5)
        if make_forecasts(feed, at) is None:
            raise RuntimeError("the forecasts of a candle were not made")
        send_waiting(timezone.now(), registry)
        seconds += time.perf_counter() - began
    return round(seconds, 3)


def _told(feed: ForecastFeed, ended_at: datetime) -> dict[str, Any]:
    """Of the candle that ended then: made where that is not done yet."""
    make_forecasts(feed, ended_at + timedelta(seconds=5))
    run = ForecastRun.objects.get(account=feed.account, candle_at=ended_at - LENGTH)
    rows = Forecast.objects.filter(run=run)
    horizons = dict(rows.values_list("instrument__exchange_symbol", "horizons"))
    confidences = sorted(float(one) for one in rows.values_list("confidence", flat=True))
    return {
        "source": run.source,
        "reason": run.fallback_reason,
        "contracts": len(confidences),
        "confidence": [confidences[0], confidences[-1]] if confidences else [],
        "btc_and_eth_differ": horizons.get("BTCUSDT") != horizons.get("ETHUSDT"),
        "identical": run.identical,
    }


def _after_deletion(feed: ForecastFeed, ended_at: datetime) -> dict[str, Any]:
    ForecastModel.objects.all().delete()
    ForecastRun.objects.filter(account=feed.account, candle_at=ended_at - LENGTH).delete()
    return _told(feed, ended_at)
