"""How a strategy of the v2/v4 signal bots left its positions, as a protection plan of ours. Pure.

Their levels are in percent or ranges from the entry and sell parts of the original quantity, the last one what is left;
what the stop does after a level is measured from the entry. A level that waits for a signal holds up all behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ops.legacy.mapping.reading import Row, number, positive, text
from ops.legacy.mapping.switches import is_off
from trailing.plan import PlanRefused, ProtectionPlan, read_plan

HUNDRED = Decimal(100)
WAITS_FOR_SIGNAL = ("signal", "external_signal")
TIMEFRAMES = {"m1": "1m", "m5": "5m", "m15": "15m", "h1": "1h", "h4": "4h"}
NO_TARGET = "its target is not on record"
BEHIND_A_SIGNAL = "it follows a level that waits for a signal: what is left waits for that"
OTHER_SIGNAL = "it waits for another signal than its strategy's: what is left stays with the stop"


@dataclass(frozen=True, slots=True)
class PlanReading:
    """left_out: the ids of levels that are not in the plan, and why."""

    plan: ProtectionPlan
    left_out: Mapping[str, str]
    notes: tuple[str, ...] = ()
    first_waits_for_signal: bool = False


@dataclass
class _Ladder:
    levels: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    sold: Decimal = Decimal(0)

    @property
    def body(self) -> dict[str, Any] | None:
        wished = [level for _, level in self.levels]
        keep = {"type": "none"}
        return (
            {"levels": wished, "stop_after_level": keep, "rest_waits_for_signal": self.waits}
            if wished
            else None
        )


def plan_of(
    strategy: Row,
    levels: Sequence[Row],
    policies: Sequence[Row],
    action_signals: frozenset[str] = frozenset(),
) -> PlanReading:
    stop, notes = _stop(strategy)
    body = {"stop_loss": stop, "trailing": None} | _timeframe(strategy)
    ladder = _ladder(levels, {text(one, "tp_level_id"): one for one in policies}, action_signals)
    waits_at_once = ladder.waits and not ladder.levels
    try:
        return PlanReading(
            read_plan(body | {"take_profits": ladder.body}), ladder.left_out, notes, waits_at_once
        )
    except PlanRefused as refusal:
        refused = dict.fromkeys((level_id for level_id, _ in ladder.levels), str(refusal))
        return PlanReading(
            read_plan(body), ladder.left_out | refused, (*notes, "it has no take-profit levels")
        )


def _stop(strategy: Row) -> tuple[dict[str, Any], tuple[str, ...]]:
    default = {"type": "percent", "percent": "2"}
    if is_off(strategy, "use_stoploss"):
        return default, ("it had no stop: here it has one of 2 %",)
    known = number(strategy, "sl_value")
    value = "" if known is None else _plain(known)
    kind = text(strategy, "sl_type").lower() or "percent"
    named = {"percent": {"percent": value}, "atr": {"multiple": value, "percent": "2"}}
    wished = {"type": kind} | named.get(kind, {})
    try:
        read_plan({"stop_loss": wished})
    except PlanRefused as refusal:
        return default, (
            f"its stop ({kind} {value or 'of nothing'}) cannot be one ({refusal}): here it is 2 %",
        )
    return wished, ()


def _timeframe(strategy: Row) -> dict[str, str]:
    known = TIMEFRAMES.get(text(strategy, "timeframe").lower())
    return {"atr_timeframe": known} if known else {}


def _ladder(levels: Sequence[Row], policies: Mapping[str, Row], action_signals: frozenset[str]) -> _Ladder:
    made = _Ladder()
    ordered = sorted(levels, key=lambda level: number(level, "level") or Decimal(0))
    for level in ordered:
        if reason := _add(made, level, policies, action_signals, is_last=level is ordered[-1]):
            made.left_out[text(level, "id")] = reason
    return made


def _add(
    made: _Ladder, level: Row, policies: Mapping[str, Row], action_signals: frozenset[str], is_last: bool
) -> str:
    """Or why not."""
    volume = positive(level, "volume_percent")
    if made.waits:
        return BEHIND_A_SIGNAL
    if volume is None and not is_last:
        return "it sells nothing"
    if _waits_for_signal(level):
        return _wait(made, level, action_signals)
    at = _target(level)
    if at is None:
        return NO_TARGET
    ratio = 1 - made.sold if is_last else (volume or Decimal(0)) / HUNDRED
    if ratio <= 0:
        return "the levels before it sell all"
    level_id = text(level, "id")
    wished = {"at": at, "close_ratio": f"{round(ratio, 6):f}", **_after(policies.get(level_id, {}))}
    made.levels.append((level_id, wished))
    made.sold += ratio
    return ""


def _waits_for_signal(level: Row) -> bool:
    trigger, kind = text(level, "tp_trigger_type").lower(), text(level, "tp_type").lower()
    return trigger == "signal" or kind in WAITS_FOR_SIGNAL


def _wait(made: _Ladder, level: Row, action_signals: frozenset[str]) -> str:
    waited_for = text(level, "trigger_signal_id")
    if waited_for and waited_for not in action_signals:
        return OTHER_SIGNAL
    made.waits = True
    return ""


def _target(level: Row) -> dict[str, str] | None:
    value = positive(level, "tp_value")
    if value is None:
        return None
    match text(level, "tp_type").lower():
        case "percent":
            return {"type": "percent", "percent": _plain(value)}
        case "atr":
            return {"type": "atr", "multiple": _plain(value)}
        case "fixed":
            return {"type": "price", "price": _plain(value)}
    return None


def _after(policy: Row) -> dict[str, Any]:
    return {"stop_after": wished} if (wished := _policy(policy)) else {}


def _policy(policy: Row) -> dict[str, str] | None:
    value = number(policy, "sl_value") or Decimal(0)
    match text(policy, "sl_mode").lower():
        case "entry":
            return {"type": "breakeven", "offset_percent": "0"}
        case "percent" if value > 0:
            return {"type": "entry_percent", "percent": _plain(value)}
        case "percent":
            return {"type": "breakeven", "offset_percent": _plain(-value)}
        case "atr" if value > 0:
            return {"type": "entry_atr", "multiple": _plain(value)}
    return None


def unknown_policy(policy: Row) -> str:
    """Why this one does nothing, where it says something else than that."""
    mode = text(policy, "sl_mode").lower()
    if mode in ("", "none") or _policy(policy):
        return ""
    return f"what the stop does after the level is not known: {mode}"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
