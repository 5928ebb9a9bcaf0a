"""The legacy form for single signals: {symbol, action, created_at}, strength 0..1, prices to look at. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from signals_app.shapes import fields as read
from signals_app.shapes.shape import Shape
from signals_app.shapes.signal import Details, Refused, Signal

ACTIONS = {word: word for word in ("open_long", "open_short", "close_long", "close_short")}
BEST_STRENGTH = 1


def _signal(fields: read.Fields, received_at: datetime) -> Signal:
    created_at = read.required_time(fields, "created_at", received_at)
    action = read.action(fields, "action", ACTIONS)
    strength = read.score(fields, "strength", BEST_STRENGTH) if read.is_given(fields, "strength") else None
    prices = {name: read.price(fields, name) for name in ("entry_price", "stop_loss", "take_profit")}
    _check_sides(action, **prices)
    return Signal(
        symbol=read.symbol(fields),
        message=action,
        bar_time=created_at,
        sent_at=created_at,
        signal_id=read.signal_id(fields),
        details=Details(
            strength=strength,
            entry_price=prices["entry_price"],
            stop_loss_price=prices["stop_loss"],
            take_profit_price=prices["take_profit"],
        ),
    )


def _check_sides(
    action: str, entry_price: Decimal | None, stop_loss: Decimal | None, take_profit: Decimal | None
) -> None:
    """The stop of a long is below its entry, its goal above; of a short the other way round."""
    rising = [("stop_loss", stop_loss), ("entry_price", entry_price), ("take_profit", take_profit)]
    given = [(name, price) for name, price in rising if price is not None]
    if action.endswith("short"):
        given.reverse()
    for (lower, low), (higher, high) in pairwise(given):
        if action.startswith("open") and low >= high:
            raise Refused(f"{lower} {low} is not below {higher} {high}, as {action} needs it")


ACTION_SIGNAL = Shape(
    "an action signal", needs=("symbol", "action", "created_at"), never=("message",), read=_signal
)
