"""Names that older bots gave to exchanges, contracts and sides, as ours. Pure."""

from __future__ import annotations

import re

from exchanges.types import PositionSide, Side
from ops.legacy.mapping.reading import Rejection, Row, needed, text
from positions.signal_ids import signal_id_text

VENUES = ("binance", "bybit")
VENUE_OF_ID = {"1": "binance", "2": "bybit"}
_LONG, _SHORT = ("long", "buy"), ("short", "sell")
_SYMBOL = re.compile(r"[A-Z0-9]{2,20}")
QUOTES = ("USDT", "USDC", "USD")


def venue(row: Row) -> str:
    said = needed(row, "exchange", "exchange_name").lower()
    if said not in VENUES:
        raise Rejection(f"exchange {said!r} is not one of ours")
    return said


def symbol(row: Row) -> str:
    """SOL/USDT:USDT and solusdt are SOLUSDT."""
    said = needed(row, "symbol", "pair_symbol")
    plain = re.sub(r"[/\-_]", "", said.upper().partition(":")[0])
    if not _SYMBOL.fullmatch(plain):
        raise Rejection(f"symbol {said!r} is no contract's name")
    return plain


def unified(exchange_symbol: str) -> str:
    """As ccxt writes the linear contract of this name."""
    for quote in QUOTES:
        base = exchange_symbol.removesuffix(quote)
        if base not in ("", exchange_symbol):
            return f"{base}/{quote}:{quote}"
    return exchange_symbol


def position_side(row: Row) -> PositionSide:
    said = needed(row, "side").lower()
    if said in _LONG:
        return PositionSide.LONG
    if said in _SHORT:
        return PositionSide.SHORT
    raise Rejection(f"side {said!r} is neither long nor short")


def order_side(row: Row) -> Side:
    return position_side(row).entry_side


def signal_id(row: Row) -> str | None:
    """Whatever the column's type was; never a word that stood for none."""
    try:
        return signal_id_text(text(row, "signal_id") or None)
    except ValueError as error:
        raise Rejection(f"its signal id cannot be kept: {error}") from None
