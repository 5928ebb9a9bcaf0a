"""A custom signal as 3Commas' signal bots take it: {tv_instrument, action, timestamp, max_lag, ...}. Pure."""

from __future__ import annotations

from datetime import datetime

from signals_app.reasons import ReasonCode
from signals_app.shapes import fields as read
from signals_app.shapes.foreign import refuse_unknown, symbol_on
from signals_app.shapes.shape import Shape
from signals_app.shapes.signal import Refused, Signal

ACTIONS = {word: word for word in ("enter_long", "exit_long", "enter_short", "exit_short")}
KNOWN = frozenset(
    {"tv_instrument", "tv_exchange", "action", "timestamp", "max_lag", "trigger_price", "bot_uuid"}
)
TITLE = "a signal for a signal bot"


def _signal(fields: read.Fields, received_at: datetime) -> Signal:
    refuse_unknown(fields, KNOWN, TITLE)
    sent_at = read.required_time(fields, "timestamp", received_at)
    _refuse_late(fields, sent_at, received_at)
    return Signal(
        symbol=read.plain_symbol(symbol_on(fields, "tv_exchange", "tv_instrument")),
        message=read.action(fields, "action", ACTIONS),
        bar_time=sent_at,
        sent_at=sent_at,
        signal_id=read.signal_id(fields),
    )


def _refuse_late(fields: read.Fields, sent_at: datetime, received_at: datetime) -> None:
    max_lag = read.number(fields, "max_lag")
    age = (received_at - sent_at).total_seconds()
    if max_lag is not None and age > max_lag:
        raise Refused(f"sent {age:.0f} s ago, its max_lag is {max_lag}", ReasonCode.STALE)


SIGNAL_BOT = Shape(
    TITLE, ("tv_instrument", "action", "timestamp"), _signal, never=("symbol", "message", "ticker", "time")
)
