"""From candles to an order with its stop: a model that learned a pattern is heard as any other sender is, and one that
was given noise says so and is not."""

from __future__ import annotations

import pytest
from django.utils import timezone

from exchanges.types import Timeframe
from positions.models import Position
from signals_app.forecast_models import Forecast, ForecastFeed, ForecastRun
from signals_app.forecasts.bars import Bars
from signals_app.forecasts.boosting import Effort
from signals_app.forecasts.known_models import model_in_use
from signals_app.forecasts.services import forecasting
from signals_app.forecasts.services.models import keep_model
from signals_app.forecasts.terms import Direction
from signals_app.forecasts.training import Trained, Wishes, train
from signals_app.models import SignalLog, SignalSender, StrategySignal
from signals_app.tokens import new_token, token_hash
from tests.forecasts.made_candles import noise, pattern
from tests.forecasts.told_candles import ending_now, rows_of, until_it_sees
from tests.integration.stack import SYMBOL, Trader
from tests.ops.waiting import until

TOLD = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SMALL = Wishes(("15m", "1h", "4h"), folds=2, effort=Effort(trees=25))
PROFILE = "moderate"


@pytest.fixture(scope="module")
def learned() -> tuple[Trained, Bars]:
    seen = pattern(1600, contracts=3)
    return train(seen, SMALL), seen


def feed_of(trader: Trader, **wishes: object) -> ForecastFeed:
    # whoever comes to a candle late may still send what it says: the test does not wait for the next quarter
    SignalSender.objects.create(
        name="forecast", token_hash=token_hash(new_token()), max_age_seconds=3600, rate_per_minute=0
    )
    for phrase, direction in (("FORECAST LONG", "long"), ("FORECAST SHORT", "short")):
        StrategySignal.objects.create(strategy=trader.strategy, phrase=phrase, direction=direction)
    return ForecastFeed.objects.create(account=trader.account, profile=PROFILE, **wishes)


def tell(trader: Trader, bars: Bars) -> None:
    """The exchange's own past; its price goes on where that ends."""
    for symbol in TOLD:
        rows = rows_of(bars, symbol)
        trader.stack.paper.tell_candles(symbol, rows)
        trader.set_price(rows[-1][4], symbol)  # its close


def forecast_of(feed: ForecastFeed, symbol: str = SYMBOL) -> Forecast:
    made = Forecast.objects.filter(run__account=feed.account, instrument__exchange_symbol=symbol)
    return made.select_related("run", "signal").latest("made_at")


@pytest.mark.parametrize("side", [Direction.LONG, Direction.SHORT], ids=["long", "short"])
def test_ml_signal_to_order(trader: Trader, learned: tuple[Trained, Bars], side: Direction) -> None:
    trained, seen = learned
    model = keep_model(trained, seen, Timeframe.QUARTER, True, timezone.now())
    assert (model.state, model.is_worth_using) == ("in use", True), model.verdict

    # candles that nobody has seen, told by the exchange and kept by the market process
    fresh = until_it_sees(trained.model, pattern(600, contracts=3, seed=9), SYMBOL, side, PROFILE)
    tell(trader, ending_now(fresh, timezone.now()))
    feed = feed_of(trader, sends_signals=True)

    # a worker makes forecasts at the end of the candle, and sends them as signals
    runs = ForecastRun.objects.filter(account=feed.account, finished_at__isnull=False, contracts__gte=3)
    until(lambda: runs.exists() or _made(trader), "forecasts")
    forecast = forecast_of(feed)
    assert (forecast.source, forecast.direction) == ("model", side.name.lower()), forecast.run.fallback_reason
    assert 0 < forecast.confidence < 1
    assert forecast_of(feed, "ETHUSDT").horizons != forecast.horizons
    until(lambda: forecast_of(feed).signal_id, "the forecast to be a signal")

    # from here on it is a signal as any other: a row of the ledger, a position, an order, a stop
    log = SignalLog.objects.get(pk=forecast_of(feed).signal_id)
    assert (log.source, log.symbol, log.status) == ("forecast", SYMBOL, "new")
    position = Position.objects.get(log_entries__log=log)
    assert (position.position_side, position.signal_id) == (side.name.lower(), log.signal_id)
    until(lambda: trader.stops(position, "accepted") or _swept(trader), "the stop to be confirmed")
    [held] = [one for one in trader.ask(lambda client: client.positions()) if one.symbol.startswith("BTC/")]
    assert held.position_side == side.name.lower()

    # a second look at the same candle, by another worker, sends nothing again
    forecasting.make_forecasts(feed, timezone.now())
    _made(trader)
    sent = list(SignalLog.objects.filter(source="forecast", symbol=SYMBOL).values_list("bar_time", flat=True))
    assert len(sent) == len(set(sent))


def _made(trader: Trader) -> None:
    trader.run("signals_app.tasks.make_forecasts", queue="forecasts")


def _swept(trader: Trader) -> None:
    trader.run("positions.tasks.submit_due")


def test_noise_teaches_nothing_and_the_model_says_so(trader: Trader) -> None:
    seen = noise(1600, contracts=3)
    model = keep_model(train(seen, SMALL), seen, Timeframe.QUARTER, True, timezone.now())
    assert (model.state, model.is_worth_using) == ("kept", False)
    assert model_in_use(Timeframe.QUARTER, True) is None
    for scores in model.card["scores"].values():
        assert -0.1 < scores["skill"] < 0.02, "no better than the usual shares"
        assert not scores["pays"]
        assert scores["hit_rate"] is None or abs(scores["hit_rate"] - 0.5) < 0.05

    # so the simple rules answer, are known as such, and nothing becomes a signal
    tell(trader, ending_now(noise(400, contracts=3, seed=5), timezone.now()))
    feed = feed_of(trader, sends_signals=True)
    runs = ForecastRun.objects.filter(account=feed.account, finished_at__isnull=False, contracts__gte=3)
    until(lambda: runs.exists() or _made(trader), "forecasts")
    said = Forecast.objects.filter(run__account=feed.account)
    assert {one.source for one in said} == {"fallback"}
    assert all(one.reason for one in said)
    assert not SignalLog.objects.filter(source="forecast").exists()
