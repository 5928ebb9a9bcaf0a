"""What becomes of each act on each venue, in each position mode, on each side: the stories prove it, the page shows it.

Quantities are shares of what the first opening bought: `LONG 1/2` is half of it on the long leg, `BOTH -1` a short of
all of it.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

from exchanges.types import PositionMode, PositionSide

PAGE = Path(__file__).parents[2] / "docs/hedge-modes.md"
VENUES = ("binance", "bybit")
ACTS = ("open", "add", "reduce by half", "close", "close more than is held", "flip", "restart", "both legs")
ROWS = [*product(VENUES, PositionMode, PositionSide)]


def leg_of(mode: PositionMode, side: PositionSide) -> str:
    return side.upper() if mode is PositionMode.HEDGE else "BOTH"


def share(mode: PositionMode, side: PositionSide, of: str = "1") -> str:
    """As the exchange lists it: a short is below zero."""
    return f"{leg_of(mode, side)} {'-' if side is PositionSide.SHORT else ''}{of}"


def expected(venue: str, mode: PositionMode, side: PositionSide) -> dict[str, str]:
    whole, half, other = share(mode, side), share(mode, side, "1/2"), share(mode, side.opposite)
    is_hedged = mode is PositionMode.HEDGE
    both = ", ".join(sorted((whole, other)))
    return {
        "open": f"index {mode.leg_index(side)}: {whole}, stop on {leg_of(mode, side)}",
        "add": f"refused (already live): {whole}",
        "reduce by half": half,
        "close": "flat",
        "close more than is held": "flat",
        "flip": f"one signal: {other}" if is_hedged else f"first signal: flat, second: {other}",
        "restart": f"{whole}, stop on {leg_of(mode, side)}, then flat",
        "both legs": f"{both}, then {other}" if is_hedged else f"refused (one way mode): {whole}",
    }


def table() -> str:
    lines = [_line("venue", "mode", "side", *ACTS), _line(*["---"] * (3 + len(ACTS)))]
    for venue, mode, side in ROWS:
        found = expected(venue, mode, side)
        lines.append(_line(venue, mode.replace("_", "-"), side, *(found[act] for act in ACTS)))
    return "\n".join(lines)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
