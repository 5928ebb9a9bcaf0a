"""The messages that the documentation shows are read as it says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from signals_app.parsing import Signal, parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "signals.md").read_text()
MESSAGES, _, REST = PAGE.partition("### Symbols")
NOW = datetime(2026, 3, 1, 12, 21, tzinfo=UTC)


def test_each_message_is_read() -> None:
    found = [parse(text, NOW) for text in re.findall(r"```json\n(.*?)\n```", MESSAGES, re.DOTALL)]
    assert [(one.symbol, one.message) for one in found if isinstance(one, Signal)] == [
        ("BTCUSDT", "TREND UP"),
        ("ADAUSDT", "SELL"),
        ("ADAUSDT", "BUY"),
        ("BTCUSDT", "open_long"),
    ]


def test_each_spelling_is_one_signal() -> None:
    spellings, _, _ = REST.partition("are one contract")
    names = re.findall(r"`([^`]+)`", spellings)
    assert len(names) >= 10
    read = [parse(f'{{"symbol": "{name}", "message": "UP", "bar_time": 1772366400}}', NOW) for name in names]
    assert len({one.uid for one in read if isinstance(one, Signal)}) == 1
    assert all(isinstance(one, Signal) for one in read)
