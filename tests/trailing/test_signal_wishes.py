"""A signal's own percents over the strategy's plan."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trailing.plan import PlanRefused, ProtectionPlan, read_plan
from trailing.signal_wishes import NO_WISHES, SignalWishes, wished

PLAN = ProtectionPlan.plain("2", "1.5", "0.5")


def wishes(
    stop: str | None = None, activation: str | None = None, distance: str | None = None
) -> SignalWishes:
    return SignalWishes(*(None if text is None else Decimal(text) for text in (stop, activation, distance)))


def test_without_wishes_the_plan_is_the_strategys_own() -> None:
    assert wished(PLAN, NO_WISHES) is PLAN


@pytest.mark.parametrize(
    ("wish", "plan"),
    [
        (wishes("3.5", "2.0", "0.5"), ProtectionPlan.plain("3.5", "2", "0.5")),
        (wishes(stop="3.5"), ProtectionPlan.plain("3.5", "1.5", "0.5")),
        (wishes(activation="4"), ProtectionPlan.plain("2", "4", "0.5")),
        (wishes(distance="0.9"), ProtectionPlan.plain("2", "1.5", "0.9")),
        (wishes("2.00", "1.5", "0.50"), PLAN),
    ],
)
def test_what_the_signal_says_wins_and_the_rest_stays(wish: SignalWishes, plan: ProtectionPlan) -> None:
    assert wished(PLAN, wish) == plan
    assert wished(PLAN, wish).digest == plan.digest


def test_everything_else_of_the_plan_stays() -> None:
    body = {"stop_loss": {"type": "distance", "distance": "50"}, "reference": "last", "breakeven": {}}
    plan = wished(read_plan(body | {"trailing": None}), wishes("3", "2", "0.4"))
    assert (plan.reference, plan.breakeven is None) == ("last", False)
    assert plan == read_plan(
        body | ProtectionPlan.plain("3", "2", "0.4").model_dump(include={"stop_loss", "trailing"})
    )


@pytest.mark.parametrize(
    ("plan", "wish", "reason"),
    [
        (PLAN, wishes(stop="100"), "stop_loss"),
        (PLAN, wishes(distance="0.00001"), "decimal places"),
        (PLAN, wishes(activation="1000"), "activation_percent"),
        (read_plan({"trailing": {"type": "points", "points_percent": "1"}}), wishes(distance="1"), "half a trailing"),
        (read_plan({"trailing": None}), wishes(activation="1"), "half a trailing"),
        (read_plan({"backstop": {"callback_percent": "1"}}), wishes("2", "1", "3"), "a backstop of 1 % could fire"),
    ],
)  # fmt: skip
def test_a_wish_that_no_plan_could_hold_is_refused_with_a_reason(plan, wish, reason) -> None:
    with pytest.raises(PlanRefused, match=reason):
        wished(plan, wish)
