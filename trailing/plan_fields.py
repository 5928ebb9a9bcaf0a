"""A protection plan as the flat values of a form, and back. What is allowed is said by trailing.plan alone. Pure.

The names come from the rules themselves: a value that is added to a rule is a field of the form without further work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from trailing.rules import (
    AfterLevel,
    AgeLimit,
    AnyTrail,
    Backstop,
    Breakeven,
    Level,
    Part,
    StopLoss,
    Updates,
)

LEVELS = 10
LINES = {
    "trail_steps": ("profit_percent", "callback_percent"),
    "profit_locks": ("trigger_percent", "lock_percent"),
}
PLAIN = ("reference", "atr_period", "atr_timeframe")
ON = "on"
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """One rule of the plan, of one of several kinds: `type` in the form says which, empty says none."""

    prefix: str
    key: str
    kinds: Mapping[str, type[Part]]
    optional: bool = True

    @property
    def switch(self) -> str:
        return f"{self.prefix}_type"

    def kinds_with(self, name: str) -> list[str]:
        return [kind for kind, rule in self.kinds.items() if name in rule.model_fields]

    @property
    def names(self) -> list[str]:
        found = dict.fromkeys(name for rule in self.kinds.values() for name in rule.model_fields)
        return [name for name in found if name != "type"]


def _kinds(union: Any) -> dict[str, type[Part]]:
    """Of a union that is told apart by `type`."""
    members = get_args(get_args(union)[0])
    return {rule.model_fields["type"].default: rule for rule in members}


PIECES = (
    Piece("stop", "stop_loss", _kinds(StopLoss), optional=False),
    Piece("trail", "trailing", _kinds(AnyTrail)),
    Piece("backstop", "backstop", {ON: Backstop}),
    Piece("breakeven", "breakeven", {ON: Breakeven}),
    Piece("age", "age", {ON: AgeLimit}),
    Piece("updates", "updates", {ON: Updates}, optional=False),
)
TARGETS = {rule.model_fields["type"].default: rule for rule in get_args(Level.model_fields["at"].annotation)}
AFTER = _kinds(AfterLevel)


def values_of(body: Values) -> dict[str, Any]:
    """Of a whole plan's JSON."""
    found: dict[str, Any] = {name: body[name] for name in PLAIN}
    for piece in PIECES:
        found |= _values_of_piece(piece, body[piece.key])
    found["profit_locks"] = _as_lines(body["profit_locks"], "profit_locks")
    return found | dict(_values_of_ladder(body["take_profits"]))


def _values_of_piece(piece: Piece, rule: Values | None) -> dict[str, Any]:
    if rule is None:
        return {piece.switch: ""}
    found = {f"{piece.prefix}_{name}": rule[name] for name in piece.names if name in rule}
    if "trail_steps" in found:
        found["trail_steps"] = _as_lines(found["trail_steps"], "trail_steps")
    return found | {piece.switch: rule.get("type", ON)}


def _values_of_ladder(ladder: Values | None) -> Iterator[tuple[str, Any]]:
    if ladder is None:
        return
    yield from _valued("ladder_after", ladder["stop_after_level"])
    yield "ladder_rest_waits_for_signal", ladder["rest_waits_for_signal"]
    for number, level in enumerate(ladder["levels"], 1):
        yield from _valued(f"level{number}", level["at"])
        yield f"level{number}_close_ratio", level["close_ratio"]
        if level["stop_after"] is not None:
            yield from _valued(f"level{number}_after", level["stop_after"])


def _valued(prefix: str, rule: Values) -> Iterator[tuple[str, Any]]:
    yield f"{prefix}_type", rule["type"]
    yield from ((f"{prefix}_value", value) for name, value in rule.items() if name != "type")


def _as_lines(rows: Any, name: str) -> str:
    return "\n".join(" ".join(row[column] for column in LINES[name]) for row in rows)


def body_of(values: Values) -> dict[str, Any]:
    """JSON for `read_plan`; what was left empty is the plan's default, or is found missing by it."""
    body: dict[str, Any] = {name: values[name] for name in PLAIN if _said(values, name)}
    for piece in PIECES:
        if values.get(piece.switch) or not piece.optional:
            body[piece.key] = _piece(piece, values)
        else:
            body[piece.key] = None
    body["profit_locks"] = _rows(values, "profit_locks")
    body["take_profits"] = _ladder(values)
    return body


def _said(values: Values, name: str) -> bool:
    return values.get(name) not in ("", None)


def _piece(piece: Piece, values: Values) -> dict[str, Any]:
    kind = str(values.get(piece.switch) or next(iter(piece.kinds)))
    rule: dict[str, Any] = {} if ON in piece.kinds else {"type": kind}
    for name in piece.kinds[kind].model_fields if kind in piece.kinds else ():
        field = f"{piece.prefix}_{name}"
        if field in LINES:
            rule[name] = _rows(values, field)
        elif name != "type" and _said(values, field):
            rule[name] = values[field]
    return rule


def _rows(values: Values, field: str) -> list[dict[str, str]]:
    lines = [line.split() for line in str(values.get(field) or "").splitlines()]
    return [dict(zip(LINES[field], words, strict=False)) for words in lines if words]


def _ladder(values: Values) -> dict[str, Any] | None:
    numbers = [number for number in range(1, LEVELS + 1) if _said(values, f"level{number}_type")]
    if not numbers:
        return None
    ladder: dict[str, Any] = {
        "levels": [_level(values, number) for number in numbers],
        "rest_waits_for_signal": bool(values.get("ladder_rest_waits_for_signal")),
    }
    if _said(values, "ladder_after_type"):
        ladder["stop_after_level"] = _one_value(values, "ladder_after", AFTER)
    return ladder


def _level(values: Values, number: int) -> dict[str, Any]:
    prefix = f"level{number}"
    level: dict[str, Any] = {"at": _one_value(values, prefix, TARGETS)}
    if _said(values, f"{prefix}_close_ratio"):
        level["close_ratio"] = values[f"{prefix}_close_ratio"]
    if _said(values, f"{prefix}_after_type"):
        level["stop_after"] = _one_value(values, f"{prefix}_after", AFTER)
    return level


def _one_value(values: Values, prefix: str, kinds: Mapping[str, type[Part]]) -> dict[str, Any]:
    """Of a rule that has at most one number beside its type."""
    kind = str(values[f"{prefix}_type"])
    fields = kinds[kind].model_fields if kind in kinds else ()
    numbers = {
        name: values[f"{prefix}_value"]
        for name in fields
        if name != "type" and _said(values, f"{prefix}_value")
    }
    return {"type": kind} | numbers


def field_at(place: tuple[str | int, ...], values: Values) -> str | None:
    """The form's field in which a fault is; None: the plan as a whole."""
    match place:
        case ("take_profits", "levels", int(index), *rest):
            return _field_of_level(index, rest, values)
        case ("take_profits", *rest):
            return "ladder_after_value" if "stop_after_level" in rest else "level1_type"
        case (str(name), *_) if name in (*PLAIN, "profit_locks"):
            return name
        case (str(key), *rest):
            return _field_of_piece(key, rest)
    return None


def _field_of_level(index: int, rest: list[str | int], values: Values) -> str:
    """Levels that were left out in between were not counted."""
    used = [number for number in range(1, LEVELS + 1) if _said(values, f"level{number}_type")]
    prefix = f"level{used[index]}" if index < len(used) else "level1"
    if "close_ratio" in rest:
        return f"{prefix}_close_ratio"
    return f"{prefix}_after_value" if "stop_after" in rest else f"{prefix}_value"


def _field_of_piece(key: str, rest: list[str | int]) -> str | None:
    piece = next((one for one in PIECES if one.key == key), None)
    if piece is None:
        return None
    if "steps" in rest[1:]:
        return "trail_steps"
    name = next((str(word) for word in reversed(rest) if word in piece.names), None)
    return f"{piece.prefix}_{name}" if name else piece.switch
