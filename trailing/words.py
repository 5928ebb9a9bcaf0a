"""A protection plan in plain words, for pages and for the trail. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from exchanges.types import Reference
from trailing.plan import ProtectionPlan
from trailing.rules import (
    AdaptiveTrail,
    AnyTrail,
    AtrStop,
    AtrTrail,
    DistanceStop,
    DistanceTrail,
    MarginStop,
    MarginTrail,
    PercentStop,
    PercentTrail,
    PointsTrail,
    StepsTrail,
    StopLoss,
)

_REFERENCES = {Reference.LAST: "the last price", Reference.BOOK: "the best bid or ask"}


def in_words(plan: ProtectionPlan) -> str:
    return ", ".join(_parts(plan))


def _parts(plan: ProtectionPlan) -> Iterator[str]:
    yield f"stop {_stop(plan.stop_loss)}"
    if plan.reference is not Reference.MARK:
        yield f"by {_REFERENCES[plan.reference]}"
    if plan.breakeven is not None:
        yield f"breakeven from {_number(plan.breakeven.trigger_percent)} %"
    if plan.profit_locks:
        yield f"{len(plan.profit_locks)} profit locks"
    if plan.trailing is not None:
        yield f"trails {_trail(plan.trailing)} from {_number(plan.trailing.activation_percent)} % profit"
    if plan.backstop is not None:
        yield f"the exchange trails too, {_number(plan.backstop.callback_percent)} % behind"
    if plan.take_profits is not None:
        waits = ", the rest waits for an opposite signal" if plan.take_profits.rest_waits_for_signal else ""
        yield f"{len(plan.take_profits.levels)} take-profit levels{waits}"
    if plan.age is not None:
        yield f"at most {_number(plan.age.max_age_hours)} h"


def _stop(rule: StopLoss) -> str:
    match rule:
        case PercentStop(percent=percent):
            return f"{_number(percent)} %"
        case DistanceStop(distance=distance):
            return f"{_number(distance)} away"
        case AtrStop(multiple=multiple):
            return f"{_number(multiple)} true ranges away"
        case MarginStop(percent=percent):
            return f"{_number(percent)} % of margin"


def _trail(rule: AnyTrail) -> str:
    match rule:
        case PercentTrail(callback_percent=percent):
            return f"{_number(percent)} %"
        case DistanceTrail(distance=distance):
            return f"{_number(distance)} away"
        case PointsTrail(points_percent=percent):
            return f"{_number(percent)} % of the entry price"
        case MarginTrail(callback_percent=percent):
            return f"{_number(percent)} % of margin"
        case StepsTrail(callback_percent=percent):
            return f"{_number(percent)} % and nearer"
        case AtrTrail(multiple=multiple):
            return f"{_number(multiple)} true ranges"
        case AdaptiveTrail(step_percent=percent):
            return f"{_number(percent)} % by volatility"


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
