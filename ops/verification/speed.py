"""How fast is fast enough, and how that compares with the bot before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ops.verification.verdicts import Issue, Severity

TOO_SLOW = "free the machine of other work, or take a larger one; `make bench` shows where the time goes"


@dataclass(frozen=True, slots=True)
class Limits:
    signals_1000_seconds: float = 1.0
    orders_10_at_once_seconds: float = 0.5
    memory_mb: float = 2048.0


REQUIRED = Limits()


def beyond(measured: Mapping[str, float], limits: Limits = REQUIRED) -> list[Issue]:
    """What was not measured is not judged: the caller says that it is unknown."""
    return [
        Issue(f"{name.replace('_', ' ')}: {measured[name]:g}, the limit is {most:g}", Severity.HIGH, TOO_SLOW)
        for name, most in asdict(limits).items()
        if name in measured and measured[name] > most
    ]


def advice_on_first_orders(measured: Mapping[str, float], limits: Limits = REQUIRED) -> list[str]:
    """What only an account's first orders pay for is no failure, and nothing to hide."""
    name, most = "first_orders_10_at_once_seconds", limits.orders_10_at_once_seconds
    if measured.get(name, 0) <= most:
        return []
    return [f"ten first orders at once took {measured[name]:g} s, more than {most:g}: {TOO_SLOW}"]


def compared(
    measured: Mapping[str, float], legacy: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """v2 is what the file says of the bot before, v3 what was measured now; None where nobody knows."""
    names = list(dict.fromkeys([*measured, *legacy]))
    return {name: _row(legacy.get(name, {}).get("value"), measured.get(name)) for name in names}


def _row(before: float | None, now: float | None) -> dict[str, Any]:
    return {"v2": before, "v3": now, "improvement": _improvement(before, now)}


def _improvement(before: float | None, now: float | None) -> str:
    """All figures are such that less is better."""
    if before is None or now is None:
        return "unknown"
    if now <= 0:
        return "beyond measure"
    times = before / now
    return f"{times:.1f} times less" if times >= 1 else f"{1 / times:.1f} times more"
