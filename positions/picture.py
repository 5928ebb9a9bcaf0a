"""A position's picture as values: candles where the exchange gives them, and what is known here. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges import session
from exchanges.errors import ExchangeError
from exchanges.types import Candle, PositionSide, Timeframe
from positions import act_page, formats
from positions.chart import Standing, Window, stop_line, window_around
from positions.lifecycle import DONE
from positions.models import Fill
from positions.position_page import Record

PATIENCE_SECONDS = 5.0
LEAST_LEVERAGE_SHOWN = 20
Value = dict[str, Any]


def picture_of(record: Record, now: datetime, timeframe: Timeframe | None = None) -> Value:
    """Times are seconds of the epoch, prices exact texts. Without a timeframe the one that fits its life."""
    position = record.position
    began, ended = position.opened_at or position.created_at, position.closed_at or now
    window = window_around(began, ended, now, timeframe)
    candles, sentence = _candles(record, window)
    return {
        "is_live": position.is_live,
        "timeframe": window.timeframe.value,
        "seconds": int(window.timeframe.length.total_seconds()),
        "since": _seconds(window.since),
        "until": _seconds(window.until),
        "decimals": formats.decimals(position.instrument.price_increment),
        "sentence": sentence,
        "candles": [_candle(one) for one in candles if one.at < window.until],
        "entry": _entry(record, began, ended),
        "activation": _text(_activation(record)),
        "liquidation": _text(_liquidation(record)),
        "stops": [[_seconds(at), _text(price)] for at, price in _stop_line(record, ended)],
        "levels": list(_levels(record)),
        "fills": [_fill(fill) for fill in record.fills],
    }


def _candles(record: Record, window: Window) -> tuple[Sequence[Candle], str]:
    """A sentence where there are none: the picture is drawn all the same."""
    symbol, asked = record.position.instrument.symbol, (window.timeframe, window.since, window.candles)
    try:
        found = session.call(
            record.position.account, lambda client: client.candles(symbol, *asked), timeout=PATIENCE_SECONDS
        )
    except ExchangeError as error:
        return [], f"No candles: {error.sentence} What is known here is drawn without them."
    return found, "" if found else "The exchange has no candles of this time."


def _candle(one: Candle) -> list[Any]:
    return [_seconds(one.at), *map(_text, (one.open, one.high, one.low, one.close))]


def _entry(record: Record, began: datetime, ended: datetime) -> Value | None:
    price = record.position.average_entry_price
    if price is None:
        return None
    return {"price": _text(price), "since": _seconds(began), "until": _seconds(ended)}


def _activation(record: Record) -> Decimal | None:
    """From where its stop trails; nothing once it does."""
    held = record.held
    return held.activation_price if held is not None and held.phase == "waiting" else None


def _liquidation(record: Record) -> Decimal | None:
    """Estimated; left out where it is so far away that the rest of the picture would be a line."""
    if record.held is None or record.held.leverage < LEAST_LEVERAGE_SHOWN:
        return None
    return act_page.liquidation(record.held)


def _stop_line(record: Record, ended: datetime) -> Iterator[tuple[datetime, Any]]:
    stops = [
        Standing(
            price=order.trigger_price,
            since=order.answered_at or order.created_at,
            until=min(order.updated_at, ended) if order.status in DONE else ended,
        )
        for order in record.stops
        if order.trigger_price is not None
    ]
    return stop_line(PositionSide(record.position.position_side), stops)


def _levels(record: Record) -> Iterator[Value]:
    for row in record.levels:
        if row.price is not None:
            yield {"price": _text(row.price), "level": row.level, "status": row.status}


def _fill(fill: Fill) -> Value:
    return {
        "at": _seconds(fill.executed_at),
        "side": fill.side,
        "price": _text(fill.price),
        "quantity": formats.quantity(fill.quantity),
        "what": fill.order.purpose if fill.order else fill.forced or "not ours",
    }


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:f}"
