"""A forecast as a signal, and as the message that the ledger keeps of it."""

from __future__ import annotations

import json
from decimal import Decimal

from signals_app.forecast_models import Forecast, ForecastDirection, ForecastFeed
from signals_app.shapes.signal import Details, Signal

SOURCE = "forecast"
HUNDRED, CENT = Decimal(100), Decimal("0.01")


def signal_of(forecast: Forecast, feed: ForecastFeed) -> Signal:
    """Symbol, phrase, venue and the end of its candle make it one signal: said again by a second worker, after a
    restart or for another account of the venue it is a repeat. It is as old as its candle."""
    ended_at = forecast.run.candle_ended_at
    return Signal(
        symbol=forecast.instrument.exchange_symbol,
        message=_phrase(forecast, feed),
        bar_time=ended_at,
        sent_at=ended_at,
        signal_id=f"forecast-{forecast.pk}",
        details=_details(forecast, feed.account.venue),
    )


def _phrase(forecast: Forecast, feed: ForecastFeed) -> str:
    return feed.long_phrase if forecast.direction == ForecastDirection.LONG else feed.short_phrase


def _details(forecast: Forecast, venue: str) -> Details:
    """Its stop is a wish, as any sender may have one; its target is kept, and the strategy's own plan takes profits."""
    way = 1 if forecast.direction == ForecastDirection.LONG else -1
    target = forecast.price * (1 + way * forecast.target_percent / HUNDRED)
    return Details(
        exchange=venue,
        strength=(HUNDRED * forecast.confidence).quantize(CENT),
        stop_loss_percent=forecast.stop_percent,
        entry_price=forecast.price,
        take_profit_price=target.quantize(Decimal("0.000000000001")),
    )


def message_of(forecast: Forecast, signal: Signal) -> str:
    told = {
        "symbol": signal.symbol,
        "message": signal.message,
        "bar_time": signal.bar_time.isoformat(),
        "signal_id": signal.signal_id,
        "source": forecast.source,
        **signal.details.as_json(),
    }
    return json.dumps(told)
