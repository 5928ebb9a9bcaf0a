"""Signals to measure with: no two are equal."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from itertools import count

SYMBOL, PHRASE = "BTCUSDT", "BENCHMARK"
START = datetime.now(UTC) - timedelta(hours=1)
_numbers = count()


def frame() -> str:
    bar_time = START + timedelta(microseconds=next(_numbers))
    now = datetime.now(UTC).isoformat()
    return json.dumps(
        {"symbol": SYMBOL, "message": PHRASE, "bar_time": bar_time.isoformat(), "sent_at": now,
         "signal_id": uuid.uuid4().hex}
    )  # fmt: skip
