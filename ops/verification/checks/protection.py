"""Enhanced SL/TP: each of its four parts does its work on the exchange and in the rows, tried with a position of its
own; and each that is held now has its stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from exchanges.models import AccountWatch
from ops.verification.verdicts import Finding, Issue, Severity, judged
from positions.cover import uncovered
from positions.lifecycle import PositionStatus
from positions.models import Position
from signals_app.models import Strategy
from trailing.plan import PlanRefused, read_plan

STOP_ENTRIES = (
    "stop entries (`manage.py halt`) until this is repaired; docs/protection.md says what should happen"
)
SHOWN = 5
STANDS_WITHIN = timedelta(seconds=10)  # of an entry; a stop usually stands within one
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
    issues += [*_bare(), *_refused()]
    held = Position.objects.filter(status=PositionStatus.OPEN)
    counts = {
        "positions_held": held.count(),
        "positions_handed_over": held.exclude(handed_over_at=None).count(),
    }
    return judged({**works, "strategies_that_use": dict(used), **counts}, issues)


def _bare() -> Iterator[Issue]:
    """Now, and not as late as the sentence that every position has one. What was handed over is its person's."""
    known = timezone.now() - STANDS_WITHIN
    held = Position.objects.filter(status=PositionStatus.OPEN, opened_at__lt=known, handed_over_at=None)
    if bare := sorted(uncovered(held).values_list("pk", flat=True)):
        names = ", ".join(map(str, bare[:SHOWN]))
        what = f"{len(bare)} open positions have no stop for all they hold: {names}"
        yield Issue(what, Severity.CRITICAL, STOP_ENTRIES)


def _refused() -> Iterator[Issue]:
    refusing = AccountWatch.objects.filter(stops_refused_since__isnull=False)
    for name, since in refusing.values_list("account__name", "stops_refused_since"):
        what = f"the exchange takes no stops of {name} since {since:%Y-%m-%d %H:%M:%S}"
        yield Issue(what, Severity.CRITICAL, "docs/failover.md says what follows by itself")


def _plans() -> tuple[Counter[str], dict[str, str]]:
    used: Counter[str] = Counter()
    unreadable = {}
    for name, body in Strategy.objects.filter(archived=False).values_list("name", "protection"):
        try:
            used.update(read_plan(body).beside_the_stop)
        except PlanRefused as refusal:
            unreadable[name] = str(refusal)
    return used, unreadable
