"""Rows as the live page shows them: exact values for programs, finished texts for eyes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges.types import PositionSide
from positions import formats
from positions.lifecycle import DONE, OrderPurpose, OrderStatus, PositionStatus

Row = dict[str, Any]

PHASES = {"": "", "inactive": "", "waiting": "waiting", "active": "trailing", "triggered": "stop reached"}


@dataclass(frozen=True, slots=True)
class Held:
    """One live position, with what is known of its price and its stop."""

    id: int
    account: str
    venue: str
    symbol: str
    exchange_symbol: str
    price_increment: Decimal
    strategy: str
    position_side: PositionSide
    status: str
    quantity: Decimal
    planned_quantity: Decimal
    entry_price: Decimal | None
    leverage: int
    mark_price: Decimal | None
    stop_price: Decimal | None  # of the stop that stands on the exchange
    phase: str
    activation_price: Decimal | None
    since: datetime
    software_stop: Decimal | None = None  # watched here, because the exchange takes no stops
    is_unverified: bool = False  # its account cannot be reached, or was not compared since
    verified_at: datetime | None = None  # the last full comparison
    is_handed_over: bool = False  # a person looks after it

    @property
    def base(self) -> str:
        return self.symbol.split("/")[0]

    @property
    def is_unprotected(self) -> bool:
        return self.quantity > 0 and self.stop_price is None

    @property
    def unrealized_pnl(self) -> Decimal | None:
        if self.mark_price is None or self.entry_price is None:
            return None
        return (self.mark_price - self.entry_price) * self.quantity * self.position_side.sign

    @property
    def margin(self) -> Decimal:
        """What it takes of the equity; planned while it is not held yet."""
        return (self.entry_price or Decimal(0)) * self.quantity / self.leverage

    @property
    def return_on_margin(self) -> Decimal | None:
        pnl, entry = self.unrealized_pnl, self.entry_price
        if pnl is None or not entry or not self.quantity:
            return None
        return pnl / (entry * self.quantity) * self.leverage * 100

    @property
    def percent_to_stop(self) -> Decimal | None:
        """Negative when the mark is already beyond the stop."""
        if not self.mark_price or self.stop_price is None:
            return None
        return (self.mark_price - self.stop_price) * self.position_side.sign / self.mark_price * 100


def position_row(held: Held, now: datetime) -> Row:
    tick = position_tick(held)
    return tick | {
        "symbol": held.symbol,
        "exchange_symbol": held.exchange_symbol,
        "position_side": held.position_side.value,
        "status": held.status,
        "quantity": str(held.quantity),
        "entry_price": _text(held.entry_price),
        "leverage": held.leverage,
        "account": held.account,
        "strategy": held.strategy,
        "stop_price": _text(held.stop_price),
        "unprotected": held.is_unprotected,
        "software_stop": _text(held.software_stop),
        "unverified": held.is_unverified,
        "verified_at": held.verified_at.isoformat() if held.verified_at else None,
        "phase": held.phase,
        "since": held.since.isoformat(),
        "shown": tick["shown"] | _standing_cells(held, now),
    }


def position_tick(held: Held) -> Row:
    """The part of a position's row that moves with its price."""
    pnl = held.unrealized_pnl
    return {
        "id": held.id,
        "mark_price": _text(held.mark_price),
        "unrealized_pnl": _text(pnl),
        "tone": formats.tone(pnl),
        "shown": {
            "mark": formats.price(held.mark_price, held.price_increment),
            "arrow": formats.arrow(pnl),
            "pnl": formats.change(pnl),
            "roe": formats.percent_change(held.return_on_margin),
            "distance": formats.percent(held.percent_to_stop),
        },
    }


def _standing_cells(held: Held, now: datetime) -> dict[str, str]:
    is_opening = held.status == PositionStatus.OPENING and not held.quantity
    return {
        "side": held.position_side.value.upper(),
        "base": held.base,
        "quote": held.symbol.partition("/")[2].split(":")[0],
        "leverage": f"{held.leverage}×",  # noqa: RUF001  (the multiplication sign is meant)
        "strategy": held.strategy or formats.UNKNOWN,
        "account": held.account,
        "size": formats.quantity(held.planned_quantity if is_opening else held.quantity),
        "entry": formats.price(held.entry_price, held.price_increment),
        "stop": stop_in_words(held),
        "phase": phase_in_words(held),
        "age": formats.age(now - held.since),
        "opened": formats.moment(held.since),
        "state": state_in_words(held),
    }


def state_in_words(held: Held) -> str:
    words = [] if held.status == PositionStatus.OPEN else [held.status.upper()]
    words += ["HANDED OVER"] if held.is_handed_over else []
    return " ".join([*words, "UNVERIFIED"] if held.is_unverified else words)


def stop_in_words(held: Held) -> str:
    if not held.is_unprotected:
        return formats.price(held.stop_price, held.price_increment)
    if held.software_stop is None:
        return "no stop"
    return f"{formats.price(held.software_stop, held.price_increment)} watched here"


def phase_in_words(held: Held) -> str:
    if held.phase == "waiting" and held.activation_price is not None:
        return f"trails from {formats.price(held.activation_price, held.price_increment)}"
    return PHASES.get(held.phase, held.phase)


# these have an owner, or are not called back
NOT_CANCELED = (OrderPurpose.PROTECT, OrderPurpose.BACKSTOP, OrderPurpose.CLOSE)
ORDER_TONES = {
    OrderStatus.FILLED: "good",
    OrderStatus.REJECTED: "bad",
    OrderStatus.DENIED: "bad",
    OrderStatus.SUBMITTED: "warn",
}
SIGNAL_TONES = {"opened": "good", "closed": "good", "protected": "good", "failed": "bad", "ignored": "bad"}


def order_row(order: Any, now: datetime) -> Row:
    instrument = order.position.instrument
    level = order.average_price or order.trigger_price or order.price
    return {
        "id": str(order.pk),
        "position_id": order.position_id,
        "client_order_id": order.client_order_id,
        "purpose": order.purpose,
        "may_cancel": order.status not in DONE and order.purpose not in NOT_CANCELED,
        "status": order.status,
        "at": order.created_at.isoformat(),
        "tone": ORDER_TONES.get(order.status, ""),
        "shown": {
            "time": formats.clock(order.created_at, now),
            "symbol": instrument.symbol.split(":")[0],
            "what": f"{order.purpose} · {order.side} {formats.words(order.order_type)}",
            "price": formats.price(level, instrument.price_increment),
            "quantity": formats.quantity(order.quantity),
            "status": formats.words(order.status),
            "why": order.reason,
        },
    }


def signal_row(log: Any, now: datetime) -> Row:
    verdicts = [
        {
            "strategy": entry.strategy.name,
            "account": entry.account.name if entry.account else None,
            "status": entry.status,
            "note": entry.note,
        }
        for entry in log.entries.all()
    ]
    word = _verdict(log.status, [str(verdict["status"]) for verdict in verdicts])
    return {
        "id": log.pk,
        "signal_id": log.signal_id,
        "status": log.status,
        "reason": log.reason,
        "verdicts": verdicts,
        "at": log.received_at.isoformat(),
        "tone": SIGNAL_TONES.get(word, ""),
        "shown": {
            "time": formats.clock(log.received_at, now),
            "source": log.source,
            "symbol": log.symbol or formats.UNKNOWN,
            "message": log.message or formats.UNKNOWN,
            "side": formats.words(log.direction),
            "verdict": word,
            "why": _why(log.reason, verdicts),
        },
    }


def _verdict(status: str, of_strategies: list[str]) -> str:
    """The one word for a signal: the weightiest thing a strategy did with it."""
    if status != "new":
        return status
    for word in ("opened", "closed", "protected", "failed", "skipped"):
        if word in of_strategies:
            return word
    return "received"


def _why(reason: str, verdicts: list[dict[str, Any]]) -> str:
    told = [reason] if reason else []
    for verdict in verdicts:
        what = f"{verdict['status']}, {verdict['note']}" if verdict["note"] else verdict["status"]
        on = f" on {verdict['account']}" if verdict["account"] else ""
        told.append(f"{verdict['strategy']}{on}: {what}")
    return "; ".join(told)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
