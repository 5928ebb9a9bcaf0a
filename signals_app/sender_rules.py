"""What a sender may do. Pure; made from rows by the registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from signals_app.buckets import NO_LIMIT, Rate
from signals_app.networks import Network, is_inside

DEFAULT_MAX_AGE = timedelta(minutes=5)
DEFAULT_REPLAY_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SenderRule:
    """strategies None means all of them, networks None from anywhere; without signing_key no signature is looked at."""

    name: str
    enabled: bool = True
    strategies: frozenset[int] | None = None
    max_age: timedelta = DEFAULT_MAX_AGE
    rate: Rate = NO_LIMIT
    networks: tuple[Network, ...] | None = None
    signing_key: str = field(default="", repr=False)
    requires_signature: bool = False
    replay_window: timedelta = DEFAULT_REPLAY_WINDOW

    def permits(self, strategy_id: int) -> bool:
        return self.strategies is None or strategy_id in self.strategies

    def is_heard_from(self, address: str) -> bool:
        return self.networks is None or is_inside(address, self.networks)


def sender_of(source: str) -> str:
    """`websocket:charts` is charts; `stream`, `server` and `forecast` are their own names."""
    return source.partition(":")[2] or source
