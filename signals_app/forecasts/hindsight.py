"""How good forecasts were, once their horizons are over. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from signals_app.forecasts.said import Said
from signals_app.forecasts.terms import HORIZONS, ROUND_TRIP_COST, Direction

ZERO, ONE = Decimal(0), Decimal(1)
COST = Decimal(str(ROUND_TRIP_COST))
SURENESS = Decimal("1.96")  # standard errors of an interval that holds the truth 19 times in 20
BINS = 10
SIDES = {Direction.LONG: 1, Direction.SHORT: -1, Direction.NEUTRAL: 0}
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Case:
    """One horizon of one forecast that is over. at: seconds of its beginning; came: logarithmic return."""

    contract: str
    source: str
    horizon: str
    at: int
    said: Said
    came: Decimal

    @property
    def side(self) -> int:
        return SIDES[self.said.direction]

    @property
    def is_hit(self) -> bool:
        return self.came * self.side > 0

    @property
    def expected(self) -> Decimal:
        """Of whoever had followed it, before costs."""
        return self.side * (self.said.expected.exp() - 1)

    @property
    def net(self) -> Decimal:
        """What following it would have brought, costs paid; a call of no side brings nothing."""
        return self.side * (self.came.exp() - 1) - COST * abs(self.side)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many, with Wilson's interval. None is unknown: a share of nothing."""

    hits: int
    count: int

    @property
    def rate(self) -> Decimal | None:
        return Decimal(self.hits) / self.count if self.count else None

    @property
    def interval(self) -> tuple[Decimal, Decimal] | None:
        return wilson(self.hits, self.count) if self.count else None


def wilson(hits: int, count: int) -> tuple[Decimal, Decimal]:
    """Between which shares the true one lies, 19 times in 20; it never leaves 0 to 1, however few there are."""
    rate, square = Decimal(hits) / count, SURENESS * SURENESS
    middle = rate + square / (2 * count)
    reach = SURENESS * (rate * (1 - rate) / count + square / (4 * count * count)).sqrt()
    scale = 1 + square / count
    # the share itself lies within, however the last digit was rounded
    return max(min((middle - reach) / scale, rate), ZERO), min(max((middle + reach) / scale, rate), ONE)


@dataclass(frozen=True, slots=True)
class Record:
    """Of one horizon and source. apart: of the calls those that share no time with one before of the same contract,
    so that neighbours do not count the same move again. expected and net: means of a call, None without any."""

    horizon: str
    source: str
    judged: int
    calls: Share
    apart: Share
    expected: Decimal | None
    net: Decimal | None

    @property
    def beats_a_coin(self) -> bool:
        """By the calls that share no time; contracts still move together, so it is a hint and no proof."""
        found = self.apart.interval
        return found is not None and found[0] > Decimal("0.5")


def records(cases: Iterable[Case]) -> list[Record]:
    """By horizon, shortest first, then by source."""
    order = list(HORIZONS)
    groups = grouped(cases, lambda one: (order.index(one.horizon), one.source))
    return [_record(groups[key]) for key in sorted(groups)]


def _record(cases: Sequence[Case]) -> Record:
    calls = [one for one in cases if one.side]
    return Record(
        horizon=cases[0].horizon,
        source=cases[0].source,
        judged=len(cases),
        calls=_share(calls),
        apart=_share(apart(calls)),
        expected=mean([one.expected for one in calls]),
        net=mean([one.net for one in calls]),
    )


def _share(calls: Sequence[Case]) -> Share:
    return Share(sum(one.is_hit for one in calls), len(calls))


def apart(calls: Iterable[Case]) -> list[Case]:
    """Of each contract one after the other, each beginning when the one before is over."""
    free: dict[tuple[str, str, str], int] = {}
    found = []
    for one in sorted(calls, key=lambda one: (one.at, one.contract)):
        key = (one.contract, one.source, one.horizon)
        if one.at >= free.get(key, one.at):
            found.append(one)
            free[key] = one.at + HORIZONS[one.horizon] * 60
    return found


def mean(values: Sequence[Decimal]) -> Decimal | None:
    return sum(values, ZERO) / len(values) if values else None


@dataclass(frozen=True, slots=True)
class Bin:
    """Of all answers that named a probability of about `said`: how many came true."""

    said: Decimal
    came: Share


def calibration(cases: Iterable[Case]) -> list[Bin]:
    """Each of a case's three probabilities against whether its direction came true."""
    places: dict[int, list[tuple[Decimal, bool]]] = defaultdict(list)
    for one in cases:
        truth = one.said.meant_by(one.came)
        for direction in Direction:
            said = one.said.of(direction)
            places[min(int(said * BINS), BINS - 1)].append((said, direction is truth))
    return [_bin(places[place]) for place in sorted(places)]


def _bin(answers: Sequence[tuple[Decimal, bool]]) -> Bin:
    said = sum((said for said, _ in answers), ZERO) / len(answers)
    return Bin(said, Share(sum(is_true for _, is_true in answers), len(answers)))


def calibration_error(bins: Sequence[Bin]) -> Decimal | None:
    """The mean distance of said and come true, weighted by how many."""
    everyone = sum(one.came.count for one in bins)
    away = (abs(one.said - (one.came.rate or ZERO)) * one.came.count for one in bins)
    return sum(away, ZERO) / everyone if everyone else None


def grouped(values: Iterable[Case], key: Callable[[Case], Key]) -> dict[Key, list[Case]]:
    groups: dict[Key, list[Case]] = defaultdict(list)
    for one in values:
        groups[key(one)].append(one)
    return dict(groups)
