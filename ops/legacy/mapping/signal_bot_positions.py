"""Positions of the v2/v4 signal bots, which were held on their own books and on no exchange. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from ops.legacy.mapping.reading import (
    NothingToCarry,
    NotYet,
    Rejection,
    Row,
    moment,
    needed,
    number,
    plain,
    positive,
    price,
    text,
)
from ops.legacy.mapping.switches import is_on
from positions.lifecycle import CloseReason
from trailing.ladder import LevelStatus

STILL_OPEN = (
    "open on the older bot's own books alone: what an exchange really holds is found when its account is connected; "
    "imported once it is closed there"
)
SIDES = {"long": "long", "buy": "long", "short": "short", "sell": "short"}
REASONS = (
    (r"full-sl-hit|^sl-hit|stop.?loss", CloseReason.STOP_LOSS),
    (r"sl-tp-hit", CloseReason.AFTER_LEVEL),
    (r"^tp-", CloseReason.TAKE_PROFIT),
    (r"reverse-signal|sl-protect", CloseReason.SIGNAL),
    (r"manual", CloseReason.MANUAL),
)


def side(row: Row, *names: str) -> str:
    said = needed(row, *names).lower()
    if said not in SIDES:
        raise Rejection(f"{names[0]} {said[:20]!r} is neither long nor short")
    return SIDES[said]


def closed_position(row: Row) -> dict[str, Any]:
    if needed(row, "status").lower() != "closed":
        raise NotYet(STILL_OPEN)
    quantity, entry = positive(row, "quantity"), price(row, "entry_price")
    if quantity is None or entry is None:
        raise Rejection("its quantity or its entry price is not on record")
    opened_at = moment(row, "created_at", "opened_at") or moment(row, "closed_at")
    closed_at = moment(row, "closed_at") or opened_at
    if opened_at is None or closed_at is None:
        raise Rejection("it has no time")
    return {
        "position_side": (leg := side(row, "direction", "side")),
        "position_idx": 1 if leg == "long" else 2,
        "planned_quantity": quantity,
        "planned_notional": positive(row, "notional_value") or round(quantity * entry, 8),
        "planned_risk": max(number(row, "planned_risk") or Decimal(0), Decimal(0)),
        "reference_price": entry,
        "average_entry_price": entry,
        "average_exit_price": price(row, "exit_price"),
        "realized_pnl": number(row, "pnl") or Decimal(0),
        "signal_id": text(row, "log_uid", "log_id")[:100] or None,
        "close_reason": close_reason(text(row, "close_reason")).value,
        **times(opened_at, closed_at),
    }


def times(opened_at: datetime, closed_at: datetime) -> dict[str, datetime]:
    ended = max(opened_at, closed_at)
    return {"created_at": opened_at, "opened_at": opened_at, "closed_at": ended, "updated_at": ended}


def close_reason(said: str) -> CloseReason:
    found = (reason for pattern, reason in REASONS if re.search(pattern, said.lower()))
    return next(found, CloseReason.EXTERNAL)


def level(row: Row, original: Decimal) -> dict[str, Any]:
    """Of a position that is closed."""
    if text(row, "type").lower() != "tp":
        raise NothingToCarry("a stop of a closed position")
    number_of = positive(row, "level")
    if number_of is None or number_of > 32767:
        raise Rejection("which level it is is not on record")
    quantity = max(number(row, "quantity") or Decimal(0), Decimal(0))
    was_hit = is_on(row, "hit", unsaid=False)
    return {
        "level": int(number_of),
        "close_ratio": round(min(quantity / original, Decimal(1)), 4),
        "close_qty": quantity,
        "price": price(row, "price"),
        "status": (LevelStatus.EXECUTED if was_hit else LevelStatus.CANCELED).value,
        "hit_at": moment(row, "hit_at"),
    }


def log_event(row: Row) -> dict[str, Any]:
    at = moment(row, "logged_at", "received_at", "created_at")
    if at is None:
        raise Rejection("it has no time")
    said = ("strategy_id", "symbol", "note", "latency_ms", "position_uid", "position_id")
    return {
        "event_type": f"legacy_{text(row, 'event_type') or 'position'}"[:50],
        "risk_level": "info",
        "details": {name: plain(row[name]) for name in said if row.get(name) is not None},
        "created_at": at,
    }
