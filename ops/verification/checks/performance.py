"""Performance: 1,000 signals, ten orders at once, memory; measured now, and failed beyond what is required. What first
orders take is told beside it, with advice where it is more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from statistics import median
from typing import Any

from django.utils import timezone

from ops.report.figures import fill_to_stop
from ops.verification.speed import REQUIRED, Limits, advice_on_first_orders, beyond
from ops.verification.verdicts import CannotAsk, Finding, Status, judged

Trial = Callable[[], Mapping[str, Any]]
Memory = Callable[[], Mapping[str, float]]
HOW = {
    "orders_10_at_once_seconds": "both legs of five contracts that were set up before the clock started: position "
    "mode, margin mode and leverage are read again, and found as they should be",
    "first_orders_10_at_once_seconds": "both legs of five contracts that were never traded: position mode and "
    "leverage are set and read back, margin mode is read; told, not judged",
}


def check(trial: Trial, memory: Memory, limits: Limits = REQUIRED) -> Finding:
    tried = dict(trial())
    details: dict[str, Any] = {"rounds": tried.pop("rounds", {}), "measured": tried, "how": HOW}
    reason = ""
    try:
        details["memory_by_program_mb"] = dict(memory())
        tried["memory_mb"] = round(sum(details["memory_by_program_mb"].values()), 1)
    except CannotAsk as why:
        reason = str(why)
    tried |= _from_fill_to_stop()
    if reason and not beyond(tried, limits):
        return Finding(Status.UNKNOWN, details | {"reason": reason})
    return judged(details, beyond(tried, limits), advice_on_first_orders(tried, limits))


def _from_fill_to_stop() -> dict[str, float]:
    """What the installation itself needed since yesterday, where it opened anything."""
    seen = fill_to_stop(timezone.now() - timedelta(days=1)).values()
    return {"fill_to_stop_seconds": round(median(seen) / 1000, 4)} if seen else {}
