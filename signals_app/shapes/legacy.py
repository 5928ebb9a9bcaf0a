"""What the records of older bots have in common. Pure."""

from __future__ import annotations

from signals_app.shapes import fields as read
from signals_app.shapes.signal import Refused

RECOMMENDED = {"buy": "BUY", "sell": "SELL", "long": "BUY", "short": "SELL"}
EXCHANGES = {1: "binance", 2: "bybit"}


def exchange(fields: read.Fields) -> str:
    """An unknown exchange is none of ours: it is not taken for the first."""
    number = read.number(fields, "exchange_id")
    known = EXCHANGES.get(int(number)) if number is not None and number == number.to_integral() else None
    if known is None:
        raise Refused(f"exchange_id {fields.get('exchange_id')!r:.40} is neither 1 (Binance) nor 2 (Bybit)")
    return known
