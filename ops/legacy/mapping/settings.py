"""How the first bot was set, as a plan of ours. Pure."""

from __future__ import annotations

from ops.legacy.mapping.history import OldParams
from ops.legacy.mapping.protection import ACTIVATION_PERCENT, CALLBACK_PERCENT, STOP_PERCENT
from trailing.plan import ProtectionPlan


def plan_of_params(old: OldParams) -> ProtectionPlan:
    """What was not set there stood in the bot's environment."""
    return ProtectionPlan.plain(
        old.stop_percent or STOP_PERCENT,
        old.activation_percent or ACTIVATION_PERCENT,
        old.callback_percent or CALLBACK_PERCENT,
    )
