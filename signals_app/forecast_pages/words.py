"""A forecast as rows of a page: finished texts, shapes and tones. Reads nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from positions import formats
from signals_app.forecast_models import Forecast, ForecastSource
from signals_app.forecasts.plots import pieces
from signals_app.forecasts.said import Said, came_of, said_of
from signals_app.forecasts.terms import Direction, label_of
from signals_app.models import SignalStatus

SHAPES = {"long": "▲", "short": "▼", "neutral": "■"}
TONES = {"long": "up", "short": "down", "neutral": ""}
HUNDRED = Decimal(100)

Row = dict[str, Any]


def share(value: Decimal | None, decimals: int = 0) -> str:
    return formats.UNKNOWN if value is None else f"{value * HUNDRED:.{decimals}f}%"


def move(log_return: Decimal | None) -> str:
    return formats.percent_change(None if log_return is None else (log_return.exp() - 1) * HUNDRED)


def forecast_row(one: Forecast) -> Row:
    symbol = one.instrument.symbol
    return {
        "id": one.pk,
        "instrument_id": one.instrument_id,
        "symbol": symbol,
        "base": symbol.split("/")[0],
        "quote": symbol.partition("/")[2].partition(":")[0],
        "account": one.run.account.name,
        "made_at": one.made_at,
        "candle_at": one.run.candle_at,
        "price": formats.price(one.price, one.instrument.price_increment),
        "confidence": share(one.confidence, 1),
        "quality": f"{one.quality:.2f}",
        "label": label_of(float(one.quality)),
        "strength": f"{one.strength:.2f}",
        "risk": one.risk,
        "is_fallback": one.source == ForecastSource.FALLBACK,
        "reason": one.reason,
        "signal_id": one.signal_id,
        "refused": one.signal.reason if one.signal and one.signal.status == SignalStatus.IGNORED else "",
        "agreement": f"{one.agreement} of {len(one.horizons)}",
        "horizons": horizon_rows(one),
        "is_waiting": one.send_until is not None,
    } | side_of(one)


def side_of(one: Forecast) -> Row:
    has_side = one.direction != Direction.NEUTRAL.name.lower()
    return {
        "direction": one.direction,
        "shape": SHAPES[one.direction],
        "tone": TONES[one.direction],
        "stop": formats.percent(one.stop_percent) if has_side else formats.UNKNOWN,
        "target": formats.percent(one.target_percent) if has_side else formats.UNKNOWN,
    }


def horizon_rows(one: Forecast) -> list[Row]:
    came = came_of(one.outcomes)
    rows = [_horizon_row(name, said, came.get(name)) for name, said in said_of(one.horizons).items()]
    for row in rows:
        if row["name"] in one.outcomes and not row["is_over"]:
            row["verdict"] = "unknown for good: the exchange has no candle of its end"
    return rows


def _horizon_row(name: str, said: Said, came: Decimal | None) -> Row:
    word = said.direction.name.lower()
    return {
        "name": name,
        "word": word,
        "shape": SHAPES[word],
        "tone": TONES[word],
        "likely": share(said.of(said.direction)),
        "long": share(said.long),
        "short": share(said.short),
        "neutral": share(said.neutral),
        "expected": move(said.expected),
        "pieces": pieces(said),
        "is_over": came is not None,
        "came": move(came),
        **_judged(said, came),
    }


def _judged(said: Said, came: Decimal | None) -> Row:
    """A side is right where the price went there at all; neutral, where it went less than counts as a direction."""
    if came is None:
        return {"verdict": "not over yet", "mark": "", "verdict_tone": ""}
    truth = said.meant_by(came)
    if said.direction is Direction.NEUTRAL:
        is_right = truth is Direction.NEUTRAL
    else:
        is_right = came > 0 if said.direction is Direction.LONG else came < 0
    words = ("came true", "✓", "good") if is_right else ("did not", "✗", "bad")
    return dict(zip(("verdict", "mark", "verdict_tone"), words, strict=True))
