"""From a foreign message to a Signal, or to the reason why it is none. Pure; never raises on any input."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from signals_app.reasons import ReasonCode
from signals_app.shapes.action_signal import ACTION_SIGNAL
from signals_app.shapes.foreign import refuse_placeholders
from signals_app.shapes.freqtrade import FREQTRADE
from signals_app.shapes.own import OWN
from signals_app.shapes.scoring_row import SCORING_ROW
from signals_app.shapes.shape import recognise
from signals_app.shapes.signal import Refused, Signal, Unreadable
from signals_app.shapes.signal_bot import SIGNAL_BOT
from signals_app.shapes.tradingview import ALERT, ORDER_ALERT
from signals_app.shapes.wave_record import WAVE_RECORD

__all__ = ["MAX_BYTES", "Signal", "Unreadable", "parse"]

MAX_BYTES = 64 * 1024
SHAPES = (OWN, ACTION_SIGNAL, WAVE_RECORD, SCORING_ROW, ALERT, ORDER_ALERT, SIGNAL_BOT, FREQTRADE)


def parse(frame: bytes | str, received_at: datetime) -> Signal | Unreadable:
    try:
        fields = _object(frame)
        refuse_placeholders(fields)
        return recognise(fields, SHAPES).read(fields, received_at)
    except Refused as refusal:
        return Unreadable(str(refusal), refusal.code)


def _object(frame: bytes | str) -> dict[str, Any]:
    text = _text(frame)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _unreadable(f"not JSON: {error.msg} at character {error.pos}") from None
    except (RecursionError, ValueError):
        raise _unreadable("JSON too deep, or with a number too long") from None
    if not isinstance(value, dict):
        raise _unreadable(f"a signal is a JSON object, not {type(value).__name__}")
    return value


def _text(frame: bytes | str) -> str:
    size = len(frame if isinstance(frame, bytes) else frame.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise Refused(f"message of {size} bytes is larger than {MAX_BYTES}", ReasonCode.TOO_LARGE)
    if isinstance(frame, str):
        return frame
    try:
        return frame.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable("message is not UTF-8 text") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values for one field: neither can be trusted."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _unreadable("a field is given twice")
    return fields


def _no_constant(name: str) -> Any:
    raise _unreadable(f"{name} is not a number a signal may hold")


def _unreadable(reason: str) -> Refused:
    return Refused(reason, ReasonCode.UNREADABLE)
