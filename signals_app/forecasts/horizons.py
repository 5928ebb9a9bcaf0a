"""When a horizon of a forecast is over, and what came of it. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

from signals_app.forecasts.terms import HORIZONS


def last_candle(candle_at: datetime, length: timedelta, horizon: str) -> datetime:
    """Opening of the candle whose close ends it: as in training at least one candle later, however long that is."""
    return candle_at + max(1, timedelta(minutes=HORIZONS[horizon]) // length) * length


def over(candle_at: datetime, length: timedelta, now: datetime) -> list[str]:
    return [name for name in HORIZONS if last_candle(candle_at, length, name) + length <= now]


def came(price: Decimal, close: Decimal) -> float:
    """Logarithmic, as what was said is."""
    return round(math.log(close / price), 8)
