"""Who gave the signal that opened a position. Pure."""

from __future__ import annotations

from collections.abc import Mapping

MODEL, FALLBACK, FORECAST = "forecast model", "fallback rules", "forecast"
BY_HAND = "by hand or found"
NAMES: Mapping[str, str] = {"server": "signal server", "replay": "replayed on paper"}
ORDER = (MODEL, FALLBACK, FORECAST, "websocket", "webhook", "stream", "signal server")


def origin_of(door: str | None, forecast_source: str | None) -> str:
    """door: a signal's source, as websocket:name; forecast_source: of the forecast that became it, where one did."""
    if forecast_source:
        return MODEL if forecast_source == "model" else FALLBACK
    if not door:
        return BY_HAND
    kind = door.partition(":")[0]
    return NAMES.get(kind, kind)


def rank(origin: str) -> tuple[int, str]:
    """Forecasts first, then the doors, then the rest by name."""
    return (ORDER.index(origin) if origin in ORDER else len(ORDER), origin)
