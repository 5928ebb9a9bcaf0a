"""docs/protection.md a second time, as naively as it reads: exact fractions, every rule asked again on every price.

It shares nothing with the code it checks but the plan, as JSON. All prices here are signed (minus for a short), so that
more is always better, and a percent of the entry into profit is always added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

Number = Any  # what Fraction takes


@dataclass(frozen=True)
class Terms:
    plan: dict[str, Any]
    is_long: bool
    entry_price: Number
    tick: Number
    quantity: Number = 1000
    size_step: Number = 1
    min_quantity: Number = 1
    min_notional: Number = 0
    leverage: int = 1
    atr: Number | None = None


@dataclass
class Story:
    """What happened: (index, price, reason), (index, level, price, quantity), (index, price, reason)."""

    moves: list[tuple] = field(default_factory=list)
    levels: list[tuple] = field(default_factory=list)
    exit: tuple | None = None


def retell(terms: Terms, prices: Iterable[tuple[Number, Number, Number | None]]) -> Story:
    """Each price with the age in hours and the average true range at that time."""
    position = Position(terms)
    for index, (price, age, atr) in enumerate(prices):
        position.meet(index, Fraction(price), Fraction(age), None if atr is None else Fraction(atr))
        if position.story.exit is not None:
            break
    return position.story


class Position:
    def __init__(self, terms: Terms) -> None:
        self.plan, self.sign, self.tick = terms.plan, 1 if terms.is_long else -1, Fraction(terms.tick)
        self.size, self.leverage = Fraction(terms.entry_price), terms.leverage
        self.entry = self.sign * self.size
        self.atr_at_entry = None if terms.atr is None else Fraction(terms.atr)
        self.best: Fraction | None = None
        self.trails = False
        self.taken = 0
        self.held = Fraction(terms.quantity)
        self.story = Story()
        self.targets = self._targets()
        self.parts = parts(terms, self.targets, self.entry)
        self.stop, self.reason = self.on_tick(self._stop_loss()), "stop_loss"
        self._tell_move(-1, None)

    # the order of judgement on one price

    def meet(self, index: int, price: Fraction, age: Fraction, atr: Fraction | None) -> None:
        here, before = self.sign * price, self.stop
        if here <= self.stop:
            return self._leave(index, price, self.reason)
        if self._may_leave_by_age(here, age):
            return self._leave(index, price, "age")
        noted, trailed = self.best, self.trails
        self.best = here if noted is None else max(noted, here)
        self.trails = self.trails or self._has_activated()
        self._raise_stop(atr)
        if trailed and self.stop == before and not self._is_noted(noted):
            self.best = noted
        if here <= self.stop:
            return self._leave(index, price, self.reason)
        self._take_levels(index, here)
        self._raise_stop(atr)
        if self.held == 0:
            return self._leave(index, price, "take_profit")
        if here <= self.stop:
            return self._leave(index, price, self.reason)
        return self._tell_move(index, before)

    def _leave(self, index: int, price: Fraction, reason: str) -> None:
        self.story.exit = (index, price, reason)

    def _tell_move(self, index: int, before: Fraction | None) -> None:
        if self.stop != before:
            self.story.moves.append((index, self.sign * self.stop, self.reason))

    # small arithmetic

    def on_tick(self, wished: Fraction) -> Fraction:
        return floor(wished / self.tick) * self.tick

    def on_tick_or_better(self, wished: Fraction) -> Fraction:
        return ceil(wished / self.tick) * self.tick

    def profit(self, percent: Number) -> Fraction:
        """The price with this profit in percent of the entry."""
        return self.entry + self.size * Fraction(percent) / 100

    # rules

    def _stop_loss(self) -> Fraction:
        rule = self.plan["stop_loss"]
        if rule["type"] == "distance":
            return self.entry - Fraction(rule["distance"])
        if rule["type"] == "atr" and self.atr_at_entry is not None:
            return self.entry - Fraction(rule["multiple"]) * self.atr_at_entry
        percent = Fraction(rule["percent"])
        return self.profit(-percent / self.leverage if rule["type"] == "return_on_margin" else -percent)

    def _has_activated(self) -> bool:
        trail = self.plan["trailing"]
        if trail is None or self.best is None:
            return False
        divisor = self.leverage if trail["type"] == "return_on_margin" else 1
        return self.best >= self.profit(Fraction(trail["activation_percent"]) / divisor)

    def _is_noted(self, before: Fraction) -> bool:
        """It moved nothing."""
        if self.plan["trailing"]["type"] not in ("atr", "adaptive"):
            return True
        improvement = (self.best - before) / abs(before) * 100
        return improvement >= Fraction(self.plan["updates"]["min_improvement_percent"])

    def _raise_stop(self, atr: Fraction | None) -> None:
        for wished, reason in self._wishes(atr):
            self._move(self.on_tick(wished), reason)
        trail = self.plan["trailing"]
        if self.trails and trail is not None and self.best is not None:
            wished = self.on_tick(self.best - self._distance(trail, atr))
            improvement = (wished - self.stop) / abs(self.stop) * 100
            if self.reason != "trailing" or improvement >= Fraction(
                self.plan["updates"]["min_improvement_percent"]
            ):
                self._move(wished, "trailing")

    def _move(self, wished: Fraction, reason: str) -> None:
        if wished > self.stop and self.sign * wished > 0:
            self.stop, self.reason = wished, reason

    def _wishes(self, atr: Fraction | None) -> Iterable[tuple[Fraction, str]]:
        breakeven = self.plan["breakeven"]
        if breakeven and self.best >= self.profit(breakeven["trigger_percent"]):
            yield self.profit(breakeven["offset_percent"]), "breakeven"
        for lock in self.plan["profit_locks"]:
            if self.best >= self.profit(lock["trigger_percent"]):
                yield self.profit(lock["lock_percent"]), "profit_lock"
        if self.taken:
            wished = self._after_level(self.plan["take_profits"]["stop_after_level"], atr)
            if wished is not None:
                yield wished, "after_level"

    def _after_level(self, policy: dict, atr: Fraction | None) -> Fraction | None:
        level = self.targets[self.taken - 1]
        wished = self._behind_level(policy, level, atr)
        return None if wished is None or self.on_tick(wished) >= level else wished

    def _behind_level(self, policy: dict, level: Fraction, atr: Fraction | None) -> Fraction | None:
        if policy["type"] == "breakeven":
            return self.profit(policy["offset_percent"])
        if policy["type"] == "previous_level":
            before = [target for target in self.targets[: self.taken - 1] if target is not None]
            return (before or [self.entry])[-1]
        if policy["type"] == "percent":
            return level - abs(level) * Fraction(policy["percent"]) / 100
        if policy["type"] == "entry_percent":
            return self.profit(-Fraction(policy["percent"]))
        known = self.atr_at_entry if atr is None else atr
        if policy["type"] in ("atr", "entry_atr") and known is not None:
            return (level if policy["type"] == "atr" else self.entry) - Fraction(policy["multiple"]) * known
        return None

    def _distance(self, trail: dict, atr: Fraction | None) -> Fraction:
        one_percent = abs(self.best) / 100
        if trail["type"] == "distance":
            return Fraction(trail["distance"])
        if trail["type"] == "points":
            return self.size * Fraction(trail["points_percent"]) / 100
        if trail["type"] == "return_on_margin":
            return one_percent * Fraction(trail["callback_percent"]) / self.leverage
        if trail["type"] == "percent":
            return one_percent * Fraction(trail["callback_percent"])
        if trail["type"] == "steps":
            seen = [s for s in trail["steps"] if self.best >= self.profit(s["profit_percent"])]
            return one_percent * Fraction((seen or [trail])[-1]["callback_percent"])
        return one_percent * min(
            max(self._volatile(trail, atr, one_percent), Fraction(trail["min_percent"])),
            Fraction(trail["max_percent"]),
        )

    def _volatile(self, trail: dict, atr: Fraction | None, one_percent: Fraction) -> Fraction:
        if trail["type"] == "atr":
            return Fraction(1000) if atr is None else Fraction(trail["multiple"]) * atr / one_percent
        known = atr is not None and self.atr_at_entry is not None
        change = atr / self.atr_at_entry if known else 1
        return Fraction(trail["step_percent"]) * Fraction(trail["volatility_factor"]) * change

    def _may_leave_by_age(self, here: Fraction, age: Fraction) -> bool:
        limit = self.plan["age"]
        if limit is None or (self.trails and not limit["while_trailing"]):
            return False
        over = age - Fraction(limit["max_age_hours"])
        late = over - Fraction(limit["grace_hours"])
        if over < 0:
            return False
        if late <= 0:
            return here >= self.on_tick_or_better(self.profit(2 * Fraction(limit["commission_percent"])))
        if late >= Fraction(limit["progressive_hours"]):
            return True
        loss = late * Fraction(limit["loss_step_percent"])
        if late > 10:
            loss += (late - 10) * Fraction(limit["loss_step_percent"]) * (Fraction(limit["acceleration"]) - 1)
        return here >= self.on_tick_or_better(self.profit(-min(loss, Fraction(limit["max_loss_percent"]))))

    # take-profit levels

    def _targets(self) -> list[Fraction | None]:
        """None: refused."""
        found: list[Fraction | None] = []
        for level in (self.plan["take_profits"] or {"levels": []})["levels"]:
            wished = self._target(level["at"])
            target = None if wished is None else self.on_tick_or_better(wished)
            before = [other for other in found if other is not None]
            is_reachable = (
                target is not None
                and target > self.entry
                and self.sign * target > 0
                and not any(other > target for other in before)
            )
            found.append(target if is_reachable else None)
        return found

    def _target(self, at: dict) -> Fraction | None:
        if at["type"] == "price":
            return self.sign * Fraction(at["price"])
        if at["type"] == "percent":
            return self.profit(at["percent"])
        known = self.atr_at_entry
        return None if known is None else self.entry + Fraction(at["multiple"]) * known

    def _take_levels(self, index: int, here: Fraction) -> None:
        for level, quantity in self.parts:
            if level > self.taken and here >= self.targets[level - 1]:
                self.story.levels.append((index, level, self.sign * self.targets[level - 1], quantity))
                self.taken, self.held = level, self.held - quantity


def parts(terms: Terms, targets: list[Fraction | None], entry: Fraction) -> list[tuple[int, Fraction]]:
    """(level, quantity), merged where one alone, or what is left, could not be traded."""

    def can_be_traded(quantity: Fraction, price: Fraction) -> bool:
        return quantity >= Fraction(terms.min_quantity) and quantity * price >= Fraction(terms.min_notional)

    step, original = Fraction(terms.size_step), Fraction(terms.quantity)
    levels = terms.plan["take_profits"]["levels"] if targets else []
    ratios = [Fraction(level["close_ratio"]) for level in levels]
    reachable = [level for level, target in enumerate(targets, 1) if target is not None]
    cheapest = min(abs(price) for price in [entry, *targets] if price is not None)
    made: list[tuple[int, Fraction]] = []
    done = 0  # levels that are sold, or left to one that is
    for level in reachable:
        is_last = level == reachable[-1]
        left = original - sum(quantity for _, quantity in made)
        part = floor(original * sum(ratios[done : None if is_last else level]) / step) * step
        if is_last and sum(ratios) == 1:
            part = left
        if part > 0 and can_be_traded(part, abs(targets[level - 1])):
            made.append((level, part if can_be_traded(left - part, cheapest) else left))
            done = level
    return made
