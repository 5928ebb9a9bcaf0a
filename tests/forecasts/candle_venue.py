"""A paper exchange whose past is as long as a test wants it, and which answers as badly as a test wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from exchanges.errors import ExchangeError, NotSent
from exchanges.paper.inprocess import InProcessClient
from exchanges.types import Candle, Timeframe

QUARTER = Timeframe.QUARTER
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = NOON + timedelta(seconds=3)


def at(quarters: float) -> datetime:
    """So many quarters of an hour from noon."""
    return NOON + quarters * QUARTER.length


def candle(quarters: int) -> Candle:
    price = D(1000 + quarters % 7)
    return Candle(at(quarters), price, price + 10, price - 10, price + 5, D(3))


@dataclass
class Past:
    """What each contract's candles were, and how they are told."""

    rows: dict[str, list[Candle]] = field(default_factory=dict)
    most: int = 1000
    broken: dict[str, ExchangeError] = field(default_factory=dict)
    is_away: bool = False
    questions: Counter[str] = field(default_factory=Counter)

    def is_told(self, symbol: str, since: int, until: int = 0) -> None:
        self.rows[symbol] = [candle(one) for one in range(since, until)]

    def forgets(self, symbol: str, since: int, until: int) -> None:
        self.rows[symbol] = [row for row in self.rows[symbol] if not at(since) <= row.at < at(until)]

    def front(self, client: InProcessClient) -> InProcessClient:
        client.candles = self.answer  # type: ignore[method-assign]
        return client

    async def answer(
        self, symbol: str, timeframe: Timeframe, since: datetime, limit: int, *, of_mark: bool = False
    ) -> Sequence[Candle]:
        name = symbol.partition(":")[0].replace("/", "")
        self.questions[name] += 1
        if self.is_away:
            raise NotSent("nobody is there")
        if name in self.broken:
            raise self.broken[name]
        rows = self.rows.get(name, [])
        return [row for row in rows if row.at >= since][: min(limit, self.most)]
