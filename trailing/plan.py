"""One strategy's rules for leaving, as a value: what a stop is measured from, when it moves, what is sold on the way.

What is out of range is refused with its place and reason (`PlanRefused`). Pure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from exchanges.types import Reference, Timeframe
from trailing.rules import (
    AgeLimit,
    AnyTrail,
    Backstop,
    Breakeven,
    Ladder,
    Part,
    PercentStop,
    PercentTrail,
    Period,
    ProfitLock,
    StopLoss,
    Updates,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """`place` is the way to the value, as in the plan's JSON."""

    place: tuple[str | int, ...]
    sentence: str

    def __str__(self) -> str:
        return f"{' > '.join(map(str, self.place)) or 'the plan'}: {self.sentence}"


class PlanRefused(ValueError):
    """The text says which value is wrong and why, one sentence each; `faults` are the same, one by one."""

    def __init__(self, text: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(text)
        self.faults = faults


class ProtectionPlan(Part):
    stop_loss: StopLoss = PercentStop()
    trailing: AnyTrail | None = PercentTrail()
    backstop: Backstop | None = None
    reference: Reference = Reference.MARK
    breakeven: Breakeven | None = None
    profit_locks: Annotated[tuple[ProfitLock, ...], Field(max_length=10)] = ()
    take_profits: Ladder | None = None
    age: AgeLimit | None = None
    atr_period: Period = 14
    atr_timeframe: Timeframe = Timeframe.QUARTER
    updates: Updates = Updates()

    @model_validator(mode="after")
    def _locks_rise(self) -> Self:
        pairs = [(lock.trigger_percent, lock.lock_percent) for lock in self.profit_locks]
        rising = pairwise(pairs)
        if any(after[0] <= before[0] or after[1] <= before[1] for before, after in rising):
            raise ValueError("profit locks must rise, trigger and lock, from one to the next")
        return self

    @model_validator(mode="after")
    def _backstop_is_no_nearer(self) -> Self:
        if self.backstop is None:
            return self
        if self.trailing is None:
            raise ValueError("a backstop stands behind the trailing stop, and this plan does not trail")
        widest, percent = self.trailing.widest_percent, self.backstop.callback_percent
        if widest is None:
            raise ValueError(
                f"no backstop is wide enough for {self.trailing.type}: it keeps no percent of the best price"
            )
        if percent < widest:
            raise ValueError(
                f"a backstop of {percent} % could fire before the trailing stop, which may stand {widest} % behind"
            )
        return self

    @classmethod
    def plain(cls, stop: Decimal | str, activation: Decimal | str, callback: Decimal | str) -> Self:
        """A stop loss and a percent trail, all in percent."""
        trail = PercentTrail(activation_percent=Decimal(activation), callback_percent=Decimal(callback))
        return cls(stop_loss=PercentStop(percent=Decimal(stop)), trailing=trail)

    @property
    def needs_atr(self) -> bool:
        ladder = self.take_profits
        parts: list[Part | None] = [self.stop_loss, self.trailing]
        if ladder is not None:
            parts += [*ladder.policies, *(level.at for level in ladder.levels)]
        return any(getattr(part, "type", "") in ("atr", "entry_atr", "adaptive") for part in parts)

    @property
    def beside_the_stop(self) -> list[str]:
        """What else may end its positions, or a part of them, or move their stop."""
        others = ("trailing", "backstop", "breakeven", "profit_locks", "take_profits", "age")
        return [name for name in others if getattr(self, name)]

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """The same for equal plans, whatever wrote them."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def read_plan(body: object) -> ProtectionPlan:
    try:
        return ProtectionPlan.model_validate(body)
    except ValidationError as error:
        faults = tuple(_fault(one) for one in error.errors())
        raise PlanRefused("; ".join(map(str, faults)), faults) from None


def _fault(error: Any) -> Fault:
    said = error["msg"].removeprefix("Value error, ")
    return Fault(tuple(error["loc"]), f"{said[:1].lower()}{said[1:]}")
