"""What the senders say, drawn from a seed: signals, repeats and rubbish. Knows nothing of the product's own code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from random import Random

TRADED_SHARE = 0.01
REPEATED_SHARE = 0.10
RUBBISH_SHARE = 0.05
UNKNOWN_SHARE = 0.05
LATE_SHARE = 0.02
RUBBISH = (
    "not json", "", "{", "[]", "null", "7", '"text"', '{"symbol": "BTCUSDT"}', '{"message": "NOISE"}',
    '{"symbol": "BTCUSDT", "message": "NOISE"}', '{"symbol": 5, "message": "NOISE", "bar_time": 1}',
    '{"symbol": "BTCUSDT", "message": "NOISE", "bar_time": "yesterday"}', "{" * 300, '{"a": NaN}',
    '{"symbol": "../etc", "message": "NOISE", "bar_time": "2026-01-01T00:00:00Z"}', "\ud7ff\u0001\u202e",
    '{"symbol": "BTCUSDT", "symbol": "ETHUSDT", "message": "NOISE", "bar_time": "2026-01-01T00:00:00Z"}',
)  # fmt: skip


class Kind(StrEnum):
    SKIPPED = "known phrase of a strategy that opens nothing"
    OPEN = "opens"
    CLOSE = "closes"
    UNKNOWN = "unknown phrase"
    LATE = "sent too long ago"
    RUBBISH = "unreadable"


@dataclass(frozen=True, slots=True)
class Frame:
    """fields without sent_at, which is the moment of sending. number orders the frames of one symbol."""

    kind: Kind
    number: int
    uid: str | None
    symbol: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    rubbish: str = ""

    @property
    def is_trade(self) -> bool:
        return self.kind in (Kind.OPEN, Kind.CLOSE)

    def text(self, now: datetime) -> str:
        return json.dumps(self.entry(now)) if self.uid else self.rubbish

    def entry(self, now: datetime) -> dict[str, str]:
        sent = now - timedelta(days=1) if self.kind == Kind.LATE else now
        return dict(self.fields) | {"sent_at": sent.isoformat()}


def frames(random: Random, symbols: tuple[str, ...], count: int, begin: datetime) -> Iterator[Frame]:
    """Repeats are of any earlier frame. The phrases of a traded symbol open and close by turns."""
    said: list[Frame] = []
    is_open = dict.fromkeys(symbols, False)
    for number in range(count):
        if said and random.random() < REPEATED_SHARE:
            yield random.choice(said)
            continue
        frame = _fresh(random, random.choice(symbols), number, begin, is_open)
        if frame.uid:
            said.append(frame)
        yield frame


def _fresh(random: Random, symbol: str, number: int, begin: datetime, is_open: dict[str, bool]) -> Frame:
    shares = {
        Kind.RUBBISH: RUBBISH_SHARE, Kind.UNKNOWN: UNKNOWN_SHARE, Kind.LATE: LATE_SHARE,
        Kind.OPEN: TRADED_SHARE, Kind.SKIPPED: 1.0,
    }  # fmt: skip
    kind = random.choices(list(shares), list(shares.values()))[0]
    if kind == Kind.RUBBISH:
        return Frame(kind, number, None, rubbish=random.choice(RUBBISH))
    if kind == Kind.OPEN:
        kind = Kind.CLOSE if is_open[symbol] else Kind.OPEN
        is_open[symbol] = not is_open[symbol]
    return signal(kind, number, symbol, begin)


def signal(kind: Kind, number: int, symbol: str, begin: datetime) -> Frame:
    message = {Kind.OPEN: "GO LONG", Kind.CLOSE: "OUT LONG", Kind.UNKNOWN: "WHO KNOWS"}.get(kind, "NOISE")
    bar_time = begin + timedelta(milliseconds=number)
    fields = (("symbol", symbol), ("message", message), ("bar_time", bar_time.isoformat()))
    return Frame(kind, number, _uid(symbol, message, bar_time), symbol, fields)


def _uid(symbol: str, message: str, bar_time: datetime) -> str:
    content = (
        f'["{symbol}","{message.casefold()}","{bar_time.astimezone(UTC).isoformat(timespec="microseconds")}"]'
    )
    return sha256(content.encode()).hexdigest()
