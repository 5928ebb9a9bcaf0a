"""An alert of TradingView whose fields have the names of its placeholders: {ticker, message or action, time, timenow}.

An alert with `symbol` in place of `ticker` is a signal of our own. Pure.
"""

from __future__ import annotations

from datetime import datetime

from signals_app.shapes import fields as read
from signals_app.shapes.foreign import refuse_unknown, symbol_on
from signals_app.shapes.shape import Shape
from signals_app.shapes.signal import Signal

UNUSED = frozenset({"interval", "open", "high", "low", "close", "volume", "currency", "basecurrency"})
KNOWN = UNUSED | {"ticker", "exchange", "message", "action", "time", "timenow"}
TITLE = "an alert of TradingView"


def _signal(fields: read.Fields, received_at: datetime) -> Signal:
    refuse_unknown(fields, KNOWN, TITLE)
    return Signal(
        symbol=read.plain_symbol(symbol_on(fields, "exchange", "ticker")),
        message=read.message(fields if "message" in fields else {"message": fields["action"]}),
        bar_time=read.required_time(fields, "time", received_at),
        sent_at=read.moment(fields, "timenow", received_at),
        signal_id=read.signal_id(fields),
    )


ALERT = Shape(TITLE, ("ticker", "message", "time"), _signal, never=("symbol", "action"))
ORDER_ALERT = Shape(TITLE, ("ticker", "action", "time"), _signal, never=("symbol", "message"))
