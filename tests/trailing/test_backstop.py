"""Which backstops a plan may ask for, and that none of them fires before the trailing stop it stands behind."""

from __future__ import annotations

from decimal import ROUND_CEILING
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.paper.book import AlgoOrder
from exchanges.types import PositionSide
from tests.trailing.strategies import CHANGES, ENTRIES, TRAILS
from trailing.distances import activation_price
from trailing.engine import Entry, Hold, TrailingPhase
from trailing.plan import PlanRefused, read_plan
from trailing.protection import Seen, advance, start
from trailing.words import in_words


def behind(percent: object, **trailing: object) -> dict[str, object]:
    return {"backstop": {"callback_percent": percent}, "trailing": {"type": "percent"} | trailing}


PLACE = "backstop > callback_percent: "
NEARER = "the plan: a backstop of {} % could fire before the trailing stop, which may stand {} % behind"
NO_PERCENT = "the plan: no backstop is wide enough for {}: it keeps no percent of the best price"
REFUSED = [
    (behind(0), PLACE + "input should be greater than or equal to 0.1"),
    (
        behind("0.05"),
        PLACE + "input should be a multiple of 0.1",
    ),
    (behind("10.1"), PLACE + "input should be less than or equal to 10"),
    (behind("1.55"), PLACE + "input should be a multiple of 0.1"),
    ({"backstop": {}}, PLACE + "field required"),
    (
        {"backstop": {"callback_percent": 1}, "trailing": None},
        "the plan: a backstop stands behind the trailing stop, and this plan does not trail",
    ),
    (behind("0.4"), NEARER.format("0.4", "0.5")),
    (behind("0.9", type="steps", callback_percent=1, steps=[]), NEARER.format("0.9", "1")),
    (behind("1.9", type="atr"), NEARER.format("1.9", "2")),
    (behind("2", type="adaptive", max_percent=3), NEARER.format("2", "3")),
    (behind("2", type="return_on_margin", callback_percent=5), NEARER.format("2", "5")),
    (behind("10", type="distance", distance="0.1"), NO_PERCENT.format("distance")),
    (behind("10", type="points", points_percent="0.1"), NO_PERCENT.format("points")),
]


@pytest.mark.parametrize(("body", "sentence"), REFUSED)
def test_refused_with_the_reason(body: dict[str, object], sentence: str) -> None:
    with pytest.raises(PlanRefused) as refusal:
        read_plan(body)
    assert str(refusal.value) == sentence


TAKEN = [
    behind("0.5"),
    behind("10"),
    behind("0.1", callback_percent="0.1"),
    behind("0.5", type="steps"),
    behind("2", type="atr"),
    behind("2", type="adaptive"),
    behind("5", type="return_on_margin", callback_percent=5),
]


@pytest.mark.parametrize("body", TAKEN)
def test_as_wide_as_the_trailing_stop_at_its_widest_is_taken(body: dict[str, object]) -> None:
    plan = read_plan(body)
    assert read_plan(plan.as_json()) == plan
    assert plan.digest != read_plan(body | {"backstop": None}).digest


def test_none_is_asked_for_unless_it_is_said() -> None:
    assert read_plan({}).backstop is None


def test_it_is_told_in_words() -> None:
    said = in_words(read_plan(behind("1.50")))
    assert said == "stop 2 %, trails 0.5 % from 1.5 % profit, the exchange trails too, 1.5 % behind"


def at_the_exchange(entry: Entry, rate: D, starts_at: D) -> AlgoOrder:
    return AlgoOrder(
        1, "backstop", "X", entry.side.exit_side.upper(), entry.side.upper(), "TRAILING_STOP_MARKET", D(1), D(0),
        "MARK_PRICE", False, False, "NEW", 0, 0, callback_rate=rate, activate_price=starts_at,
    )  # fmt: skip


@settings(deadline=None)
@given(
    entry=ENTRIES,
    trail=TRAILS.filter(lambda trail: trail is not None and trail["type"] not in ("distance", "points")),
    changes=CHANGES,
    atr=st.none() | st.decimals(D("0.1"), D(3), places=2),
)
def test_our_stop_is_never_further_away(entry: Entry, trail: dict, changes: list[D], atr: D | None) -> None:
    """Where both see the same prices and a better stop is placed at once; ours stands on a step, so it may be almost
    one step further away."""
    plan = read_plan({"trailing": trail, "updates": {"min_improvement_percent": 0}})
    assert plan.trailing is not None
    assert plan.trailing.widest_percent is not None
    rate = max(plan.trailing.widest_percent.quantize(D("0.1"), ROUND_CEILING), D("0.1"))
    plan = read_plan(plan.as_json() | {"backstop": {"callback_percent": rate}})
    native = at_the_exchange(entry, rate, entry.towards_market(activation_price(entry, plan.trailing)))
    state, price = start(entry, plan), entry.price
    for change in changes:
        price = entry.towards_market(price * (1 + change / 100))
        native.best_price = price if native.is_best(price) else native.best_price
        verdict = advance(entry, plan, state, Seen(price, atr=atr))
        if not isinstance(verdict, Hold):
            return
        state = verdict.state
        assert not native.is_reached(entry.moved(price, entry.price_increment))


def test_at_one_price_both_start() -> None:
    plan = read_plan(behind("0.5", activation_percent=1))
    entry = Entry(PositionSide.LONG, D(100), D("0.1"))
    native = at_the_exchange(entry, D("0.5"), D(101))
    state = start(entry, plan)
    for price, phase in ((D("100.9"), TrailingPhase.WAITING), (D(101), TrailingPhase.ACTIVE)):
        native.best_price = price
        state = advance(entry, plan, state, Seen(price)).state
        assert state.phase is phase
        assert native.is_reached(price - 1) is (phase is TrailingPhase.ACTIVE)
