"""How the first bot was set, where the row of a position does not say it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from ops.legacy.mapping.history import OldParams
from ops.legacy.mapping.reading import Row
from trailing.engine import HUNDRED
from trailing.plan import ProtectionPlan

PERCENT = Decimal("0.0001")


class Source(Protocol):
    @property
    def stop_percent(self) -> Decimal | None: ...
    @property
    def activation_percent(self) -> Decimal | None: ...
    @property
    def callback_percent(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Named:
    """What its owner remembers of the older bot's environment."""

    stop_percent: Decimal | None = None
    activation_percent: Decimal | None = None
    callback_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    stop_percent: Decimal
    activation_percent: Decimal
    callback_percent: Decimal


# of the environment the first bot came with; the later one came with the columns of a signal's own stop
EARLIER = Usual(Decimal(2), Decimal("1.5"), Decimal("0.5"))
LATER = Usual(Decimal(4), Decimal(2), Decimal("0.5"))


def usual(came_with: Usual, *sources: Source | None) -> Usual:
    """The first source that says it counts."""
    known = [one for one in sources if one is not None]

    def first(name: str) -> Decimal:
        said = (as_percent(getattr(one, name)) for one in known)
        found: Decimal = next((one for one in said if one), getattr(came_with, name))
        return found

    return Usual(first("stop_percent"), first("activation_percent"), first("callback_percent"))


def came_with(position: Row) -> Usual:
    return LATER if "signal_stop_loss_percent" in position else EARLIER


def as_percent(value: Decimal | None) -> Decimal | None:
    """As a plan may have it."""
    rounded = None if value is None else value.quantize(PERCENT)
    return rounded if rounded is not None and 0 < rounded < HUNDRED else None


def plan_of_params(old: OldParams, named: Source) -> ProtectionPlan:
    """Only the later bot had such a table."""
    found = usual(LATER, old, named)
    return ProtectionPlan.plain(found.stop_percent, found.activation_percent, found.callback_percent)
