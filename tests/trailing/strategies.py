"""Any plan, any position, any way of the price, for property tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from exchanges.types import PositionSide
from tests.trailing.tables import ENHANCED
from trailing.engine import Entry
from trailing.plan import ProtectionPlan, read_plan


def decimals(low: str, high: str, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


def part(kind: str, **values: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({"type": st.just(kind)} | values)


NEAR = decimals("0.05", "5")
PERCENT_STOP, DISTANCE_STOP = part("percent", percent=NEAR), part("distance", distance=decimals("0.1", "20"))
STOPS = st.one_of(
    PERCENT_STOP,
    DISTANCE_STOP,
    part("atr", multiple=decimals("0.5", "5")),
    part("return_on_margin", percent=decimals("0.1", "50")),
)

STARTS = decimals("0", "5")
MIRRORED_TRAILS = st.one_of(
    st.none(),
    part("distance", activation_percent=STARTS, distance=decimals("0.05", "5")),
    part("points", activation_percent=STARTS, points_percent=NEAR),
)
TRAILS = st.one_of(
    MIRRORED_TRAILS,
    part("percent", activation_percent=STARTS, callback_percent=NEAR),
    part("return_on_margin", activation_percent=STARTS, callback_percent=NEAR),
    part("steps", activation_percent=STARTS, callback_percent=decimals("0.3", "5")),
    part("atr", activation_percent=STARTS, multiple=decimals("0.5", "5")),
    part("adaptive", activation_percent=STARTS, step_percent=NEAR),
)

LEVELS = ENHANCED["take_profits"]["levels"]
MIRRORED_POLICIES = st.sampled_from([{"type": "none"}, {"type": "breakeven"}, {"type": "previous_level"}])
BY_PERCENT = part("percent", percent=NEAR) | part("entry_percent", percent=NEAR)
BY_RANGE = part("atr", multiple=NEAR) | part("entry_atr", multiple=NEAR)
POLICIES = MIRRORED_POLICIES | BY_PERCENT | BY_RANGE
AGES = st.none() | st.fixed_dictionaries(
    {"max_age_hours": st.integers(0, 5), "grace_hours": st.integers(0, 5), "while_trailing": st.booleans()}
)


NOTHING = st.just(0)
LEAST_IMPROVEMENTS = NOTHING | decimals("0", "1")


def ladders(policies: st.SearchStrategy[dict]) -> st.SearchStrategy[dict | None]:
    levels = st.integers(1, 3).map(lambda count: LEVELS[:count])
    return st.none() | st.fixed_dictionaries({"levels": levels, "stop_after_level": policies})


def bodies(
    stops: st.SearchStrategy[dict] = STOPS,
    trails: st.SearchStrategy[dict | None] = TRAILS,
    policies: st.SearchStrategy[dict] = POLICIES,
    least_improvements: st.SearchStrategy[Any] = LEAST_IMPROVEMENTS,
) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries(
        {
            "stop_loss": stops,
            "trailing": trails,
            "breakeven": st.none() | st.just(ENHANCED["breakeven"]),
            "profit_locks": st.sampled_from([[], ENHANCED["profit_locks"]]),
            "take_profits": ladders(policies),
            "age": AGES,
            "updates": st.fixed_dictionaries({"min_improvement_percent": least_improvements}),
        }
    )


PLANS: st.SearchStrategy[ProtectionPlan] = bodies().map(read_plan)
TICKS = st.sampled_from([Decimal(text) for text in ("0.01", "0.05", "0.1", "0.25")])
ENTRIES = st.builds(
    Entry,
    side=st.sampled_from(PositionSide),
    price=decimals("50", "150"),
    price_increment=TICKS,
    leverage=st.sampled_from([1, 3, 20]),
    atr=st.none() | decimals("0.1", "3"),
)
# percent of change from one price to the next: mostly small steps, sometimes a gap
CHANGES = st.lists(decimals("-0.7", "0.8") | decimals("-6", "6"), min_size=1, max_size=40)
