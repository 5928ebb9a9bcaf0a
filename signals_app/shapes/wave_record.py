"""A record of the legacy signal server: one of a wave, scores 0..100. Pure.

A wave is the 15-minute candle that opened at `timestamp`; symbol, action and wave make it one signal.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from signals_app.shapes import fields as read
from signals_app.shapes import legacy
from signals_app.shapes.shape import Shape
from signals_app.shapes.signal import Details, Signal

WAVE = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEST_SCORE = 100
MOST_TRADES = 1000


def wave_time(moment: datetime) -> datetime:
    return moment - (moment - EPOCH) % WAVE


def _signal(fields: read.Fields, received_at: datetime) -> Signal:
    return Signal(
        symbol=read.symbol(fields, "pair_symbol"),
        message=read.action(fields, "recommended_action", legacy.RECOMMENDED),
        bar_time=wave_time(read.required_time(fields, "timestamp", received_at)),
        sent_at=read.moment(fields, "created_at", received_at),
        signal_id=read.signal_id(fields),
        details=Details(
            exchange=legacy.exchange(fields),
            score_week=read.score(fields, "score_week", BEST_SCORE),
            score_month=read.score(fields, "score_month", BEST_SCORE),
            max_trades=read.count(fields, "max_trades_filter", MOST_TRADES),
            stop_loss_percent=read.percent(fields, "stop_loss_filter"),
            trailing_activation_percent=read.percent(fields, "trailing_activation_filter", Decimal(1000)),
            trailing_distance_percent=read.percent(fields, "trailing_distance_filter"),
        ),
    )


WAVE_RECORD = Shape(
    "a wave record",
    needs=("pair_symbol", "recommended_action", "timestamp", "exchange_id", "score_week", "score_month"),
    never=("message", "exchange_name", "patterns_details", "combinations_details"),
    read=_signal,
)
