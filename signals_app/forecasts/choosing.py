"""From the answers of four horizons to a signal, or to the reason why there is none. Weights and limits are those of
requirement 004, where its own filters contradict themselves put in order: conservative is never looser than moderate,
and no filter takes a direction that fewer than two horizons see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

import numpy as np

from signals_app.forecasts.terms import Direction, label_of

MAIN = "4h"
WEIGHTS: Mapping[str, float] = {"15m": 0.25, "1h": 0.25, "4h": 0.35, "12h": 0.15}
GOOD_RETURN = 0.015
LEAST_VOTES = 2
STOP_PERCENT, STOP_LIMITS = 1.0, (0.5, 2.5)
TARGET_PERCENT, TARGET_LIMITS = 2.0, (1.0, 5.0)
HUNDREDTH = Decimal("0.01")


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


RISKS = tuple(Risk)
RISK_LEVELS = (0.33, 0.66)


@dataclass(frozen=True, slots=True)
class Filter:
    """agreement: horizons on the side; pair_confidence: two horizons this sure replace the main one's confidence;
    least_return: logarithmic, of the main horizon."""

    agreement: int
    confidence: float
    main_confidence: float
    least_return: float
    strength: float
    max_risk: Risk
    quality: float
    pair_confidence: float = 1.0


FILTERS: Mapping[str, Filter] = {
    "moderate": Filter(3, 0.38, 0.40, 0.0010, 0.40, Risk.MEDIUM, 0.45, pair_confidence=0.42),
    "conservative": Filter(3, 0.50, 0.55, 0.0020, 0.45, Risk.MEDIUM, 0.45),
    "aggressive": Filter(2, 0.40, 0.42, 0.0008, 0.32, Risk.HIGH, 0.35),
}


# simple rules are known to foresee nothing: all four horizons have to agree, and they are never as sure as the least
# sure answer of a model that any filter takes
RULES_MOST = 0.37
RULES_FILTER = Filter(4, 0.33, 0.33, 0.0005, 0.32, Risk.MEDIUM, 0.35)


@dataclass(frozen=True, slots=True)
class View:
    """One horizon: probabilities of LONG, SHORT, NEUTRAL; the expected log return."""

    probabilities: tuple[float, float, float]
    expected: float

    @property
    def direction(self) -> Direction:
        return Direction(int(np.argmax(self.probabilities)))

    @property
    def confidence(self) -> float:
        """.7 of the highest probability, .3 of how far the three are from saying nothing. Strictly in (0, 1)."""
        shares = np.asarray(self.probabilities)
        entropy = float(-(shares * np.log(np.maximum(shares, 1e-12))).sum() / np.log(shares.size))
        return min(max(0.7 * float(shares.max()) + 0.3 * (1 - entropy), 1e-4), 1 - 1e-4)


@dataclass(frozen=True, slots=True)
class Chosen:
    """side: where more horizons point. direction: None where nothing is to be done, and `reason` says why.
    stop_percent and target_percent: from the entry."""

    side: Direction | None
    direction: Direction | None
    reason: str
    confidence: float
    agreement: int
    quality: float
    strength: float
    risk: Risk
    stop_percent: Decimal
    target_percent: Decimal

    @property
    def label(self) -> str:
        return label_of(self.quality)


def choose(views: Mapping[str, View], usual_move: float, profile: str) -> Chosen:
    """usual_move: how far the price goes in the main horizon, as a deviation of its log return."""
    return _chosen(views, usual_move, FILTERS[profile], 1.0)


def choose_by_rules(views: Mapping[str, View], usual_move: float) -> Chosen:
    """Of answers that no model gave."""
    return _chosen(views, usual_move, RULES_FILTER, RULES_MOST)


def _chosen(views: Mapping[str, View], usual_move: float, wanted: Filter, most: float) -> Chosen:
    """most: as sure as it may be."""
    side, votes = _side(views)
    confidence = min(_confidence(views, side), most)
    risk = min(max(usual_move / (2 * GOOD_RETURN), 0.0), 1.0)
    quality = _quality(views, side, confidence, risk)
    strength = 0.6 * quality + 0.4 * confidence
    if MAIN in views and views[MAIN].direction is Direction.NEUTRAL:
        strength *= 0.8
    found = Chosen(
        side,
        side,
        "",
        confidence,
        votes,
        quality,
        strength,
        _named(risk),
        _stop(quality),
        _target(quality, views, side),
    )
    return _refused(found, views, wanted)


def _side(views: Mapping[str, View]) -> tuple[Direction | None, int]:
    counts = {
        one: sum(view.direction is one for view in views.values())
        for one in (Direction.LONG, Direction.SHORT)
    }
    best = max(counts, key=counts.__getitem__)
    if counts[best] < LEAST_VOTES or counts[Direction.LONG] == counts[Direction.SHORT]:
        return None, max(counts.values())
    return best, counts[best]


def _confidence(views: Mapping[str, View], side: Direction | None) -> float:
    """Weighted mean of the horizons on this side; of all, where there is no side."""
    heard = {name: view for name, view in views.items() if side is None or view.direction is side}
    weight = sum(WEIGHTS[name] for name in heard)
    return sum(WEIGHTS[name] * view.confidence for name, view in heard.items()) / weight


def _quality(views: Mapping[str, View], side: Direction | None, confidence: float, risk: float) -> float:
    agreed = sum(WEIGHTS[name] for name, view in views.items() if view.direction is side)
    expected = _expected(views, side)
    return 0.35 * agreed + 0.30 * confidence + 0.20 * min(expected / GOOD_RETURN, 1.0) + 0.15 * (1 - risk)


def _expected(views: Mapping[str, View], side: Direction | None) -> float:
    """Of the main horizon, in the direction of the side; a return that goes against it counts nothing."""
    view = views.get(MAIN) or next(iter(views.values()))
    way = {Direction.LONG: 1.0, Direction.SHORT: -1.0}.get(side, 0.0) if side is not None else 0.0
    return max(way * view.expected, 0.0)


def _named(risk: float) -> Risk:
    return RISKS[sum(risk > level for level in RISK_LEVELS)]


def _stop(quality: float) -> Decimal:
    return _within(STOP_PERCENT * (0.8 + 0.4 * quality), STOP_LIMITS)


def _target(quality: float, views: Mapping[str, View], side: Direction | None) -> Decimal:
    """Twice the usual stop, more where more is expected."""
    return _within(TARGET_PERCENT * (0.8 + 0.4 * quality) + 100 * _expected(views, side), TARGET_LIMITS)


def _within(percent: float, limits: tuple[float, float]) -> Decimal:
    return Decimal(str(min(max(percent, limits[0]), limits[1]))).quantize(HUNDREDTH)


def _refused(found: Chosen, views: Mapping[str, View], wanted: Filter) -> Chosen:
    reason = _reason(found, views, wanted)
    if not reason:
        return found
    return replace(found, direction=None, reason=reason)


def _reason(found: Chosen, views: Mapping[str, View], wanted: Filter) -> str:
    """The first thing that is missing, in the words of the ledger."""
    if found.direction is None:
        return f"no side has {LEAST_VOTES} horizons and more than the other"
    expected = _expected(views, found.direction)
    missing = {
        f"{found.agreement} of {len(views)} horizons agree, {wanted.agreement} are wanted": found.agreement
        < wanted.agreement,
        f"confidence {found.confidence:.2f} is below {wanted.confidence:.2f}": found.confidence
        < wanted.confidence,
        f"the {MAIN} horizon is not sure enough": not _main_is_sure(views, found.direction, wanted),
        f"expected return {expected:.3%} is below {wanted.least_return:.3%}": expected < wanted.least_return,
        f"strength {found.strength:.2f} is below {wanted.strength:.2f}": found.strength < wanted.strength,
        f"risk is {found.risk}": RISKS.index(found.risk) > RISKS.index(wanted.max_risk),
        f"quality {found.quality:.2f} is below {wanted.quality:.2f}": found.quality < wanted.quality,
    }
    return next((words for words, lacks in missing.items() if lacks), "")


def _main_is_sure(views: Mapping[str, View], side: Direction, wanted: Filter) -> bool:
    sure = [view.confidence for view in views.values() if view.direction is side]
    main = views.get(MAIN)
    if main is not None and main.direction is side and main.confidence >= wanted.main_confidence:
        return True
    return sum(one >= wanted.pair_confidence for one in sure) >= LEAST_VOTES
