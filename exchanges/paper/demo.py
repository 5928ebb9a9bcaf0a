"""The contracts of the paper exchange and where their prices start."""

from __future__ import annotations

from decimal import Decimal

from exchanges.paper.book import Rules

_ROWS = """
BTCUSDT  97250.0   0.1      0.001  5
ETHUSDT  3520.00   0.01     0.001  5
SOLUSDT  188.500   0.01     0.01   5
BNBUSDT  655.200   0.01     0.01   5
XRPUSDT  2.2350    0.0001   0.1    5
ADAUSDT  0.72340   0.0001   1      5
DOGEUSDT 0.201340  0.00001  1      5
LINKUSDT 18.4300   0.001    0.01   5
"""


def _rows() -> list[list[str]]:
    return [line.split() for line in _ROWS.strip().splitlines()]


DEMO_RULES = tuple(
    Rules(
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        price_increment=Decimal(tick),
        size_increment=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(10_000_000) * Decimal(step),
        min_notional=Decimal(minimum),
    )
    for symbol, _, tick, step, minimum in _rows()
)
DEMO_PRICES = {row[0]: Decimal(row[1]) for row in _rows()}
