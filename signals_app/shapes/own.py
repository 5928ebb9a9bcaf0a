"""Our own: {symbol, message, bar_time or time, sent_at, signal_id or id}. Pure."""

from __future__ import annotations

from datetime import datetime

from signals_app.reasons import ReasonCode
from signals_app.shapes import fields as read
from signals_app.shapes.shape import Shape
from signals_app.shapes.signal import Refused, Signal


def _signal(fields: read.Fields, received_at: datetime) -> Signal:
    bar_time = read.moment(fields, "bar_time", received_at) or read.moment(fields, "time", received_at)
    if bar_time is None:
        raise Refused(
            "bar_time is missing: without it a repeat could not be told from a new signal",
            ReasonCode.MISSING_FIELD,
        )
    return Signal(
        symbol=read.symbol(fields),
        message=read.message(fields),
        bar_time=bar_time,
        sent_at=read.moment(fields, "sent_at", received_at),
        signal_id=read.signal_id(fields),
    )


OWN = Shape("a signal", needs=("symbol", "message"), read=_signal)
