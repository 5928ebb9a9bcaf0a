"""What a sender may do. Pure; made from rows by the registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

DEFAULT_MAX_AGE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SenderRule:
    """strategies None means all of them, rate_per_minute None as many as come, no networks any address."""

    name: str
    enabled: bool = True
    strategies: frozenset[int] | None = None
    max_age: timedelta = DEFAULT_MAX_AGE
    rate_per_minute: int | None = None
    networks: tuple[str, ...] = ()

    def permits(self, strategy_id: int) -> bool:
        return self.strategies is None or strategy_id in self.strategies


def sender_of(source: str) -> str:
    """`websocket:charts` is charts; `stream`, `server` and `forecast` are their own names."""
    return source.partition(":")[2] or source
