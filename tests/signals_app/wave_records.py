"""Records as a legacy signal server tells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from signals_app.contracts import Contracts
from signals_app.selection import Record, read_record

WAVE = datetime(2025, 10, 14, 10, 15, tzinfo=UTC)
BINANCE, BYBIT = 1, 2


def a_record(symbol: str = "BTCUSDT", score: float = 140, **fields: Any) -> dict[str, Any]:
    """Fields given as ... are left out. `score` is the sum of both."""
    wave = fields.pop("wave", WAVE)
    whole = {
        "id": f"w-{symbol}",
        "pair_symbol": symbol,
        "recommended_action": "BUY",
        "score_week": score / 2,
        "score_month": score / 2,
        "timestamp": wave.isoformat(),
        "created_at": (wave + timedelta(minutes=20)).isoformat(),
        "trading_pair_id": 412,
        "exchange_id": BINANCE,
    } | fields
    return {name: value for name, value in whole.items() if value is not ...}


def read(*records: dict[str, Any]) -> list[Record]:
    return [read_record(fields, datetime.now(UTC), Contracts()) for fields in records]
