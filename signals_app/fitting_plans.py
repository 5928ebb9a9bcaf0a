"""Whether a strategy's plan fits the strategy, whoever wrote it down: a form or a file. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from signals_app.models import StrategyKind
from signals_app.routing import OppositeSignal
from signals_app.usable_stops import objections_to_stop
from trailing.plan import read_plan

STOP_ALONE = "The legs of an arbitrage have a stop loss alone, or one leg would leave without the other:"
WITHOUT_LEVELS = (
    "protect_reverse goes by take-profit levels, and this plan has none: an opposite signal would do nothing"
)
STOP, TRAILING, OPPOSITE = "stop", "trailing", "opposite_signal"


def objections_to_plan(strategy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(what of it, why), of values whose plan can be read; what the strategy does not say yet is not judged."""
    if "protection" not in strategy:
        return
    if "leverage" in strategy:
        yield from ((STOP, objection) for objection in objections_to_stop(strategy))
    more = read_plan(strategy["protection"]).beside_the_stop
    if strategy.get("kind") == StrategyKind.ARBITRAGE and more:
        yield TRAILING, f"{STOP_ALONE} {', '.join(more)} must be null or empty."
    by_levels = strategy.get("opposite_signal") == OppositeSignal.PROTECT_REVERSE
    if by_levels and strategy["protection"]["take_profits"] is None:
        yield OPPOSITE, WITHOUT_LEVELS
