"""The numbers of docs/protection.md, computed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from exchanges.types import PositionSide
from tests.trailing.tables import LONG, SHORT, SPEC, mirrored
from trailing.distances import behind
from trailing.plan import ProtectionPlan, read_plan
from trailing.replay import Outcome, replay

PRICES = ("99.5", "101", "100.6", "102.6", "103.5", "103.6", "104.2", "103.9", "103.4")
QUANTITY = Decimal(8)
TRAILS = [
    ({"type": "percent", "callback_percent": "0.5"}, "percent of the best price"),
    ({"type": "distance", "distance": "0.7"}, "quote currency"),
    ({"type": "points", "points_percent": "0.5"}, "percent of the entry price"),
    (
        {"type": "return_on_margin", "callback_percent": 3},
        "percent of the best price, divided by the leverage",
    ),
    ({"type": "steps"}, "percent of the best price: 0.5, from 2 % of profit 0.3, from 3 % 0.2"),
    ({"type": "atr", "multiple": "1.5"}, "1.5 ranges, within 0.3 and 2 % of the best price"),
    (
        {"type": "adaptive", "volatility_factor": "1.2"},
        "1.2 times 0.5 %, times (range now / at entry), within the same bounds",
    ),
]


def trailing_rows() -> Iterator[str]:
    yield from ("| plan | distance | long | short |", "| --- | --- | --- | --- |")
    for trail, words in TRAILS:
        rule = read_plan({"trailing": trail}).trailing
        stops = []
        for side, best in ((LONG, Decimal(103)), (SHORT, Decimal(97))):
            entry = replace(side, price_increment=Decimal("0.01"), leverage=5, atr=Decimal(1))
            stops.append(entry.away_from_market(behind(entry, rule, best, entry.atr).stop_of(entry, best)))
        yield f"| `{json.dumps(trail)}` | {words} | {stops[0]:.2f} | {stops[1]:.2f} |"


def story_rows(plan: ProtectionPlan, side: PositionSide) -> Iterator[str]:
    yield from ("| price | stop | because | held | what happened |", "| --- | --- | --- | --- | --- |")
    prices = [Decimal(price) if side is PositionSide.LONG else mirrored(price) for price in PRICES]
    whole = replay(plan, side, Decimal(100), SPEC, prices, quantity=QUANTITY)
    yield _row("entry", replay(plan, side, Decimal(100), SPEC, [], quantity=QUANTITY), "")
    for index, price in enumerate(prices[: whole.position.seen]):
        so_far = replay(plan, side, Decimal(100), SPEC, prices[: index + 1], quantity=QUANTITY)
        yield _row(f"{price:.1f}", so_far, ", ".join(_events(so_far, index)))


def _row(price: str, outcome: Outcome, events: str) -> str:
    state = outcome.position.state
    reason = state.stop_reason.replace("_", " ")
    return f"| {price} | {state.stop_price:.1f} | {reason} | {outcome.position.quantity.normalize():f} | {events} |"


def _events(outcome: Outcome, index: int) -> Iterator[str]:
    yield from (
        f"level {taken.level} sells {taken.quantity.normalize():f} at {taken.price:.1f}"
        for taken in outcome.levels
        if taken.index == index
    )
    yield from ("the stop moves" for move in outcome.moves if move.index == index)
    if outcome.exit is not None:
        yield f"leaves at {outcome.exit.price:.1f}: {outcome.exit.reason}"
