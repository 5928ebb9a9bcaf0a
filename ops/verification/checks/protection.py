"""Enhanced SL/TP: each of its four parts does its work on the exchange and in the rows, tried with a position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ops.verification.verdicts import Finding, Issue, Severity, judged
from signals_app.models import Strategy
from trailing.plan import PlanRefused, read_plan

STOP_ENTRIES = (
    "stop entries (`manage.py halt`) until this is repaired; docs/protection.md says what should happen"
)
Trial = Callable[[], Mapping[str, Any]]


def check(trial: Trial) -> Finding:
    tried = trial()
    works = {
        **tried["flags"],
        "check_partial_tp": tried["check_partial_tp"],
        "stop_at_once": tried["stop_at_once"],
    }
    issues = [
        Issue(f"{name} does not work", Severity.CRITICAL, STOP_ENTRIES)
        for name, is_so in works.items()
        if not is_so
    ]
    used, unreadable = _plans()
    issues += [
        Issue(
            f"the plan of strategy {name} cannot be read: {why}", Severity.CRITICAL, "repair it in the admin"
        )
        for name, why in unreadable.items()
    ]
    return judged({**works, "strategies_that_use": dict(used)}, issues)


def _plans() -> tuple[Counter[str], dict[str, str]]:
    used: Counter[str] = Counter()
    unreadable = {}
    for name, body in Strategy.objects.filter(archived=False).values_list("name", "protection"):
        try:
            used.update(read_plan(body).beside_the_stop)
        except PlanRefused as refusal:
            unreadable[name] = str(refusal)
    return used, unreadable
