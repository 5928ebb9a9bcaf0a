"""What closed positions earned, and how well. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from positions.accounting import r_multiple

ZERO = Decimal(0)
HUNDRED = Decimal(100)
A_DAY = timedelta(days=1)
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Trade:
    """A position from its entry to its end. Fees and funding are in quote currency; funding above zero was received."""

    position_id: int
    account: str
    venue: str
    symbol: str
    strategy: str
    position_side: str
    bought: Decimal
    entry_price: Decimal | None
    exit_price: Decimal | None
    first_stop: Decimal | None
    opened_at: datetime
    closed_at: datetime
    close_reason: str
    profit: Decimal
    fees: Decimal
    funding: Decimal
    price_increment: Decimal = Decimal("0.01")
    fees_in_other_coins: str = ""  # nobody knows here what they are worth, so they are in no sum

    @property
    def result(self) -> Decimal:
        return self.profit - self.fees + self.funding

    @property
    def r_multiple(self) -> Decimal | None:
        return r_multiple(self.result, self.entry_price, self.first_stop, self.bought)

    @property
    def duration(self) -> timedelta:
        return self.closed_at - self.opened_at

    @property
    def quote_currency(self) -> str:
        """Of BTC/USDT:USDT what it is settled in."""
        pair, _, settled = self.symbol.partition(":")
        return settled or pair.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Statistics:
    """None is unknown: a rate of nothing, a factor without a loss."""

    count: int
    wins: int
    losses: int
    profit: Decimal
    fees: Decimal
    funding: Decimal
    result: Decimal
    win_rate: Decimal | None  # percent of all; a trade that ends at zero is neither won nor lost
    profit_factor: Decimal | None
    expectancy: Decimal | None
    max_drawdown: Decimal
    sum_r: Decimal
    average_r: Decimal | None
    with_r: int  # those whose first stop is known
    exposure: timedelta  # something was held; two at once count once


def statistics(trades: Iterable[Trade]) -> Statistics:
    ordered = sorted(trades, key=lambda one: (one.closed_at, one.position_id))
    results = [one.result for one in ordered]
    won = [one for one in results if one > 0]
    lost = [one for one in results if one < 0]
    multiples = [one.r_multiple for one in ordered if one.r_multiple is not None]
    total = sum(results, ZERO)
    return Statistics(
        count=len(results),
        wins=len(won),
        losses=len(lost),
        profit=sum((one.profit for one in ordered), ZERO),
        fees=sum((one.fees for one in ordered), ZERO),
        funding=sum((one.funding for one in ordered), ZERO),
        result=total,
        win_rate=_ratio(len(won) * HUNDRED, len(results)),
        profit_factor=_ratio(sum(won, ZERO), -sum(lost, ZERO)),
        expectancy=_ratio(total, len(results)),
        max_drawdown=max_drawdown(results),
        sum_r=sum(multiples, ZERO),
        average_r=_ratio(sum(multiples, ZERO), len(multiples)),
        with_r=len(multiples),
        exposure=exposure((one.opened_at, one.closed_at) for one in ordered),
    )


def _ratio(total: Decimal, parts: Decimal | int) -> Decimal | None:
    return total / parts if parts else None


def max_drawdown(results: Iterable[Decimal]) -> Decimal:
    """The deepest fall of the running sum below its highest point so far; it starts at zero."""
    running = peak = deepest = ZERO
    for result in results:
        running += result
        peak = max(peak, running)
        deepest = max(deepest, peak - running)
    return deepest


def exposure(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """How long at least one of them lasted."""
    total, covered = timedelta(0), None
    for start, end in sorted(spans):
        begins = start if covered is None else max(start, covered)
        if end > begins:
            total += end - begins
        covered = end if covered is None else max(covered, end)
    return total


def held_within(trades: Iterable[Trade], since: datetime, until: datetime) -> Decimal:
    """Percent of a time in which at least one was held; what was before it and after it is no part of it."""
    spans = [(max(one.opened_at, since), min(one.closed_at, until)) for one in trades]
    held = exposure(span for span in spans if span[0] < span[1])
    return HUNDRED * Decimal(held / (until - since))


def grouped(trades: Iterable[Trade], key: Callable[[Trade], Key]) -> dict[Key, list[Trade]]:
    groups: dict[Key, list[Trade]] = defaultdict(list)
    for one in trades:
        groups[key(one)].append(one)
    return dict(groups)


def by_day(trades: Iterable[Trade]) -> dict[date, Statistics]:
    """By the day, in UTC, on which they closed; newest first."""
    days = grouped(trades, lambda one: one.closed_at.date())
    return {day: statistics(days[day]) for day in sorted(days, reverse=True)}


def by_strategy(trades: Iterable[Trade]) -> dict[str, Statistics]:
    names = grouped(trades, lambda one: one.strategy)
    return {name: statistics(names[name]) for name in sorted(names)}


def daily_results(trades: Sequence[Trade], since: date, until: date) -> Iterator[tuple[date, Decimal]]:
    """Every day of the time asked for, also those on which nothing closed."""
    days = grouped(trades, lambda one: one.closed_at.date())
    for number in range((until - since).days + 1):
        day = since + number * A_DAY
        yield day, sum((one.result for one in days.get(day, [])), ZERO)


def running_results(trades: Iterable[Trade]) -> list[tuple[datetime, Decimal]]:
    """The sum of results after each close, oldest first."""
    running, points = ZERO, []
    for one in sorted(trades, key=lambda one: (one.closed_at, one.position_id)):
        running += one.result
        points.append((one.closed_at, running))
    return points
