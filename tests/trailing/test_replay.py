"""The code that trades against a second reading of its documentation, on prices that wander, jump and turn."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal as D

import pytest

from exchanges.types import PositionSide
from tests.trailing.comparing import Case, told
from tests.trailing.tables import ENHANCED, SPEC, plan_of
from trailing.engine import ExitReason
from trailing.plan import read_plan
from trailing.protection import Seen
from trailing.replay import replay

LEVELS = ENHANCED["take_profits"]["levels"]
PLANS: dict[str, dict] = {
    "default": {},
    "enhanced": ENHANCED,
    "enhanced without trailing": ENHANCED | {"trailing": None},
    "aged": {"age": {}, "trailing": None},
    "aged while trailing": {"age": {"while_trailing": True, "max_age_hours": 1, "grace_hours": 1}},
    "every tick": {"updates": {"min_improvement_percent": 0}},
    "rough steps": {"updates": {"min_improvement_percent": "0.7"}},
    "distance": {
        "stop_loss": {"type": "distance", "distance": "1.7"},
        "trailing": {"type": "distance", "distance": "0.9"},
    },
    "points": {"trailing": {"type": "points", "points_percent": "0.8"}},
    "margin": {
        "stop_loss": {"type": "return_on_margin", "percent": 7},
        "trailing": {"type": "return_on_margin", "activation_percent": 4, "callback_percent": 2},
    },
    "steps": {"trailing": {"type": "steps", "activation_percent": 1}},
    "atr": {"stop_loss": {"type": "atr"}, "trailing": {"type": "atr"}},
    "atr behind locks": {
        "trailing": {"type": "atr", "multiple": 2},
        "profit_locks": ENHANCED["profit_locks"],
        "updates": {"min_improvement_percent": "0.3"},
    },
    "adaptive": {"trailing": {"type": "adaptive", "activation_percent": "0.5"}},
    "ladder to the previous level": {
        "take_profits": {"levels": LEVELS, "stop_after_level": {"type": "previous_level"}},
        "trailing": None,
    },
    "ladder of ranges": {
        "take_profits": {
            "levels": [
                {"at": {"type": "atr", "multiple": 1}, "close_ratio": "0.3"},
                {"at": {"type": "atr", "multiple": 2}, "close_ratio": "0.3"},
            ],
            "stop_after_level": {"type": "atr", "multiple": 1},
        }
    },
    "ladder of prices, some out of reach": {
        "take_profits": {
            "levels": [
                {"at": {"type": "percent", "percent": "0.8"}, "close_ratio": "0.2"},
                {"at": {"type": "price", "price": 100}, "close_ratio": "0.2"},
                {"at": {"type": "price", "price": 102}, "close_ratio": "0.3"},
                {"at": {"type": "percent", "percent": 2}, "close_ratio": "0.3"},
            ],
            "stop_after_level": {"type": "previous_level"},
        }
    },
    "levels nearer than the offset behind them": {
        "take_profits": {
            "levels": [
                {"at": {"type": "atr", "multiple": "0.2"}, "close_ratio": "0.3"},
                {"at": {"type": "atr", "multiple": 3}, "close_ratio": "0.3"},
            ],
            "stop_after_level": {"type": "breakeven", "offset_percent": "0.3"},
        }
    },
    "ladder with a percent behind": {
        "take_profits": {"levels": LEVELS, "stop_after_level": {"type": "percent", "percent": "0.6"}},
        "profit_locks": ENHANCED["profit_locks"],
    },
}


def wandering(dice: random.Random, entry: D, tick: D, count: int) -> Iterator[Seen]:
    """A random walk of a quarter percent a step with a gap now and then; half an hour passes every ten prices."""
    price, atr = float(entry), float(entry) * 0.006
    for index in range(count):
        price *= 1 + dice.gauss(0, 0.0025) + (dice.choice((-0.02, 0.02)) if dice.random() < 0.01 else 0)
        atr *= 1 + dice.gauss(0, 0.05)
        seen = max(round(D(price) / tick), 1) * tick
        yield Seen(seen, D(index) / 20, None if dice.random() < 0.1 else round(D(atr), 6))


def case(name: str, side: PositionSide, seed: int) -> Case:
    dice = random.Random(f"{name} {side} {seed}")
    tick = D(dice.choice(("0.01", "0.1", "0.5")))
    entry = D(dice.randint(80, 120)) + dice.randint(0, 9) * tick
    spec = replace(SPEC, price_increment=tick, min_notional=D(dice.choice((5, 20, 60))))
    return Case(
        plan=read_plan(PLANS[name]),
        side=side,
        entry_price=entry,
        instrument=spec,
        quantity=D(dice.randint(8, 60)) / 10,
        leverage=dice.choice((1, 3, 10)),
        atr=D("0.6"),
        prices=list(wandering(dice, entry, tick, 700)),
    )


SEEDS = range(8)


@pytest.mark.parametrize("side", PositionSide)
@pytest.mark.parametrize("name", PLANS)
def test_the_replay_tells_what_the_documentation_says(name: str, side: PositionSide) -> None:
    for seed in SEEDS:
        of = case(name, side, seed)
        whole = of.replayed()
        assert told(whole) == of.retold(), (name, side, seed)
        assert of.restarted(50) == whole, (name, side, seed)


def test_every_way_out_is_among_the_cases() -> None:
    cases = [case(name, side, seed) for name in PLANS for side in PositionSide for seed in range(5)]
    left = {outcome.exit.reason for of in cases if (outcome := of.replayed()).exit}
    assert left == set(ExitReason) - {ExitReason.BY_HAND, ExitReason.OPPOSITE}


def test_two_levels_in_one_jump_are_both_sold_each_at_its_price() -> None:
    outcome = replay(
        plan_of(**ENHANCED), PositionSide.LONG, D(100), SPEC, [D("102.5"), D("101.9")], quantity=D(8)
    )
    assert [(taken.level, taken.price, taken.quantity) for taken in outcome.levels] == [
        (1, D(101), D(2)),
        (2, D(102), D(2)),
    ]
    assert (outcome.exit.index, outcome.exit.price, outcome.position.quantity) == (1, D("101.9"), D(4))


def test_a_gap_is_filled_at_the_price_that_came_not_at_the_stop() -> None:
    outcome = replay(plan_of(), PositionSide.SHORT, D(100), SPEC, [D("99"), D("130")])
    assert (outcome.exit.price, outcome.exit.reason) == (D(130), ExitReason.STOP_LOSS)


@pytest.mark.parametrize("last", ["97", "103"])
def test_what_is_over_stays_over(last: str) -> None:
    plan = plan_of(**ENHANCED)
    outcome = replay(plan, PositionSide.LONG, D(100), SPEC, [D(last)])
    assert outcome.position.is_over
    again = replay(plan, PositionSide.LONG, D(100), SPEC, [D(110), D(50)], resume=outcome.position)
    assert (again.levels, again.moves, again.exit, again.position) == ([], [], None, outcome.position)


def test_a_stop_that_would_stand_beyond_the_price_is_not_placed_but_leaves() -> None:
    plan = plan_of(trailing={"type": "atr", "multiple": 1})
    prices = [Seen(D(110), atr=D(2)), Seen(D("108.5"), atr=D("0.5"))]
    outcome = replay(plan, PositionSide.LONG, D(100), SPEC, prices)
    assert [move.stop_price for move in outcome.moves] == [D(98), D(108)]  # 2 away, within 2 % of 110
    assert (outcome.exit.price, outcome.exit.reason) == (D("108.5"), ExitReason.TRAILING)


def test_a_trail_that_starts_beyond_all_profit_fits_no_short() -> None:
    plan = plan_of(trailing={"type": "return_on_margin", "activation_percent": 300, "callback_percent": 1})
    assert (
        replay(plan, PositionSide.SHORT, D(100), SPEC, [D(30)], leverage=5).position.state.phase == "active"
    )
    with pytest.raises(ValueError, match="300 % of profit is more than a short can make"):
        replay(plan, PositionSide.SHORT, D(100), SPEC, [D(30)], leverage=3)
