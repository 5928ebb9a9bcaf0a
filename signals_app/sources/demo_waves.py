"""What a legacy signal server may have to tell: the signals of each quarter hour, the same for the same seed. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

QUARTER = timedelta(minutes=15)
PAIRS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "LINKUSDT", "AVAXUSDT")
BINANCE, BYBIT = 1, 2


def wave(seed: int, candle: datetime) -> list[dict[str, Any]]:
    """One wave's signals, in no order: who takes them must sort them."""
    dice = Random(f"{seed} {candle.isoformat()}")  # noqa: S311
    return [_record(dice, candle, pair, exchange) for exchange in (BINANCE, BYBIT) for pair in _some(dice)]


def window(seed: int, now: datetime, minutes: int) -> list[dict[str, Any]]:
    """What was written in the last so many minutes, as a server repeats it."""
    ended = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    candles = [ended - QUARTER * (back + 1) for back in range(max(1, minutes // 15))]
    records = [record for candle in reversed(candles) for record in wave(seed, candle)]
    return [one for one in records if datetime.fromisoformat(one["created_at"]) <= now]


def _some(dice: Random) -> list[str]:
    return dice.sample(PAIRS, dice.randint(3, len(PAIRS)))


def _record(dice: Random, candle: datetime, pair: str, exchange: int) -> dict[str, Any]:
    written = candle + QUARTER + timedelta(seconds=dice.randint(180, 290))
    return {
        "id": f"w-{candle:%Y%m%d-%H%M}-{dice.getrandbits(32):08x}",
        "pair_symbol": pair,
        "recommended_action": dice.choice(("BUY", "SELL")),
        "score_week": round(dice.uniform(20, 100), 1),
        "score_month": round(dice.uniform(20, 100), 1),
        "timestamp": candle.isoformat(),
        "created_at": written.isoformat(),
        "trading_pair_id": PAIRS.index(pair) + 400,
        "exchange_id": exchange,
        "max_trades_filter": 3,
        "stop_loss_filter": 3.5,
        "trailing_activation_filter": 2.0,
        "trailing_distance_filter": 0.5,
    }
