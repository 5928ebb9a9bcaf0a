"""What older bots noted beside their trades, as events and signals of ours. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ops.legacy.mapping import words
from ops.legacy.mapping.reading import Rejection, Row, moment, needed, number, plain, text
from ops.legacy.mapping.trades import when

LEVELS = {"critical": "critical", "error": "high", "high": "high", "warning": "medium", "medium": "medium"}
# of an event, what has a column of its own with us
_TOLD = frozenset({"id", "legacy_key", "event_type", "violation_type", "risk_level", "severity"})
_DIRECTIONS = {"buy": "long", "long": "long", "sell": "short", "short": "short", "close": "close"}


@dataclass(frozen=True, slots=True)
class OldEvent:
    event_type: str
    risk_level: str
    legacy_position_id: str
    details: dict[str, Any]
    created_at: datetime


def old_event(row: Row, event_type: str = "", position: str = "position_id") -> OldEvent:
    """`event_type`: of a table whose rows are all of one kind."""
    said = event_type or needed(row, "event_type", "violation_type")
    level = text(row, "risk_level", "severity").lower()
    return OldEvent(
        event_type=said[:50],
        risk_level=LEVELS.get(level, "info"),
        legacy_position_id=text(row, position),
        details=_rest(row, _TOLD),
        created_at=when(row, "created_at", "timestamp", "updated_at"),
    )


def _rest(row: Row, told: Collection[str]) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.items() if name not in told and value is not None}


@dataclass(frozen=True, slots=True)
class OldSignal:
    uid: str
    signal_id: str | None
    symbol: str
    direction: str
    message: str
    result: str
    was_executed: bool
    details: dict[str, str]
    at: datetime


def old_signal(row: Row) -> OldSignal:
    """A signal that the first bot had worked off. It named no candle, so its own id is what tells it apart."""
    said = needed(row, "signal_id")
    try:
        signal_id = words.signal_id(row)
    except Rejection:
        signal_id = None  # longer than ours may be: its message has it
    symbol = words.symbol(row) if text(row, "symbol") else ""
    direction = _DIRECTIONS.get(text(row, "action").lower(), "")
    at = moment(row, "processed_at", "created_at")
    if at is None:
        raise Rejection("it has no time")
    result = text(row, "error_message") or text(row, "result")
    return OldSignal(
        uid=hashlib.sha256(f"tradingbot processed_signals {said}".encode()).hexdigest(),
        signal_id=signal_id,
        symbol=symbol,
        direction=direction,
        message=said,
        result=result,
        was_executed=text(row, "result").lower() in ("executed", "success", "opened", "ok"),
        details=_scores(row),
        at=at,
    )


def _scores(row: Row) -> dict[str, str]:
    told = {name: number(row, name) for name in ("score_week", "score_month")}
    return {name: f"{score.normalize():f}" for name, score in told.items() if score is not None}


@dataclass(frozen=True, slots=True)
class OldParams:
    venue: str
    stop_percent: Decimal | None
    activation_percent: Decimal | None
    callback_percent: Decimal | None
    trades_per_wave: int | None


def old_params(row: Row) -> OldParams:
    said = needed(row, "exchange_id")
    if said not in words.VENUE_OF_ID:
        raise Rejection(f"exchange {said!r} is not one of ours")
    most = number(row, "max_trades_filter")
    return OldParams(
        venue=words.VENUE_OF_ID[said],
        stop_percent=number(row, "stop_loss_filter"),
        activation_percent=number(row, "trailing_activation_filter"),
        callback_percent=number(row, "trailing_distance_filter"),
        trades_per_wave=int(most) if most is not None else None,
    )
