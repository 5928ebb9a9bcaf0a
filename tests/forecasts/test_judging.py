"""What came of forecasts, and whether a model can still be relied on: from stored candles alone."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal as D

import numpy as np
import pytest

from positions.models import RiskEvent
from signals_app.forecast_models import (
    CandleSpan,
    Forecast,
    ForecastFeed,
    ForecastModel,
    ForecastRun,
    StoredCandle,
)
from signals_app.forecasts.drift import reference
from signals_app.forecasts.features.table import HISTORY, features
from signals_app.forecasts.services.forecasting import make_forecasts
from signals_app.forecasts.services.judging import judge_forecasts
from signals_app.forecasts.services.measuring import measure
from tests.builders import a_ticker, an_instrument
from tests.forecasts.ground import QUARTER, a_feed, a_model_row, candles, just_after_close, store
from tests.forecasts.made_candles import noise
from trailing.volatility import last_close

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return just_after_close()


@pytest.fixture
def feed(now: datetime) -> ForecastFeed:
    made = a_feed()
    for symbol in store(made.account, candles(), last_close(QUARTER, now)):
        a_ticker(symbol)
    return made


def come(feed: ForecastFeed, symbol: str, opened_at: datetime, close: str | None) -> None:
    """The exchange told of this candle, or that there is none."""
    of = {
        "account": feed.account,
        "instrument": an_instrument(symbol),
        "timeframe": QUARTER,
        "of_paper": True,
    }
    CandleSpan.objects.create(**of, since=opened_at, until=opened_at + QUARTER.length)
    if close is not None:
        price = D(close)
        StoredCandle.objects.create(
            **of, opened_at=opened_at, open=price, high=price, low=price, close=price, volume=1
        )


def bitcoin() -> Forecast:
    return Forecast.objects.get(instrument__exchange_symbol="BTCUSDT")


def test_each_horizon_is_judged_when_it_is_over(feed: ForecastFeed, now: datetime) -> None:
    make_forecasts(feed, now)
    ended, price = last_close(QUARTER, now), bitcoin().price
    assert judge_forecasts(now) == 0
    come(feed, "BTC", ended, str(price * 2))
    assert judge_forecasts(ended + 15 * MINUTE - timedelta(seconds=1)) == 0
    assert judge_forecasts(ended + 15 * MINUTE) == 1
    assert bitcoin().outcomes == {"15m": pytest.approx(math.log(2), abs=1e-8)}
    for minutes, factor in ((60, "0.5"), (240, "1"), (720, "1.01")):
        come(feed, "BTC", ended + (minutes - 15) * MINUTE, str(price * D(factor)))
    assert judge_forecasts(ended + 240 * MINUTE) == 1
    assert (set(bitcoin().outcomes), bitcoin().judged_at) == ({"15m", "1h", "4h"}, None)
    over = ended + 720 * MINUTE
    assert judge_forecasts(over) == 1
    assert bitcoin().outcomes["12h"] == pytest.approx(math.log(1.01), abs=1e-8)
    assert bitcoin().judged_at == over
    assert judge_forecasts(over + MINUTE) == 0
    assert Forecast.objects.get(instrument__exchange_symbol="ETHUSDT").outcomes == {}


def test_a_candle_that_is_missing_keeps_it_open_until_there_is_proven_to_be_none(
    feed: ForecastFeed, now: datetime
) -> None:
    make_forecasts(feed, now)
    ended = last_close(QUARTER, now)
    assert judge_forecasts(ended + timedelta(days=3)) == 0
    come(feed, "BTC", ended, None)
    assert judge_forecasts(ended + timedelta(days=3)) == 1
    assert bitcoin().outcomes == {"15m": None}
    come(feed, "BTC", ended + 45 * MINUTE, str(bitcoin().price))
    judge_forecasts(ended + timedelta(days=3))
    assert (bitcoin().outcomes, bitcoin().judged_at) == ({"15m": None, "1h": 0.0}, None)


def test_paper_candles_judge_no_forecast_of_real_ones(feed: ForecastFeed, now: datetime) -> None:
    make_forecasts(feed, now)
    ForecastRun.objects.update(of_paper=False)
    come(feed, "BTC", last_close(QUARTER, now), "1")
    assert judge_forecasts(now + timedelta(days=1)) == 0


# whether it can be relied on


def a_model_trained_with(bars, **values: object) -> ForecastModel:
    made = features(bars)
    rows = made.values[made.are_known()]
    return a_model_row(reference=reference(rows).to_bytes(), **values)


@pytest.fixture
def long_past(now: datetime) -> ForecastFeed:
    made = a_feed()
    for symbol in store(made.account, noise(HISTORY + 400, 2, 5), last_close(QUARTER, now)):
        a_ticker(symbol)
    return made


def test_features_like_those_of_training_are_no_drift(long_past: ForecastFeed, now: datetime) -> None:
    a_model_trained_with(noise(1500, 2, 9))
    make_forecasts(long_past, now)
    run = measure(long_past, now)
    assert run is not None
    run = ForecastRun.objects.get(pk=run.pk)
    assert 800 <= run.measured["drift"]["rows"] < 900
    assert run.measured["drift"]["sentence"] == ""
    assert 0 < run.measured["drift"]["typical"] < 0.25
    assert len(run.drift) == 10
    assert not RiskEvent.objects.exists()


def test_another_market_is_drift_and_told_once(long_past: ForecastFeed, now: datetime) -> None:
    """Trained when nothing but one long rise was to be seen."""
    calm = noise(1500, 2, 9)
    rising = np.exp(np.linspace(0, 3, calm.close.shape[1]))
    made = {name: getattr(calm, name) * rising for name in ("open", "high", "low", "close")}
    a_model_trained_with(type(calm)(calm.symbols, calm.times, **made, volume=calm.volume * rising**4))
    make_forecasts(long_past, now)
    for hour in range(3):
        run = measure(long_past, now + timedelta(hours=hour))
    assert run is not None
    assert run.measured["drift"]["typical"] > 0.25
    event = RiskEvent.objects.get()
    assert (event.event_type, event.account_id) == ("forecast_drift", long_past.account_id)
    assert event.details["reason"].startswith("features are not what it was trained with")


def judged(feed: ForecastFeed, now: datetime, right: float, count: int = 300) -> None:
    """So many forecasts of the last days that said 60 % long, and how many of them were right."""
    model = ForecastModel.objects.get()
    of = {"account": feed.account, "timeframe": QUARTER, "of_paper": True, "model": model, "source": "model"}
    said = {"4h": {"long": 0.6, "short": 0.2, "neutral": 0.2, "return": 0.01, "least": 0.002}}
    contract = an_instrument("BTC")
    at = [last_close(QUARTER, now) - (place + 100) * QUARTER.length for place in range(count)]
    runs = ForecastRun.objects.bulk_create(
        ForecastRun(candle_at=one, started_at=one, finished_at=one, **of) for one in at
    )
    Forecast.objects.bulk_create(
        Forecast(
            run=run, instrument=contract, source="model", price=1, direction="long", confidence=D("0.5"),
            quality=D("0.5"), strength=D("0.5"), agreement=4, risk="low", stop_percent=1, target_percent=2,
            horizons=said, made_at=run.candle_at,
            outcomes={"4h": 0.01 if place * 7 % 10 < 10 * right else -0.01, "12h": None},
        )
        for place, run in enumerate(runs)
    )  # fmt: skip


@pytest.mark.parametrize(("right", "sentence"), [(0.6, ""), (0.3, "4h: it said 60% on average, and ")])
def test_a_model_that_breaks_its_word_is_told_of(
    feed: ForecastFeed, now: datetime, right: float, sentence: str
) -> None:
    a_model_row()
    judged(feed, now, right)
    make_forecasts(feed, now)
    run = measure(feed, now)
    assert run is not None
    told = run.measured["calibration"]
    assert told["horizons"]["4h"]["answers"] == 300
    assert told["horizons"]["4h"]["said"] == 0.6
    assert told["horizons"]["4h"]["came"] == pytest.approx(right, abs=0.001)
    assert told["sentence"].startswith(sentence)
    assert bool(told["sentence"]) == bool(sentence)
    assert [one.event_type for one in RiskEvent.objects.all()] == ["forecast_calibration"] * bool(sentence)


def test_nobody_relies_on_simple_rules(feed: ForecastFeed, now: datetime) -> None:
    make_forecasts(feed, now)
    assert measure(feed, now) is None
