"""Which live rows of an older bot are what the exchange shows, and what follows from its figures. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from exchanges.types import OrderReport, PositionReport, PositionSide
from ops.legacy.mapping.positions import OldPosition
from ops.legacy.mapping.reading import Row, price
from positions.lifecycle import PositionStatus
from positions.stops import limits_loss

HeldLeg = tuple[str, PositionSide]  # contract as its exchange names it, side
# older bots wrote down the price of the signal: this far from what was paid its owner should know
NOTABLE_PERCENT = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Answer:
    """Of the exchange of one account. `objections`: why nothing can be taken over in a contract."""

    whose: str
    asked_at: datetime
    why_not: str = ""  # it could not be asked
    held: Mapping[HeldLeg, PositionReport] = field(default_factory=dict)
    objections: Mapping[str, str] = field(default_factory=dict)
    exits: Mapping[HeldLeg, tuple[OrderReport, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What the exchange shows is this row's."""

    report: PositionReport
    market: Decimal
    exits: tuple[OrderReport, ...]
    asked_at: datetime


def matched(rows: Mapping[str, OldPosition], answer: Answer) -> dict[str, Taken | str]:
    """By the key of each row: what the exchange shows of it, or why it must wait."""
    of_leg: dict[HeldLeg, dict[str, OldPosition]] = defaultdict(dict)
    for key, old in rows.items():
        of_leg[old.symbol, old.position_side][key] = old
    found: dict[str, Taken | str] = {}
    for leg, candidates in of_leg.items():
        found |= _of_leg(leg, candidates, answer)
    return found


def _of_leg(leg: HeldLeg, candidates: Mapping[str, OldPosition], answer: Answer) -> dict[str, Taken | str]:
    name = f"{leg[0]} {leg[1]}"
    report = answer.held.get(leg)
    if why_not := _why_not(leg, answer):
        return dict.fromkeys(candidates, f"{name}: {why_not}")
    if report is None:
        return dict.fromkeys(candidates, f"{name}: {_not_shown(leg, answer)}")
    if report.mark_price is None:
        return dict.fromkeys(
            candidates, f"{name}: the exchange tells no price, so whether its stop was passed is unknown"
        )
    best = _likeliest(candidates, report)
    found: dict[str, Taken | str] = dict.fromkeys(
        candidates, f"{name}: the exchange shows one, and row {best} is likelier to be it"
    )
    return found | {best: Taken(report, report.mark_price, answer.exits.get(leg, ()), answer.asked_at)}


def _why_not(leg: HeldLeg, answer: Answer) -> str:
    if answer.why_not:
        return f"{answer.whose} cannot be asked: {answer.why_not}"
    return answer.objections.get(leg[0], "")


def _not_shown(leg: HeldLeg, answer: Answer) -> str:
    other = ", but the other leg" if (leg[0], leg[1].opposite) in answer.held else ""
    return f"{answer.whose} does not show it{other}"


def _likeliest(candidates: Mapping[str, OldPosition], report: PositionReport) -> str:
    """The one of that quantity, else the one that was written last."""

    def likeness(key: str) -> tuple[bool, float]:
        old = candidates[key]
        return old.quantity == report.quantity, old.told_at.timestamp() if old.told_at else 0.0

    return max(candidates, key=likeness)


def as_shown(old: OldPosition, taken: Taken) -> OldPosition:
    """The exchange's word on what is held, the row's on all else."""
    report = taken.report
    return replace(
        old,
        status=PositionStatus.OPEN,
        quantity=report.quantity,
        entry_price=report.entry_price,
        last_price=taken.market,
        leverage=report.leverage or old.leverage,
        opened_at=old.opened_at or old.created_at or taken.asked_at,
    )


def as_its_exchange_protects(row: Row, held: OldPosition, exits: Iterable[OrderReport]) -> Row:
    """The row, with the stop that works at the exchange where it protects better than the one on record."""
    side, market = held.position_side, held.last_price
    told = [price(row, "stop_loss_price", "stop_loss")]
    told += [one.trigger_price for one in exits if market and limits_loss(side, market, one.trigger_price)]
    known = [one for one in told if one is not None]
    stop = {"stop_loss_price": max(known, key=lambda one: one * side.sign)} if known else {}
    return {**row, "current_price": market, **stop}


def note(old: OldPosition, held: OldPosition) -> Iterator[str]:
    """What the row said, where the exchange says otherwise."""
    if (old.quantity, old.entry_price) != (held.quantity, held.entry_price):
        yield f"its row said {_figures(old)}; the exchange shows {_figures(held)}"


def entry_differs(old: OldPosition, held: OldPosition) -> bool:
    if old.entry_price is None or held.entry_price is None:
        return False
    return abs(old.entry_price - held.entry_price) * 100 > NOTABLE_PERCENT * held.entry_price


def _figures(one: OldPosition) -> str:
    paid = "an unknown price" if one.entry_price is None else f"{one.entry_price.normalize():f}"
    return f"{one.quantity.normalize():f} at {paid}"
