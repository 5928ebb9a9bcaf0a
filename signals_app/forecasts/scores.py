"""How good forecasts were, against those who know nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from signals_app.forecasts.bars import Floats
from signals_app.forecasts.targets import ROUND_TRIP_COST, Direction

Counts = npt.NDArray[np.int64]
BINS, BLOCKS = 10, 24
SURE = 3.0  # standard errors: four horizons are looked at, and neighbours in time resemble each other
PAYS = 2.0


@dataclass(frozen=True, slots=True)
class Gain:
    """A mean over blocks of time with its standard error."""

    mean: float
    error: float

    @property
    def sureness(self) -> float:
        return self.mean / self.error if self.error > 0 else 0.0


def log_loss(probabilities: Floats, truth: Counts) -> Floats:
    return -np.log(probabilities[np.arange(truth.size), truth])


def brier(probabilities: Floats, truth: Counts) -> float:
    return float(((probabilities - np.eye(len(Direction))[truth]) ** 2).sum(axis=1).mean())


def which_way(probabilities: Floats) -> Floats:
    """The probability of long where only the two sides are left."""
    long: Floats = probabilities[:, Direction.LONG]
    return long / (long + probabilities[:, Direction.SHORT])


def side(probabilities: Floats) -> Counts:
    """1 for long, -1 for short, 0 where neither leads."""
    best = probabilities.argmax(axis=1)
    return np.where(best == Direction.LONG, 1, np.where(best == Direction.SHORT, -1, 0))


def net(sides: Counts, returns: Floats, cost: float = ROUND_TRIP_COST) -> Floats:
    """What each call would have earned, its costs paid; a call of no side earns nothing."""
    return sides * np.expm1(returns) - cost * np.abs(sides)


def gain(values: Floats, times: Counts) -> Gain:
    """By blocks of time, since contracts move together and neighbours share their outcome."""
    if values.size == 0:
        return Gain(0.0, 0.0)
    edges = np.linspace(times.min(), times.max() + 1, BLOCKS + 1)
    block = np.digitize(times, edges[1:-1])
    means = np.array([values[block == one].mean() for one in range(BLOCKS) if (block == one).any()])
    error = float(means.std(ddof=1) / np.sqrt(means.size)) if means.size > 1 else 0.0
    return Gain(float(means.mean()), error)


@dataclass(frozen=True, slots=True)
class Bin:
    """Of all answers that named a probability of about `said`: how often it came true."""

    said: float
    came_true: float
    count: int


def reliability(probabilities: Floats, truth: Counts) -> list[Bin]:
    said = probabilities.ravel()
    came = np.eye(len(Direction))[truth].ravel()
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        Bin(float(said[place == one].mean()), float(came[place == one].mean()), int((place == one).sum()))
        for one in range(BINS)
        if (place == one).any()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected: the mean distance of said and come true, weighted by how many."""
    everyone = sum(one.count for one in bins)
    return sum(abs(one.said - one.came_true) * one.count for one in bins) / everyone if everyone else 0.0


@dataclass(frozen=True, slots=True)
class Scores:
    """skill: 1 - log loss / that of the usual shares. side_skill: the same of long against short, where one of the two
    came. return_skill: 1 - squared error of the expected return / that of expecting none. hit_rate: of calls with a
    side, those whose return went there. per_call: net mean return of a call. baselines: the same of who knows
    nothing."""

    answers: int
    log_loss: float
    log_loss_of_shares: float
    skill: float
    skill_sureness: float
    side_skill: float
    side_sureness: float
    return_skill: float
    return_sureness: float
    brier: float
    accuracy: float
    accuracy_of_most_frequent: float
    calls: int
    hit_rate: float | None
    per_call: float | None
    per_call_sureness: float
    baselines: Mapping[str, float]
    calibration_error: float
    reliability: tuple[Bin, ...]

    @property
    def is_worth_using(self) -> bool:
        return self.foresees and self.sees_sides and self.pays

    @property
    def foresees(self) -> bool:
        """Better than the usual shares of the three answers, and not by chance."""
        return self.skill > 0 and self.skill_sureness > SURE

    @property
    def sees_sides(self) -> bool:
        """How far prices will move is easily foreseen and worth nothing; this is which way."""
        return self.side_skill > 0 and self.side_sureness > SURE

    @property
    def pays(self) -> bool:
        """After costs, and more than every naive way."""
        known = self.per_call is not None and self.per_call > max(0.0, *self.baselines.values())
        return known and self.per_call_sureness > PAYS

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Judged:
    """Out-of-sample answers of one horizon: expected is the return it foresaw, shares are the training part's
    frequencies of the three directions, momentum the return of as long a time before."""

    probabilities: Floats
    expected: Floats
    truth: Counts
    returns: Floats
    times: Counts
    shares: Floats
    momentum: Floats


def scores(judged: Judged, cost: float = ROUND_TRIP_COST) -> Scores:
    ours, theirs = log_loss(judged.probabilities, judged.truth), log_loss(judged.shares, judged.truth)
    better = gain(theirs - ours, judged.times)
    sides = side(judged.probabilities)
    called = sides != 0
    earned = net(sides[called], judged.returns[called], cost)
    side_skill, side_sureness = _of_sides(judged)
    return_skill, return_sureness = _of_returns(judged)
    bins = reliability(judged.probabilities, judged.truth)
    went = np.sign(judged.returns[called]) == sides[called]
    return Scores(
        answers=int(judged.truth.size),
        log_loss=float(ours.mean()),
        log_loss_of_shares=float(theirs.mean()),
        skill=float(1 - ours.mean() / theirs.mean()),
        skill_sureness=better.sureness,
        side_skill=side_skill,
        side_sureness=side_sureness,
        return_skill=return_skill,
        return_sureness=return_sureness,
        brier=brier(judged.probabilities, judged.truth),
        accuracy=float((judged.probabilities.argmax(axis=1) == judged.truth).mean()),
        accuracy_of_most_frequent=float((judged.shares.argmax(axis=1) == judged.truth).mean()),
        calls=int(called.sum()),
        hit_rate=float(went.mean()) if called.any() else None,
        per_call=float(earned.mean()) if called.any() else None,
        per_call_sureness=gain(earned, judged.times[called]).sureness,
        baselines=_baselines(judged, cost),
        calibration_error=calibration_error(bins),
        reliability=tuple(bins),
    )


def _of_sides(judged: Judged) -> tuple[float, float]:
    """Skill and sureness."""
    moved = judged.truth != Direction.NEUTRAL
    if not moved.any():
        return 0.0, 0.0
    went_long = judged.truth[moved] == Direction.LONG
    ours, theirs = (
        -np.log(np.where(went_long, long, 1 - long))
        for long in (which_way(judged.probabilities[moved]), which_way(judged.shares[moved]))
    )
    better = gain(theirs - ours, judged.times[moved])
    return float(1 - ours.mean() / theirs.mean()), better.sureness


def _of_returns(judged: Judged) -> tuple[float, float]:
    """Skill and sureness."""
    ours, theirs = (judged.returns - judged.expected) ** 2, judged.returns**2
    return float(1 - ours.mean() / max(theirs.mean(), 1e-18)), gain(theirs - ours, judged.times).sureness


def _baselines(judged: Judged, cost: float) -> dict[str, float]:
    ways = {
        "always long": np.ones_like(judged.truth),
        "always short": -np.ones_like(judged.truth),
        "with the last move": np.sign(judged.momentum).astype(np.int64),
        "against the last move": -np.sign(judged.momentum).astype(np.int64),
    }
    return {name: float(net(sides, judged.returns, cost).mean()) for name, sides in ways.items()}
