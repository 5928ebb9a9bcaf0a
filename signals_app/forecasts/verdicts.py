"""Is a trained model worth using, and is it better than the one in use? In plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from signals_app.forecasts.bars import Floats
from signals_app.forecasts.model import Model
from signals_app.forecasts.scores import SURE, Counts, Scores, gain, log_loss
from signals_app.forecasts.training import OutOfSample

LEAST_CANDLES = 200  # that neither model has seen, to compare two by
BETTER = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class Verdict:
    holds: bool
    sentence: str


def worth(scores: Mapping[str, Scores], cost: float) -> Verdict:
    """One horizon is enough: it sees which way prices go, and what it says pays its costs."""
    good = [name for name, one in scores.items() if one.is_worth_using]
    if good:
        return Verdict(True, "Worth using: " + "; ".join(_earned(name, scores[name]) for name in good) + ".")
    return Verdict(False, f"Not worth using: {_lacking(scores, cost)}")


def _earned(horizon: str, one: Scores) -> str:
    return (
        f"at {horizon} its {one.calls:,} calls earned {one.per_call or 0:.3%} each after costs, on candles it had "
        f"never seen ({one.per_call_sureness:.1f} standard errors above nothing) and more than every naive way"
    )


def _lacking(scores: Mapping[str, Scores], cost: float) -> str:
    sides = [name for name, one in scores.items() if one.foresees and one.sees_sides]
    if sides:
        told = "; ".join(_unpaid(name, scores[name]) for name in sides)
        return (
            f"it sees a little of which way prices go, and not enough to pay {cost:.2%} a trade and more than a naive "
            f"way does: {told}."
        )
    far = [name for name, one in scores.items() if one.foresees]
    if far:
        return (
            f"it foresees how far prices will move ({', '.join(far)}) and not which way, by more than chance "
            f"({SURE:g} standard errors)."
        )
    return "at no horizon did it foresee more than the usual shares of long, short and neutral do."


def _unpaid(horizon: str, one: Scores) -> str:
    if one.per_call is None:
        return f"at {horizon} it never called a side"
    way, earned = max(one.baselines.items(), key=lambda item: item[1])
    calls = f"at {horizon} {one.calls:,} calls earned {one.per_call:.3%} each after costs"
    return f"{calls}, '{way}' {earned:.3%}" if earned > 0 else calls


def better(old: Model, unseen: Mapping[str, OutOfSample], since: int) -> Verdict:
    """since: the first column of time that neither has seen. What the new one said on its walk forward is held against
    what the old one says of the same candles."""
    parts = [_gains(old, name, known, since) for name, known in unseen.items() if name in old.horizons]
    gains = np.concatenate([gained for gained, _ in parts]) if parts else np.zeros(0)
    times = np.concatenate([at for _, at in parts]) if parts else np.zeros(0, dtype=np.int64)
    candles = np.unique(times).size
    if candles < LEAST_CANDLES:
        return Verdict(
            False,
            f"only {candles} candles are new to both, and {LEAST_CANDLES} are needed to compare them",
        )
    found = gain(gains, times)
    holds = found.mean > 0 and found.sureness > BETTER
    return Verdict(
        holds,
        f"on {candles:,} candles that neither had seen its log loss is {abs(found.mean):.4f} "
        f"{'lower' if found.mean > 0 else 'higher'} ({abs(found.sureness):.1f} standard errors; "
        f"{BETTER:g} are needed)",
    )


def _gains(old: Model, horizon: str, known: OutOfSample, since: int) -> tuple[Floats, Counts]:
    """How much lower the new one's log loss was at each candle."""
    new = known.at >= since
    theirs = old.answer(horizon, known.features[new].astype(np.float64)).probabilities
    truth = known.truth[new]
    return log_loss(theirs, truth) - log_loss(known.probabilities[new], truth), known.at[new]
