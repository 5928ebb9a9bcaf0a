"""Protection plans as rows that never change: a position names the one it was opened with."""

from __future__ import annotations

from trailing.models import PlanVersion
from trailing.plan import ProtectionPlan


def kept(plan: ProtectionPlan) -> PlanVersion:
    return PlanVersion.objects.get_or_create(digest=plan.digest, defaults={"body": plan.as_json()})[0]
