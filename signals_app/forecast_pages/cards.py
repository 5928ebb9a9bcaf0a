"""A model's card, laid out for people. What a card does not say is shown as unknown. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from positions import formats
from signals_app.forecast_models import ForecastModel, ModelState
from signals_app.forecast_pages.words import HUNDRED, Row, share
from signals_app.forecasts.hindsight import Bin, Share
from signals_app.forecasts.plots import dots, lengths, path
from signals_app.forecasts.terms import HORIZONS, Direction

MOST_IMPORTANT = 30
MEANINGS = {Direction.LONG: "the price rises", Direction.SHORT: "it falls", Direction.NEUTRAL: "neither"}


def model_row(one: ForecastModel) -> Row:
    return {
        "id": one.pk,
        "model": one,
        "state": one.state,
        "is_in_use": one.state == ModelState.IN_USE,
        "is_worth_using": one.is_worth_using,
        "verdict": one.verdict,
        "tone": "good" if one.is_worth_using else "bad",
    }


def card_page(one: ForecastModel) -> Row:
    card = one.card if isinstance(one.card, dict) else {}
    scores = _by_horizon(card.get("scores"))
    return model_row(one) | {
        "groups": [(title, _facts(card.get(key), HIDDEN)) for title, key in GROUPS if card.get(key)],
        "contracts": ", ".join(map(str, (card.get("data") or {}).get("contracts", []))),
        "classes": [_class(place, name) for place, name in enumerate(card.get("classes") or [])],
        "scores": [_score_row(name, one) for name, one in scores.items()],
        "baselines": [(name, _baselines(one)) for name, one in scores.items()],
        "curves": [_curve(name, one) for name, one in scores.items() if one.get("reliability")],
        "importance": [
            (name, importance_rows(shares)) for name, shares in _by_horizon(card.get("importance")).items()
        ],
    }


GROUPS = (("Data", "data"), ("Features", "features"), ("Training", "training"), ("It took", "took"),
          ("Libraries", "libraries"))  # fmt: skip
HIDDEN = frozenset({"contracts", "of_paper"})


def _by_horizon(told: Any) -> dict[str, Any]:
    found = told if isinstance(told, Mapping) else {}
    return {name: found[name] for name in HORIZONS if name in found}


def _facts(told: Any, hidden: frozenset[str]) -> list[tuple[str, str]]:
    if not isinstance(told, Mapping):
        return []
    return [(formats.words(name), _fact(value)) for name, value in told.items() if name not in hidden]


def _fact(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{formats.words(str(name))} {_fact(one)}" for name, one in value.items())
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return formats.UNKNOWN if value in (None, "") else str(value)


def _class(place: int, name: str) -> dict[str, Any]:
    """In the order of the model's three answers; one that is not ours would trade backwards."""
    is_ours = place < len(Direction) and Direction(place).name == name
    meaning = MEANINGS[Direction(place)] if is_ours else "not the order of this program: it is not asked"
    return {"place": place, "name": name, "meaning": meaning, "is_ours": is_ours}


def _score_row(horizon: str, one: Mapping[str, Any]) -> Row:
    sure = one.get("skill_sureness")
    return {
        "horizon": horizon,
        "answers": _fact(one.get("answers")),
        "skill": _percent(one.get("skill"), 2),
        "sureness": formats.UNKNOWN if sure is None else f"{sure:.1f}",
        "accuracy": _percent(one.get("accuracy"), 1),
        "most_frequent": _percent(one.get("accuracy_of_most_frequent"), 1),
        "calls": _fact(one.get("calls")),
        "hit_rate": _percent(one.get("hit_rate"), 1),
        "per_call": _percent(one.get("per_call"), 3),
        "error": _percent(one.get("calibration_error"), 1),
        "foresees": one.get("foresees"),
        "sees_sides": one.get("sees_sides"),
        "pays": one.get("pays"),
    }


def _percent(value: Any, decimals: int) -> str:
    if value is None:
        return formats.UNKNOWN
    return f"{value * 100:.{decimals}f}%".replace("-", formats.MINUS)


def _baselines(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _percent(value, 3)) for name, value in (one.get("baselines") or {}).items()]


def _curve(horizon: str, one: Mapping[str, Any]) -> Row:
    bins = [_bin(told) for told in one["reliability"]]
    found = dots(bins)
    return {
        "source": horizon,
        "dots": found,
        "path": path(found),
        "error": _percent(one.get("calibration_error"), 1),
        "rows": [{"said": share(b.said, 1), "came": {"rate": share(b.came.rate, 1), "count": f"{b.came.count:,}"}}
                 for b in bins],
    }  # fmt: skip


def _bin(told: Mapping[str, Any]) -> Bin:
    count = int(told["count"])
    return Bin(Decimal(str(told["said"])), Share(round(told["came_true"] * count), count))


def importance_rows(shares: Mapping[str, float]) -> list[Row]:
    known = sorted(((Decimal(str(value)), name) for name, value in shares.items()), key=lambda one: -one[0])
    shown = known[:MOST_IMPORTANT]
    bars = lengths([value for value, _ in shown])
    return [
        {"name": name, "share": f"{value * HUNDRED:.1f}%", "length": length}
        for (value, name), length in zip(shown, bars, strict=True)
    ]
