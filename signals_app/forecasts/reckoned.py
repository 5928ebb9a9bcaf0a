"""What is to be written of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from signals_app.forecast_models import Forecast

NO_MODEL = "no model is in use"
NOT_FINITE = "one of its features is not a number"


@dataclass(frozen=True, slots=True)
class Reckoned:
    """source: "" where nothing was answered; reason: why no model did. rows: forecasts without their run."""

    source: str
    reason: str
    model_id: int | None = None
    rows: list[Forecast] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    identical: list[list[str]] = field(default_factory=list)
