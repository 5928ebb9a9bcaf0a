"""From stored candles to rows of forecasts, not written yet. Reads only; needs numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from exchanges.models import Instrument
from exchanges.types import Timeframe
from signals_app.forecast_models import Forecast, ForecastDirection, ForecastFeed, ForecastRun, ForecastSource
from signals_app.forecasts.answering import Answered, answered
from signals_app.forecasts.batch import Opinion
from signals_app.forecasts.choosing import Chosen, choose, choose_by_rules
from signals_app.forecasts.known_models import model_in_use
from signals_app.forecasts.reckoned import Reckoned
from signals_app.forecasts.said import kept
from signals_app.forecasts.spoken import SOURCE
from signals_app.forecasts.stored import instruments_of, stored_bars
from signals_app.forecasts.terms import Direction
from signals_app.models import SignalSender

NO_CANDLE = "no candle of it is stored"
SHARE = Decimal("0.00000001")
DIRECTIONS: Mapping[Direction | None, ForecastDirection] = {
    Direction.LONG: ForecastDirection.LONG,
    Direction.SHORT: ForecastDirection.SHORT,
    None: ForecastDirection.NEUTRAL,
}


def reckon(feed: ForecastFeed, run: ForecastRun) -> Reckoned:
    contracts = {one.exchange_symbol: one for one in instruments_of(feed)}
    timeframe = Timeframe(feed.timeframe)
    bars = stored_bars(
        feed.account, timeframe, run.of_paper, until=run.candle_at, instruments=contracts.values()
    )
    if bars is None:
        return Reckoned("", "no candles are stored", left_out=dict.fromkeys(contracts, NO_CANDLE))
    found = answered(bars, model_in_use(feed.timeframe, run.of_paper))
    missing = dict.fromkeys(contracts.keys() - set(bars.symbols), NO_CANDLE)
    prices = {symbol: float(bars.close[row, -1]) for row, symbol in enumerate(bars.symbols)}
    maker = _Maker(feed, found, run.candle_at + timeframe.length + _max_age())
    rows = [maker.row(contracts[symbol], prices[symbol], one) for symbol, one in found.opinions.items()]
    source = found.source if rows else ""
    return Reckoned(source, found.reason, found.model_id, rows, missing | found.left_out, found.identical)


def _max_age() -> timedelta:
    """How old a signal of forecasts may be: where the owner gave their sender a row, as it says there."""
    said = SignalSender.objects.filter(name=SOURCE).values_list("max_age_seconds", flat=True).first()
    return timedelta(seconds=said) if said else settings.MAX_SIGNAL_AGE


@dataclass(frozen=True, slots=True)
class _Maker:
    feed: ForecastFeed
    found: Answered
    send_until: datetime

    def row(self, instrument: Instrument, price: float, opinion: Opinion) -> Forecast:
        chosen = self._chosen(opinion)
        reason = self._not_sent(instrument.exchange_symbol, chosen)
        return Forecast(
            instrument=instrument,
            source=self.found.source,
            price=Decimal(str(price)),
            direction=DIRECTIONS[chosen.side],
            confidence=_share(chosen.confidence),
            quality=_share(chosen.quality),
            strength=_share(chosen.strength),
            agreement=chosen.agreement,
            risk=chosen.risk,
            stop_percent=chosen.stop_percent,
            target_percent=chosen.target_percent,
            horizons=_horizons(opinion),
            reason=reason,
            send_until=None if reason else self.send_until,
        )

    def _chosen(self, opinion: Opinion) -> Chosen:
        if self.found.source is ForecastSource.MODEL:
            return choose(opinion.views, opinion.usual_move, self.feed.profile)
        return choose_by_rules(opinion.views, opinion.usual_move)

    def _not_sent(self, symbol: str, chosen: Chosen) -> str:
        """Why it becomes no signal; empty when it is to become one."""
        same = [name for group in self.found.identical if symbol in group for name in group if name != symbol]
        if chosen.direction is None:
            return chosen.reason
        if same:
            return f"the same answer as for {', '.join(same)}, number for number"
        if not self.feed.sends_signals:
            return "signals are switched off"
        if self.found.source is ForecastSource.FALLBACK and not self.feed.sends_fallback:
            return "signals of the simple rules are switched off"
        return ""


def _horizons(opinion: Opinion) -> dict[str, dict[str, float]]:
    return {
        name: kept(*view.probabilities, view.expected, opinion.least[name])
        for name, view in opinion.views.items()
    }


def _share(value: float) -> Decimal:
    return Decimal(str(value)).quantize(SHARE)
