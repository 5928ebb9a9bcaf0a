from __future__ import annotations

import json
from decimal import Decimal as D

import pytest

from tests.trailing.tables import ENHANCED
from trailing.plan import PlanRefused, ProtectionPlan, read_plan
from trailing.rules import AgeLimit, Breakeven, StepsTrail


def percent(value: object) -> dict:
    return {"stop_loss": {"type": "percent", "percent": value}}


def trail(**values: object) -> dict:
    return {"trailing": {"type": "percent"} | values}


def levels(*wished: tuple[object, object], **ladder: object) -> dict:
    made = [{"at": {"type": "percent", "percent": at}, "close_ratio": ratio} for at, ratio in wished]
    return {"take_profits": {"levels": made} | ladder}


def multiples(*wished: object) -> dict:
    made = [{"at": {"type": "atr", "multiple": at}, "close_ratio": "0.1"} for at in wished]
    return {"take_profits": {"levels": made}}


def locks(*pairs: tuple[object, object]) -> dict:
    return {"profit_locks": [{"trigger_percent": trigger, "lock_percent": lock} for trigger, lock in pairs]}


AN_EXIT = {"at": {"type": "percent", "percent": 1}, "close_ratio": 1}
REFUSED = [
    (None, "the plan: input should be a valid dictionary or instance of ProtectionPlan"),
    ([], "the plan: input should be a valid dictionary or instance of ProtectionPlan"),
    ({"stoploss": 2}, "stoploss: extra inputs are not permitted"),
    (percent(0), "stop_loss > percent > percent: input should be greater than 0"),
    (percent(-2), "stop_loss > percent > percent: input should be greater than 0"),
    (percent(100), "stop_loss > percent > percent: input should be less than 100"),
    (percent("NaN"), "stop_loss > percent > percent: input should be a finite number"),
    (percent("Infinity"), "stop_loss > percent > percent: input should be a finite number"),
    (percent("two"), "stop_loss > percent > percent: input should be a valid decimal"),
    (
        percent(None),
        "stop_loss > percent > percent: decimal input should be an integer, float, string or Decimal object",
    ),
    (
        percent(True),
        "stop_loss > percent > percent: decimal input should be an integer, float, string or Decimal object",
    ),
    (
        percent("1.23456"),
        "stop_loss > percent > percent: decimal input should have no more than 4 decimal places",
    ),
    ({"stop_loss": {"percent": 2}}, "stop_loss: unable to extract tag using discriminator 'type'"),
    (
        {"stop_loss": {"type": "fraction"}},
        "stop_loss: input tag 'fraction' found using 'type' does not match any of the expected tags: "
        "'percent', 'distance', 'atr', 'return_on_margin'",
    ),
    (
        {"stop_loss": {"type": "distance", "distance": 0}},
        "stop_loss > distance > distance: input should be greater than 0",
    ),
    ({"stop_loss": {"type": "return_on_margin"}}, "stop_loss > return_on_margin > percent: field required"),
    (trail(callback_percent=0), "trailing > percent > callback_percent: input should be greater than 0"),
    (
        trail(activation_percent=-1),
        "trailing > percent > activation_percent: input should be greater than or equal to 0",
    ),
    (
        trail(activation_percent=1000),
        "trailing > percent > activation_percent: input should be less than 1000",
    ),
    (
        {"trailing": {"type": "atr", "min_percent": 2, "max_percent": 1}},
        "trailing > atr: min_percent must not be above max_percent",
    ),
    (
        {"trailing": {"type": "adaptive", "min_percent": 3}},
        "trailing > adaptive: min_percent must not be above max_percent",
    ),
    (
        {"trailing": {"type": "steps", "steps": [{"profit_percent": 1, "callback_percent": 1}]}},
        "trailing > steps: profits must rise from step to step and callbacks must not grow",
    ),
    ({"reference": "index"}, "reference: input should be 'mark', 'last' or 'book'"),
    (
        {"breakeven": {"trigger_percent": 1, "offset_percent": 1}},
        "breakeven: the offset must be below the trigger, else the stop would fire at once",
    ),
    (locks((1, 2)), "profit_locks > 0: the lock must be below its trigger, else the stop would fire at once"),
    (
        locks((2, 1), (2, "1.5")),
        "the plan: profit locks must rise, trigger and lock, from one to the next",
    ),
    (locks((2, 1), (3, 1)), "the plan: profit locks must rise, trigger and lock, from one to the next"),
    (levels(), "take_profits: a ladder needs a level; without take-profits leave it out"),
    (
        levels((1, "0.6"), (2, "0.5")),
        "take_profits: close ratios are of the original quantity and must not add up to more than 1",
    ),
    (levels((1, 0)), "take_profits > levels > 0 > close_ratio: input should be greater than 0"),
    (levels((1, 25)), "take_profits > levels > 0 > close_ratio: input should be less than or equal to 1"),
    (levels((2, "0.5"), (1, "0.5")), "take_profits: levels must rise from one to the next"),
    (levels((2, "0.5"), (2, "0.5")), "take_profits: levels must rise from one to the next"),
    (multiples(3, 2), "take_profits: levels must rise from one to the next"),
    (
        levels((1, 1), stop_after_level={"type": "breakeven", "offset_percent": 1}),
        "take_profits: the offset must be below every level, else the stop would fire at once",
    ),
    (
        {
            "take_profits": {
                "levels": [AN_EXIT | {"stop_after": {"type": "breakeven", "offset_percent": 1}}],
            }
        },
        "take_profits: the offset must be below every level, else the stop would fire at once",
    ),
    ({"age": {"acceleration": "0.9"}}, "age > acceleration: input should be greater than or equal to 1"),
    ({"age": {"max_age_hours": -1}}, "age > max_age_hours: input should be greater than or equal to 0"),
    ({"age": {"max_loss_percent": 0}}, "age > max_loss_percent: input should be greater than 0"),
    ({"atr_period": 1}, "atr_period: input should be greater than or equal to 2"),
    ({"atr_period": 201}, "atr_period: input should be less than or equal to 200"),
    (
        {"atr_timeframe": "7m"},
        "atr_timeframe: input should be '1m', '5m', '15m', '1h' or '4h'",
    ),
    (
        {"updates": {"min_improvement_percent": 2}},
        "updates: large_improvement_percent must not be below min_improvement_percent",
    ),
    (
        {"updates": {"min_interval_seconds": 3601}},
        "updates > min_interval_seconds: input should be less than or equal to 3600",
    ),
]


@pytest.mark.parametrize(("body", "sentence"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_plan_that_makes_no_sense_is_refused_with_place_and_reason(body: object, sentence: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        read_plan(body)
    assert str(refused.value) == sentence


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(
        PlanRefused, match=r"^atr_period: .*; age > grace_hours: |^age > grace_hours: .*; atr"
    ):
        read_plan({"atr_period": 1, "age": {"grace_hours": -1}})


@pytest.mark.parametrize("two", [2, "2", "2.0", "2.0000", 2.0, D("2.00"), "0.2e1"])
def test_equal_plans_have_one_digest_whatever_wrote_them(two: object) -> None:
    assert read_plan(percent(two)).digest == read_plan({}).digest


@pytest.mark.parametrize(
    "body", [percent("2.1"), {"trailing": None}, {"atr_timeframe": "1h"}, ENHANCED, {"age": {}}], ids=str
)
def test_different_plans_have_different_digests(body: dict) -> None:
    assert read_plan(body).digest != read_plan({}).digest


EVERY_KIND = [
    {},
    ENHANCED,
    {"trailing": None, "age": {"while_trailing": True}},
    {"stop_loss": {"type": "distance", "distance": "1.5"}, "trailing": {"type": "distance", "distance": 3}},
    {"stop_loss": {"type": "atr"}, "trailing": {"type": "atr", "multiple": 2}},
    {
        "stop_loss": {"type": "return_on_margin", "percent": 10},
        "trailing": {"type": "return_on_margin", "callback_percent": 5},
    },
    {"trailing": {"type": "points", "points_percent": 1}},
    {"trailing": {"type": "steps"}},
    {"trailing": {"type": "adaptive"}},
    multiples("1.5", 3),
    {"take_profits": {"levels": [{"at": {"type": "price", "price": 101}, "close_ratio": 1}]}},
    levels((1, 1), stop_after_level={"type": "none"}),
    levels((1, 1), stop_after_level={"type": "previous_level"}),
    levels((1, 1), stop_after_level={"type": "percent", "percent": 1}),
    levels((1, 1), stop_after_level={"type": "atr", "multiple": 1}),
    levels((1, 1), stop_after_level={"type": "entry_percent", "percent": 1}),
    levels((1, 1), stop_after_level={"type": "entry_atr", "multiple": 1}),
    {"take_profits": {"levels": [AN_EXIT | {"stop_after": {"type": "none"}}]}},
]


@pytest.mark.parametrize("body", EVERY_KIND, ids=lambda body: json.dumps(body)[:60])
def test_a_plan_survives_json(body: dict) -> None:
    plan = read_plan(body)
    again = read_plan(json.loads(json.dumps(plan.as_json())))
    assert again == plan
    assert again.digest == plan.digest


def test_a_percent_is_never_guessed_by_its_size() -> None:
    assert read_plan(percent("0.02")).stop_loss.percent == D("0.02")
    assert read_plan(percent(50)).stop_loss.percent == D(50)


def test_the_defaults_are_what_the_desk_trades_with() -> None:
    plan = ProtectionPlan()
    assert plan.as_json() | {"updates": None} == {
        "stop_loss": {"type": "percent", "percent": "2"},
        "trailing": {"type": "percent", "activation_percent": "1.5", "callback_percent": "0.5"},
        "backstop": None,
        "reference": "mark",
        "breakeven": None,
        "profit_locks": [],
        "take_profits": None,
        "age": None,
        "atr_period": 14,
        "atr_timeframe": "15m",
        "updates": None,
    }
    assert (Breakeven().trigger_percent, Breakeven().offset_percent) == (D(1), D("0.2"))
    assert [(step.profit_percent, step.callback_percent) for step in StepsTrail().steps] == [
        (D(2), D("0.3")),
        (D(3), D("0.2")),
    ]


def test_the_default_ages() -> None:
    assert AgeLimit().model_dump(mode="json") == {
        "max_age_hours": "3",
        "grace_hours": "8",
        "commission_percent": "0.1",
        "loss_step_percent": "0.5",
        "acceleration": "1.2",
        "max_loss_percent": "10",
        "progressive_hours": "20",
        "while_trailing": False,
    }


def test_the_default_bounds_of_volatility() -> None:
    for name, multiple in (("atr", {"multiple": "1.5"}), ("adaptive", {"step_percent": "0.5"})):
        trailing = read_plan({"trailing": {"type": name}}).as_json()["trailing"]
        assert trailing.items() >= ({"min_percent": "0.3", "max_percent": "2"} | multiple).items()


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ({}, False),
        (ENHANCED, False),
        ({"stop_loss": {"type": "atr"}}, True),
        ({"trailing": {"type": "adaptive"}}, True),
        (multiples(2), True),
        (levels((1, 1), stop_after_level={"type": "atr", "multiple": 1}), True),
        (levels((1, 1), stop_after_level={"type": "entry_atr", "multiple": 1}), True),
    ],
)
def test_volatility_is_asked_for_only_where_the_plan_needs_it(body: dict, needed: bool) -> None:
    assert read_plan(body).needs_atr is needed
