"""What the demo shows in its first minute, beat by beat. Pure data: tests go through the same beats without waiting.

Prices are factors of where the minute found them, so that the story does not depend on where the walk had come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

LONG, SHORT, ONE_MORE = "SWING LONG", "SWING SHORT", "PATIENT LONG"


@dataclass(frozen=True, slots=True)
class Signal:
    symbol: str
    message: str


@dataclass(frozen=True, slots=True)
class Move:
    symbol: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class FeedLost:
    """The exchange is gone for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Beat:
    at: float  # seconds
    act: Signal | Move | FeedLost


def _moves(symbol: str, begins: float, every: float, factors: Iterable[str]) -> tuple[Beat, ...]:
    return tuple(
        Beat(begins + number * every, Move(symbol, Decimal(factor))) for number, factor in enumerate(factors)
    )


OPENING = (Signal("BTCUSDT", LONG), Signal("ETHUSDT", SHORT), Signal("SOLUSDT", LONG))
BTC_CLIMBS = _moves("BTCUSDT", 5, 1, ("1.002", "1.004", "1.006", "1.008"))
ACCEPTED = Beat(15, Signal("LINKUSDT", ONE_MORE))
REFUSED = Beat(19, Signal("ADAUSDT", ONE_MORE))
SOL_RISES = _moves("SOLUSDT", 18, 1, ("1.005", "1.010", "1.015"))
SOL_FALLS = _moves("SOLUSDT", 25, 1, ("1.012", "1.009", "1.006"))
THE_FEED_IS_LOST = Beat(35, FeedLost(16))
ETH_FALLS = _moves("ETHUSDT", 7, 5, ("0.994", "0.991", "0.988", "0.985", "0.982", "0.979"))

FIRST_MINUTE = tuple(
    sorted(
        (*BTC_CLIMBS, ACCEPTED, REFUSED, *SOL_RISES, *SOL_FALLS, THE_FEED_IS_LOST, *ETH_FALLS),
        key=lambda beat: beat.at,
    )
)
LASTS = 60.0
