"""Names of executions and orders that an older bot made. Nobody asks the exchange about them. Pure."""

from __future__ import annotations

PREFIX = "legacy-"
LIVE_ROWS = "monitoring.positions"  # of the one older bot that traded at exchanges


def trade_name(legacy_id: str) -> str:
    return f"{PREFIX}{legacy_id}"[:64]


def order_name(legacy_id: str) -> str:
    return f"{PREFIX}{legacy_id}"[:32]
