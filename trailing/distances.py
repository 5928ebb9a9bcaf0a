"""How far a trailing stop stands behind the best price, and which best price would lift it to a wished level. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trailing.engine import HUNDRED, Entry
from trailing.rules import (
    AdaptiveTrail,
    AnyTrail,
    AtrTrail,
    DistanceTrail,
    MarginTrail,
    PercentTrail,
    PointsTrail,
    StepsTrail,
)


@dataclass(frozen=True, slots=True)
class Behind:
    """`amount` of quote currency, but not nearer than `least` and not further than `most` percent of the best price."""

    amount: Decimal = Decimal(0)
    least: Decimal = Decimal(0)
    most: Decimal | None = None

    @classmethod
    def percent(cls, percent: Decimal) -> Behind:
        return cls(least=percent, most=percent)

    def stop_of(self, entry: Entry, best: Decimal) -> Decimal:
        distance = max(self.amount, best * self.least / HUNDRED)
        if self.most is not None:
            distance = min(distance, best * self.most / HUNDRED)
        return entry.moved(best, -distance)

    def best_for(self, entry: Entry, stop: Decimal) -> Decimal:
        """The first best price at which the stop stands at `stop` or further: the inverse of stop_of."""
        nearest = entry.better(entry.moved(stop, self.amount), _undone(entry, stop, self.least))
        if self.most is None:
            return nearest
        return entry.worse(nearest, _undone(entry, stop, self.most))


def _undone(entry: Entry, stop: Decimal, percent: Decimal) -> Decimal:
    return stop / (1 - entry.side.sign * percent / HUNDRED)


def activation_price(entry: Entry, trail: AnyTrail) -> Decimal:
    percent = trail.activation_percent
    return entry.offset(entry.price, percent / entry.leverage if isinstance(trail, MarginTrail) else percent)


def behind(entry: Entry, trail: AnyTrail, best: Decimal, atr: Decimal | None) -> Behind:
    """`atr`: the average true range now, in quote currency; None while unknown."""
    match trail:
        case PercentTrail(callback_percent=percent):
            return Behind.percent(percent)
        case MarginTrail(callback_percent=percent):
            return Behind.percent(percent / entry.leverage)
        case DistanceTrail(distance=amount):
            return Behind(amount=amount)
        case PointsTrail(points_percent=percent):
            return Behind(amount=entry.price * percent / HUNDRED)
        case StepsTrail():
            return Behind.percent(_stepped(entry, trail, best))
        case AtrTrail(min_percent=least, max_percent=most, multiple=multiple):
            return Behind.percent(most) if atr is None else Behind(multiple * atr, least, most)
        case AdaptiveTrail(min_percent=least, max_percent=most):
            return Behind.percent(min(max(_adapted(entry, trail, atr), least), most))


def _stepped(entry: Entry, trail: StepsTrail, best: Decimal) -> Decimal:
    reached = [s for s in trail.steps if entry.has_reached(best, entry.offset(entry.price, s.profit_percent))]
    return reached[-1].callback_percent if reached else trail.callback_percent


def _adapted(entry: Entry, trail: AdaptiveTrail, atr: Decimal | None) -> Decimal:
    change = Decimal(1) if atr is None or entry.atr is None else atr / entry.atr
    return trail.step_percent * trail.volatility_factor * change
