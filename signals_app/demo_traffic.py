"""What an outside sender might send, the bad with the good. Pure but for its own dice."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "LINKUSDT")
ENTRIES = ("TREND UP", "TREND DOWN", "SCALP BUY", "SCALP SELL", "BREAKOUT UP", "BREAKOUT DOWN")
SPELLINGS = ("{base}USDT", "{base}/USDT", "{base}USDT.P", "{base}-USDT")
MALFORMED = (
    "{not json",
    "[]",
    '{"symbol": "BTCUSDT"}',
    '{"symbol": "BTCUSDT", "message": "TREND UP", "bar_time": NaN}',
    '{"symbol": 5, "message": ["TREND UP"], "bar_time": "yesterday"}',
    '{"symbol": "BTCUSDT", "message": "<script>alert(1)</script>", "bar_time": "2026-01-01T00:00:00Z"}',
)


class DemoTraffic:
    """Endless frames: mostly entries, some exits, repeats, unknown tickers, switched-off strategies, nonsense."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311
        self._sent: list[str] = []

    def frames(self) -> Iterator[str]:
        kinds = {"entry": 60, "exit": 8, "repeat": 12, "unknown": 6, "paused": 5, "malformed": 9}
        while True:
            kind = self._random.choices(list(kinds), list(kinds.values()))[0]
            yield self._frame(kind)

    def _frame(self, kind: str) -> str:
        if kind == "repeat" and self._sent:
            return self._random.choice(self._sent[-20:])
        if kind == "malformed":
            return self._random.choice(MALFORMED)
        frame = json.dumps(self._signal(*self._words(kind)))
        self._sent.append(frame)
        return frame

    def _words(self, kind: str) -> tuple[str, str]:
        symbol = "NOSUCHUSDT" if kind == "unknown" else self._random.choice(SYMBOLS)
        phrases: dict[str, Sequence[str]] = {"exit": ("BREAKOUT OVER",), "paused": ("NEWS SPIKE",)}
        return symbol, self._random.choice(phrases.get(kind, ENTRIES))

    def _signal(self, symbol: str, message: str) -> dict[str, object]:
        now = datetime.now(UTC)
        spelling = self._random.choice(SPELLINGS).format(base=symbol.removesuffix("USDT"))
        signal: dict[str, object] = {
            "symbol": spelling,
            "message": message,
            # each alert belongs to a bar of its own, as on a chart of one-second bars
            "bar_time": (now - timedelta(milliseconds=self._random.randint(0, 999))).isoformat(),
            "sent_at": now.isoformat(),
        }
        identity = self._identity()
        return signal | ({"signal_id": identity} if identity is not None else {})

    def _identity(self) -> str | int | None:
        made = uuid.UUID(int=self._random.getrandbits(128), version=4)
        return self._random.choice([f"demo-{made.hex[:8]}", self._random.randint(1, 10**6), str(made), None])
