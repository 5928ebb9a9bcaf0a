"""What every shape is read into. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from signals_app.reasons import ReasonCode


@dataclass(frozen=True, slots=True)
class Details:
    """What some senders say beside the signal itself. Scores and strength are 0..100, filters percent."""

    exchange: str = ""  # the only venue it is meant for
    score_week: Decimal | None = None
    score_month: Decimal | None = None
    strength: Decimal | None = None
    max_trades: int | None = None  # of its wave on its exchange
    stop_loss_percent: Decimal | None = None
    trailing_activation_percent: Decimal | None = None
    trailing_distance_percent: Decimal | None = None
    entry_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None

    def as_json(self) -> dict[str, str | int]:
        """Without what was not said."""
        if self is NOTHING_SAID:
            return {}
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: str(value) if isinstance(value, Decimal) else value
            for name, value in said.items()
            if value not in (None, "")
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Details:
        known = {field.name for field in fields(cls)}
        return cls(**{name: _value(name, value) for name, value in kept.items() if name in known})


def _value(name: str, value: Any) -> Any:
    return value if name in ("exchange", "max_trades") else Decimal(value)


NOTHING_SAID = Details()


def phrase_key(text: str) -> str:
    """Phrases are compared without regard to case and repeated spaces."""
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class Signal:
    """symbol is upper case without separators (BTCUSDT); signal_id is the sender's own, None when it gave none.

    Shapes without a message speak by their action word; bar_time is then the time that makes them one signal.
    """

    symbol: str
    message: str
    bar_time: datetime
    sent_at: datetime | None
    signal_id: str | None
    details: Details = NOTHING_SAID

    @property
    def uid(self) -> str:
        """SHA-256 of the canonical (symbol, phrase, bar_time): equal content, equal uid, in every process.

        One that is meant for one exchange alone is another signal than its twin for another exchange.
        """
        content = [
            self.symbol,
            phrase_key(self.message),
            self.bar_time.astimezone(UTC).isoformat(timespec="microseconds"),
        ]
        if self.details.exchange:
            content.append(self.details.exchange)
        return sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Unreadable:
    reason: str
    code: ReasonCode = ReasonCode.UNREADABLE


class Refused(Exception):
    """Raised by the readers of shapes, caught by `parse`."""

    def __init__(self, reason: str, code: ReasonCode = ReasonCode.BAD_FIELD) -> None:
        super().__init__(reason)
        self.code = code
