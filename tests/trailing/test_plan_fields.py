"""A plan through a form and back is the same plan; a fault is found in the field it was typed into."""

from __future__ import annotations

import pytest

from trailing.plan import PlanRefused, ProtectionPlan, read_plan
from trailing.plan_fields import body_of, field_at, values_of

LADDER = {
    "levels": [
        {"at": {"type": "percent", "percent": 1}, "close_ratio": "0.5", "stop_after": {"type": "none"}},
        {"at": {"type": "atr"}, "close_ratio": "0.25"},
    ],
    "rest_waits_for_signal": True,
    "stop_after_level": {"type": "entry_percent", "percent": 1},
}
FULL = {
    "stop_loss": {"type": "atr", "multiple": 2},
    "trailing": {"type": "steps"},
    "backstop": {"callback_percent": "1.5"},
    "breakeven": {},
    "profit_locks": [
        {"trigger_percent": 1, "lock_percent": "0.5"},
        {"trigger_percent": 2, "lock_percent": "1.5"},
    ],
    "take_profits": LADDER,
    "age": {"while_trailing": True},
    "reference": "last",
}


@pytest.mark.parametrize("body", [{}, FULL, {"trailing": None}, {"trailing": {"type": "adaptive"}}])
def test_there_and_back_it_is_the_same_plan(body):
    plan = read_plan(body)
    assert read_plan(body_of(values_of(plan.as_json()))) == plan


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"stop_multiple": "-1"}, "stop_multiple"),
        ({"stop_type": "percent", "stop_percent": "200"}, "stop_percent"),
        ({"stop_type": "nonsense"}, "stop_type"),
        ({"trail_steps": "1"}, "trail_steps"),
        ({"trail_callback_percent": "x"}, "trail_callback_percent"),
        ({"level1_close_ratio": ""}, "level1_close_ratio"),
        ({"level2_value": "many"}, "level2_value"),
        ({"level1_type": ""}, None),
        ({"level1_close_ratio": "0.9"}, "level1_type"),
        ({"profit_locks": "1 2"}, "profit_locks"),
        ({"backstop_callback_percent": "0.15"}, "backstop_callback_percent"),
        ({"age_max_loss_percent": "0"}, "age_max_loss_percent"),
        ({"reference": "rumour"}, "reference"),
        ({"ladder_after_value": "0"}, "ladder_after_value"),
    ],
)
def test_a_fault_is_in_the_field_it_was_typed_into(typed, field):
    values = values_of(read_plan(FULL).as_json()) | typed
    if field is None:
        assert read_plan(body_of(values)).take_profits.levels[0].at.type == "atr"
        return
    with pytest.raises(PlanRefused) as refused:
        read_plan(body_of(values))
    assert field in {field_at(one.place, values) for one in refused.value.faults}


def test_what_is_left_empty_is_the_default():
    assert read_plan(body_of({"trail_type": "percent"})) == ProtectionPlan()
