"""A protection plan as fields of a form: their names, when they count, and what the plan's parser says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from exchanges.types import Reference, Timeframe
from trailing.plan import PlanRefused, ProtectionPlan, read_plan
from trailing.plan_fields import (
    AFTER,
    LEVELS,
    LINES,
    ON,
    PIECES,
    TARGETS,
    Piece,
    body_of,
    field_at,
    values_of,
)

BY_FIELDS, BY_JSON = "fields", "json"
KINDS = {
    "percent": "percent of the price",
    "distance": "a fixed distance in quote currency",
    "atr": "average true ranges",
    "return_on_margin": "percent of the margin",
    "points": "percent of the entry price",
    "steps": "percent, nearer step by step",
    "adaptive": "percent, by volatility",
    "price": "a price",
    "none": "stays where it is",
    "breakeven": "to the entry, and so many percent beyond it",
    "previous_level": "to the level before",
    "entry_percent": "percent behind the entry",
    "entry_atr": "average true ranges behind the entry",
}
SWITCHES = {
    "stop": "Stop loss by",
    "trail": "Trails by",
    "backstop": "The exchange trails as well",
    "breakeven": "Stop to the entry at a profit",
    "age": "Limit of age",
}
LABELS = {
    "trail_steps": "Steps: profit % and distance %, one a line",
    "profit_locks": "Profit locks: trigger % and held %, one a line",
    "atr_period": "True range: candles",
    "atr_timeframe": "True range: timeframe",
    "reference": "Judged by the price",
    "ladder_after_type": "After a level the stop goes",
    "ladder_after_value": "by",
    "ladder_rest_waits_for_signal": "The rest waits for an opposite signal",
    "stop_multiple": "true ranges",
}
UNITS = {"percent": "%", "hours": "hours", "seconds": "seconds"}
REFERENCES = {Reference.MARK: "mark price", Reference.LAST: "last price", Reference.BOOK: "best bid or ask"}
VALUED = [kind for kind, rule in (TARGETS | AFTER).items() if len(rule.model_fields) > 1]


def fields() -> dict[str, forms.Field]:
    found: dict[str, forms.Field] = {
        "reference": _choice(REFERENCES.items(), LABELS["reference"]),
        "atr_period": _number(LABELS["atr_period"]),
        "atr_timeframe": _choice([(one.value, one.value) for one in Timeframe], LABELS["atr_timeframe"]),
        "profit_locks": _lines("profit_locks"),
    }
    for piece in PIECES:
        found |= _of_piece(piece)
    found |= _valued("ladder_after", AFTER, LABELS["ladder_after_type"])
    found["ladder_rest_waits_for_signal"] = forms.BooleanField(
        label=LABELS["ladder_rest_waits_for_signal"], required=False
    )
    for number in range(1, LEVELS + 1):
        found |= _of_level(number)
    return found


def rows() -> list[tuple[str, dict[str, Any]]]:
    """Fieldsets of the admin: what belongs together on a line."""
    pieces = {piece.prefix: piece for piece in PIECES}
    return [
        ("Stop loss", _set(_line(pieces["stop"]), ("reference", "atr_period", "atr_timeframe"))),
        ("Trailing", _set(_line(pieces["trail"]), _line(pieces["backstop"]))),
        ("Breakeven and profit locks", _set(_line(pieces["breakeven"]), "profit_locks")),
        ("Take-profit levels", _set(*_ladder_lines(), description=LADDER_HELP)),
        ("Age and updates", _set(_line(pieces["age"]), _names(pieces["updates"]), description=AGE_HELP)),
    ]


LADDER_HELP = (
    "Up to ten levels, from the entry outwards; each sells a share of the ORIGINAL quantity (0.25 is a quarter). "
    "A level without a kind does not count."
)
AGE_HELP = (
    "A position that gets older than its limit is left at breakeven for the grace hours, then at a loss that grows, "
    "and in the end at any price. Updates say when a better stop is worth a request."
)


def _set(*lines: Any, description: str = "") -> dict[str, Any]:
    return {"fields": lines, "classes": ("plan",), "description": description}


def _line(piece: Piece) -> tuple[str, ...]:
    return (piece.switch, *_names(piece))


def _names(piece: Piece) -> tuple[str, ...]:
    return tuple(f"{piece.prefix}_{name}" for name in piece.names)


def _ladder_lines() -> list[tuple[str, ...]]:
    parts = ("type", "value", "close_ratio", "after_type", "after_value")
    levels = [tuple(f"level{number}_{part}" for part in parts) for number in range(1, LEVELS + 1)]
    return [*levels, ("ladder_after_type", "ladder_after_value", "ladder_rest_waits_for_signal")]


def _of_piece(piece: Piece) -> dict[str, forms.Field]:
    found: dict[str, forms.Field] = {}
    if ON in piece.kinds and piece.optional:
        found[piece.switch] = _choice([("", "no"), (ON, "yes")], SWITCHES[piece.prefix])
    elif piece.prefix in SWITCHES:
        nothing = [("", "nothing: it does not trail")] if piece.optional else []
        found[piece.switch] = _choice([*nothing, *_named(piece.kinds)], SWITCHES[piece.prefix])
    for name in piece.names:
        field = f"{piece.prefix}_{name}"
        shown = (piece.switch, piece.kinds_with(name)) if piece.switch in found else None
        found[field] = _lines(field, shown) if field in LINES else _value(piece, name, shown)
    return found


def _value(piece: Piece, name: str, shown: tuple[str, list[str]] | None) -> forms.Field:
    annotation = next(iter(rule for rule in piece.kinds.values() if name in rule.model_fields)).model_fields[
        name
    ]
    if annotation.annotation is bool:
        return forms.BooleanField(
            label=_label(name), required=False, widget=forms.CheckboxInput(attrs=_when(shown))
        )
    return _number(LABELS.get(f"{piece.prefix}_{name}") or _label(name), shown)


def _of_level(number: int) -> dict[str, forms.Field]:
    prefix = f"level{number}"
    found = _valued(prefix, TARGETS, f"Level {number} at", nothing="no level")
    shown = (f"{prefix}_type", list(TARGETS))
    found[f"{prefix}_close_ratio"] = _number("sells", shown)
    found |= _valued(f"{prefix}_after", AFTER, "then the stop goes", nothing="as below")
    found[f"{prefix}_after_type"].widget.attrs |= _when(shown)
    return found


def _valued(prefix: str, kinds: Iterable[str], label: str, nothing: str = "") -> dict[str, forms.Field]:
    empty = [("", nothing)] if nothing else []
    shown = (f"{prefix}_type", [kind for kind in kinds if kind in VALUED])
    return {
        f"{prefix}_type": _choice([*empty, *_named(kinds)], label),
        f"{prefix}_value": _number("by" if "after" in prefix else "value", shown),
    }


def _named(kinds: Iterable[str]) -> list[tuple[str, str]]:
    return [(kind, KINDS[kind]) for kind in kinds]


def _label(name: str) -> str:
    *words, unit = name.split("_")
    return f"{' '.join(words)} {UNITS[unit]}".strip() if unit in UNITS else " ".join((*words, unit))


def _when(shown: tuple[str, list[str]] | None) -> dict[str, str]:
    return {} if shown is None else {"data-shown-by": shown[0], "data-shown-when": " ".join(shown[1])}


def _number(label: str, shown: tuple[str, list[str]] | None = None) -> forms.CharField:
    """Text as far as the form goes: the plan's own parser reads it and says what is wrong."""
    attrs = {"inputmode": "decimal", "autocomplete": "off", "size": "8"} | _when(shown)
    return forms.CharField(label=label, required=False, widget=forms.TextInput(attrs=attrs))


def _lines(name: str, shown: tuple[str, list[str]] | None = None) -> forms.CharField:
    attrs = {"rows": 3, "cols": 16} | _when(shown)
    return forms.CharField(label=LABELS[name], required=False, widget=forms.Textarea(attrs=attrs))


def _choice(choices: Iterable[tuple[str, str]], label: str) -> forms.ChoiceField:
    return forms.ChoiceField(choices=list(choices), label=label, required=False)


def initial(body: object) -> dict[str, Any]:
    """Empty for a plan that cannot be read: then its JSON is what is edited."""
    try:
        return values_of(read_plan(body).as_json())
    except PlanRefused:
        return {}


def read(values: Mapping[str, Any]) -> tuple[ProtectionPlan | None, list[tuple[str | None, str]]]:
    """The plan, or what is wrong, by field."""
    try:
        return read_plan(body_of(values)), []
    except PlanRefused as refusal:
        return None, [(field_at(one.place, values), one.sentence) for one in refusal.faults]
