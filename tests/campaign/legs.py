"""Which leg a position at the exchange is: in one-way mode its sign says so."""

from __future__ import annotations

from exchanges.paper.book import PaperPosition


def leg_of(held: PaperPosition) -> str:
    if held.position_side != "BOTH":
        return held.position_side
    return "LONG" if held.amount > 0 else "SHORT"
