"""What a signal itself wishes of its position's protection: it wins over the strategy's plan. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trailing.plan import PlanRefused, ProtectionPlan, read_plan
from trailing.rules import PercentTrail


@dataclass(frozen=True, slots=True)
class SignalWishes:
    """Percent of the price; None where the signal says nothing."""

    stop_loss_percent: Decimal | None = None
    activation_percent: Decimal | None = None
    distance_percent: Decimal | None = None

    @property
    def trails(self) -> bool:
        return self.activation_percent is not None or self.distance_percent is not None


NO_WISHES = SignalWishes()


def wished(plan: ProtectionPlan, wishes: SignalWishes) -> ProtectionPlan:
    """The plan with the signal's stop and trail in place of its own, checked as a whole. Raises PlanRefused."""
    if wishes == NO_WISHES:
        return plan
    body = plan.as_json()
    if wishes.stop_loss_percent is not None:
        body["stop_loss"] = {"type": "percent", "percent": str(wishes.stop_loss_percent)}
    if wishes.trails:
        body["trailing"] = _trail(plan, wishes)
    try:
        return read_plan(body)
    except PlanRefused as refusal:
        raise PlanRefused(f"with what the signal wishes, {refusal}") from None


def _trail(plan: ProtectionPlan, wishes: SignalWishes) -> dict[str, Any]:
    """Half a wish is completed by the plan's own trail, if that speaks in percent, too."""
    own = plan.trailing if isinstance(plan.trailing, PercentTrail) else None
    activation = wishes.activation_percent or (own and own.activation_percent)
    distance = wishes.distance_percent or (own and own.callback_percent)
    if activation is None or distance is None:
        raise PlanRefused(
            "the signal wishes half a trailing stop, and the strategy's plan has no percent trail"
        )
    return {"type": "percent", "activation_percent": str(activation), "callback_percent": str(distance)}
