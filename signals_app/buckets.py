"""How many frames a sender may still send now: a bucket that fills evenly. Pure; the caller brings the clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """per_minute 0 is no limit; burst is how many may come at once after a pause."""

    per_minute: int
    burst: int


NO_LIMIT = Rate(0, 1)


@dataclass(frozen=True, slots=True)
class Bucket:
    level: float
    at: float  # seconds of a clock that never goes back


def full(rate: Rate, at: float) -> Bucket:
    return Bucket(float(rate.burst), at)


def take(bucket: Bucket, rate: Rate, wanted: int, at: float) -> tuple[Bucket, int]:
    """What is left, and how many of the wanted ones may pass: the first ones, never a share of each."""
    if not rate.per_minute:
        return bucket, wanted
    filled = bucket.level + max(at - bucket.at, 0.0) * rate.per_minute / 60
    level = min(filled, float(rate.burst))
    passing = min(wanted, int(level))
    return Bucket(level - passing, at), passing


def seconds_until_next(bucket: Bucket, rate: Rate) -> float:
    """After `take` refused one: how long until one may pass."""
    return max(1 - bucket.level, 0.0) * 60 / rate.per_minute if rate.per_minute else 0.0
