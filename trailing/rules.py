"""The rules a protection plan is made of: each a small value that refuses what is out of range. Pure.

A percent is always a percent (1 is 1 %), never guessed by its size. Decimals travel as text in JSON.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

# 2, 2.0 and 2.00 are one plan
TEXT = PlainSerializer(lambda number: f"{number.normalize():f}", return_type=str, when_used="json")
_Field = partial(Field, allow_inf_nan=False)
Percent = Annotated[Decimal, _Field(gt=0, lt=100, decimal_places=4), TEXT]
PercentOrZero = Annotated[Decimal, _Field(ge=0, lt=1000, decimal_places=4), TEXT]
Positive = Annotated[Decimal, _Field(gt=0, max_digits=20, decimal_places=8), TEXT]
Ratio = Annotated[Decimal, _Field(gt=0, le=1, decimal_places=6), TEXT]
Hours = Annotated[Decimal, _Field(ge=0, le=24 * 365, decimal_places=3), TEXT]
Seconds = Annotated[Decimal, _Field(ge=0, le=3600, decimal_places=3), TEXT]
Factor = Annotated[Decimal, _Field(ge=1, le=10, decimal_places=4), TEXT]
# what Binance takes
CallbackRate = Annotated[
    Decimal, _Field(ge=Decimal("0.1"), le=10, multiple_of=Decimal("0.1"), decimal_places=4), TEXT
]
Period = Annotated[int, Field(ge=2, le=200)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PercentStop(Part):
    """Of the entry price."""

    type: Literal["percent"] = "percent"
    percent: Percent = Decimal(2)


class DistanceStop(Part):
    """In quote currency."""

    type: Literal["distance"] = "distance"
    distance: Positive


class AtrStop(Part):
    """`percent` of the entry price counts while no average true range is known."""

    type: Literal["atr"] = "atr"
    multiple: Positive = Decimal("1.5")
    percent: Percent = Decimal(2)


class MarginStop(Part):
    """Percent of the margin: 10 at leverage 5 is 2 % of the price."""

    type: Literal["return_on_margin"] = "return_on_margin"
    percent: Percent


StopLoss = Annotated[PercentStop | DistanceStop | AtrStop | MarginStop, Field(discriminator="type")]


class Step(Part):
    profit_percent: Percent
    callback_percent: Percent


class Trail(Part):
    """`activation_percent` of profit starts it, inclusive."""

    activation_percent: PercentOrZero = Decimal("1.5")

    @property
    def widest_percent(self) -> Decimal | None:
        """The furthest behind the best price it may ever stand, at any price, volatility and leverage, in percent of
        that price. None: there is no such percent. A fixed distance of a short grows beyond any while prices fall."""
        return None


class PercentTrail(Trail):
    """Of the best price, as Binance's callback rate."""

    type: Literal["percent"] = "percent"
    callback_percent: Percent = Decimal("0.5")

    @property
    def widest_percent(self) -> Decimal:
        return self.callback_percent


class DistanceTrail(Trail):
    """In quote currency, as Bybit's trailing stop."""

    type: Literal["distance"] = "distance"
    distance: Positive


class PointsTrail(Trail):
    """Percent of the ENTRY price: the distance stays the same however far the price goes."""

    type: Literal["points"] = "points"
    points_percent: Percent


class MarginTrail(Trail):
    """Activation and callback are percent of the margin: both are divided by the leverage."""

    type: Literal["return_on_margin"] = "return_on_margin"
    callback_percent: Percent

    @property
    def widest_percent(self) -> Decimal:
        """At leverage 1."""
        return self.callback_percent


class StepsTrail(Trail):
    """Percent of the best price, nearer the more profit was seen."""

    type: Literal["steps"] = "steps"
    callback_percent: Percent = Decimal("0.5")
    steps: tuple[Step, ...] = (
        Step(profit_percent=Decimal(2), callback_percent=Decimal("0.3")),
        Step(profit_percent=Decimal(3), callback_percent=Decimal("0.2")),
    )

    @property
    def widest_percent(self) -> Decimal:
        """Before the first step: no step is wider."""
        return self.callback_percent

    @model_validator(mode="after")
    def _steps_come_nearer(self) -> Self:
        profits = [step.profit_percent for step in self.steps]
        callbacks = [self.callback_percent, *(step.callback_percent for step in self.steps)]
        if profits != sorted(set(profits)) or callbacks != sorted(callbacks, reverse=True):
            raise ValueError("profits must rise from step to step and callbacks must not grow")
        return self


class Bounded(Trail):
    """Distances that follow volatility stay between these percents of the best price."""

    min_percent: Percent = Decimal("0.3")
    max_percent: Percent = Decimal(2)

    @property
    def widest_percent(self) -> Decimal:
        return self.max_percent

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_percent > self.max_percent:
            raise ValueError("min_percent must not be above max_percent")
        return self


class AtrTrail(Bounded):
    """`multiple` average true ranges; the widest allowed while none is known."""

    type: Literal["atr"] = "atr"
    multiple: Positive = Decimal("1.5")


class AdaptiveTrail(Bounded):
    """`step_percent` x `volatility_factor` x (average true range now / at entry); the last counts 1 when unknown."""

    type: Literal["adaptive"] = "adaptive"
    step_percent: Percent = Decimal("0.5")
    volatility_factor: Positive = Decimal(1)


AnyTrail = Annotated[
    PercentTrail | DistanceTrail | PointsTrail | MarginTrail | StepsTrail | AtrTrail | AdaptiveTrail,
    Field(discriminator="type"),
]


class Backstop(Part):
    """The exchange trails as well, `callback_percent` behind the best price that it sees itself."""

    callback_percent: CallbackRate


class Breakeven(Part):
    """At this profit the stop goes to the entry and `offset_percent` beyond it."""

    trigger_percent: Percent = Decimal(1)
    offset_percent: PercentOrZero = Decimal("0.2")

    @model_validator(mode="after")
    def _below_its_trigger(self) -> Self:
        if self.offset_percent >= self.trigger_percent:
            raise ValueError("the offset must be below the trigger, else the stop would fire at once")
        return self


class ProfitLock(Part):
    """At `trigger_percent` of profit the stop holds `lock_percent` of it."""

    trigger_percent: Percent
    lock_percent: Percent

    @model_validator(mode="after")
    def _below_its_trigger(self) -> Self:
        if self.lock_percent >= self.trigger_percent:
            raise ValueError("the lock must be below its trigger, else the stop would fire at once")
        return self


class PercentTarget(Part):
    """Profit in percent of the entry price."""

    type: Literal["percent"] = "percent"
    percent: Percent


class PriceTarget(Part):
    type: Literal["price"] = "price"
    price: Positive


class AtrTarget(Part):
    """Average true ranges, known at entry, beyond the entry price."""

    type: Literal["atr"] = "atr"
    multiple: Positive = Decimal("2.5")


class KeepStop(Part):
    type: Literal["none"] = "none"


class ToBreakeven(Part):
    type: Literal["breakeven"] = "breakeven"
    offset_percent: PercentOrZero = Decimal("0.1")


class ToPreviousLevel(Part):
    """The level before the one just taken; after the first, the entry."""

    type: Literal["previous_level"] = "previous_level"


class BehindLevelPercent(Part):
    """Behind the level just taken."""

    type: Literal["percent"] = "percent"
    percent: Percent


class BehindLevelAtr(Part):
    type: Literal["atr"] = "atr"
    multiple: Positive


class BehindEntryPercent(Part):
    """On the side of a loss, in percent of the entry price."""

    type: Literal["entry_percent"] = "entry_percent"
    percent: Percent


class BehindEntryAtr(Part):
    type: Literal["entry_atr"] = "entry_atr"
    multiple: Positive


ByPercent = ToBreakeven | BehindLevelPercent | BehindEntryPercent
ByRange = BehindLevelAtr | BehindEntryAtr
AfterLevel = Annotated[KeepStop | ToPreviousLevel | ByPercent | ByRange, Field(discriminator="type")]


class Level(Part):
    """`close_ratio` is of the ORIGINAL quantity; `stop_after` where this level has another one than its ladder."""

    at: Annotated[PercentTarget | PriceTarget | AtrTarget, Field(discriminator="type")]
    close_ratio: Ratio
    stop_after: AfterLevel | None = None


class Ladder(Part):
    levels: tuple[Level, ...] = Field(max_length=10)
    stop_after_level: AfterLevel = ToBreakeven()
    rest_waits_for_signal: bool = False

    @property
    def policies(self) -> tuple[AfterLevel, ...]:
        """By level."""
        return tuple(level.stop_after or self.stop_after_level for level in self.levels)

    @model_validator(mode="after")
    def _leaves_a_rest_for_the_signal(self) -> Self:
        if self.rest_waits_for_signal and sum(level.close_ratio for level in self.levels) >= 1:
            raise ValueError("levels that close all leave nothing that could wait for a signal")
        return self

    @model_validator(mode="after")
    def _closes_at_most_all(self) -> Self:
        if not self.levels:
            raise ValueError("a ladder needs a level; without take-profits leave it out")
        if sum(level.close_ratio for level in self.levels) > 1:
            raise ValueError("close ratios are of the original quantity and must not add up to more than 1")
        return self

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        percents = [level.at.percent for level in self.levels if isinstance(level.at, PercentTarget)]
        multiples = [level.at.multiple for level in self.levels if isinstance(level.at, AtrTarget)]
        if any(wished != sorted(set(wished)) for wished in (percents, multiples)):
            raise ValueError("levels must rise from one to the next")
        for level, policy in zip(self.levels, self.policies, strict=True):
            match level.at, policy:
                case PercentTarget(percent=at), ToBreakeven(offset_percent=offset) if offset >= at:
                    raise ValueError("the offset must be below every level, else the stop would fire at once")
        return self


class AgeLimit(Part):
    """After `max_age_hours`: out at breakeven for `grace_hours`, then at a loss that grows by `loss_step_percent` an
    hour, after ten hours `acceleration` times as fast, up to `max_loss_percent`; `progressive_hours` later at any
    price. `commission_percent` is paid twice."""

    max_age_hours: Hours = Decimal(3)
    grace_hours: Hours = Decimal(8)
    commission_percent: PercentOrZero = Decimal("0.1")
    loss_step_percent: Percent = Decimal("0.5")
    acceleration: Factor = Decimal("1.2")
    max_loss_percent: Percent = Decimal(10)
    progressive_hours: Hours = Decimal(20)
    while_trailing: bool = False


class Updates(Part):
    """When a better trailing stop is worth a request: both must be reached, a large improvement does not wait."""

    min_improvement_percent: PercentOrZero = Decimal("0.05")
    min_interval_seconds: Seconds = Decimal(1)
    large_improvement_percent: PercentOrZero = Decimal(1)

    @model_validator(mode="after")
    def _large_is_more(self) -> Self:
        if self.large_improvement_percent < self.min_improvement_percent:
            raise ValueError("large_improvement_percent must not be below min_improvement_percent")
        return self
