"""Databases as the old bots left them: three generations of their schema, with awkward rows.

What the rows are meant to show is written beside them, in `schemas/`. Every function takes a cursor of a
connection that commits by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent / "schemas"

POSITIONS_WITH_SIGNAL_ID = {1: 286, 2: 286}
TRADES_WITH_SIGNAL_ID = {0: 286, 1: 9, 2: 9}
STALE_STATES = frozenset(range(1, 30))
LIVE_STATES = {101: 301, 102: 302, 103: 303, 104: 304, 105: 305, 106: 306, 107: 307, 108: 308, 109: 310}
LIVE_POSITIONS = frozenset(range(301, 314))
"""Of generations 1 and 2; a live state's id leads to its position's."""


def generation(
    number: int, cursor: Any, *, fas: bool = True, foreign_key: bool = True, views: bool = True
) -> None:
    """Schema and rows of one generation. Without `fas` there is nothing a foreign key could point to."""
    for part in _parts(number, fas, foreign_key and fas, views):
        cursor.execute((SCHEMAS / f"generation_{part}.sql").read_text(encoding="utf-8"))


def _parts(number: int, fas: bool, foreign_key: bool, views: bool) -> Iterator[str]:
    if number == 0:
        yield from ("0", "0_rows")
    else:
        yield from ("1", "1_rows")
        if fas:
            yield "1_fas"
    if number == 2:
        yield from ("2", "2_rows")
    schema = min(number, 1)
    if foreign_key:
        yield f"{schema}_keys"
    if views:
        yield f"{schema}_views"


def empty_generation(number: int, cursor: Any) -> None:
    """The schema of one generation before its bot ever traded."""
    for part in ("0",) if number == 0 else ("1", "2")[:number]:
        cursor.execute((SCHEMAS / f"generation_{part}.sql").read_text(encoding="utf-8"))


def with_ids_as_text(cursor: Any) -> None:
    """As a bot leaves it whose columns somebody made text before, with ids that are no numbers."""
    for table in ("positions", "trades"):
        cursor.execute(f"ALTER TABLE monitoring.{table} ALTER COLUMN signal_id TYPE varchar(100)")
    cursor.execute("UPDATE monitoring.positions SET signal_id = 'wave_123' WHERE id = 301")
    cursor.execute("UPDATE monitoring.positions SET signal_id = 'websocket_test_123' WHERE id = 1")


def many_trades(count: int, cursor: Any) -> None:
    """Trades of generations 1 and 2, with ids from 1,000 upwards."""
    cursor.execute(
        """
        INSERT INTO monitoring.trades (id, signal_id, symbol, exchange, side, order_type, quantity, price,
            executed_qty, average_price, order_id, client_order_id, status, fee, fee_currency, executed_at)
        SELECT 1000 + i, 20000000 + i, 'OLD' || i %% 40 || 'USDT', 'binance',
            CASE WHEN i %% 2 = 0 THEN 'buy' ELSE 'sell' END, 'MARKET', 10, 2.5, 10, 2.5, 'many-' || i,
            'many-client-' || i, 'FILLED', 0.01, 'USDT', timestamp '2025-01-01' + i * interval '10 seconds'
        FROM generate_series(1, %s) AS i
        """,
        [count],
    )
