"""What the tables of this folder share: entry 100, tick 0.1, the default plan (stop 2 %, from 1.5 % on, 0.5 % behind),
without steps between trailing stops unless a table is about them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from exchanges.types import InstrumentSpec, PositionSide
from trailing.engine import Close, Entry, Hold
from trailing.plan import ProtectionPlan, read_plan
from trailing.protection import Seen, advance, start

LONG = Entry(PositionSide.LONG, Decimal(100), Decimal("0.1"))
SHORT = replace(LONG, side=PositionSide.SHORT)
SPEC = InstrumentSpec(
    "X/USDT:USDT", "XUSDT", Decimal("0.1"), Decimal("0.1"), Decimal("0.1"), None, Decimal(5)
)

EVERY_TICK = {"updates": {"min_improvement_percent": 0}}
ENHANCED = {
    "trailing": {"type": "percent", "activation_percent": 1, "callback_percent": "0.5"},
    "breakeven": {"trigger_percent": 1, "offset_percent": "0.2"},
    "profit_locks": [
        {"trigger_percent": 2, "lock_percent": 1},
        {"trigger_percent": 3, "lock_percent": 2},
        {"trigger_percent": 4, "lock_percent": 3},
    ],
    "take_profits": {
        "levels": [
            {"at": {"type": "percent", "percent": 1}, "close_ratio": "0.25"},
            {"at": {"type": "percent", "percent": 2}, "close_ratio": "0.25"},
            {"at": {"type": "percent", "percent": 3}, "close_ratio": "0.5"},
        ],
        "stop_after_level": {"type": "breakeven", "offset_percent": "0.1"},
    },
}


def plan_of(**body: Any) -> ProtectionPlan:
    return read_plan(EVERY_TICK | body)


PLAN = plan_of()


def mirrored(price: str | Decimal) -> Decimal:
    """The same distance on the other side of the entry at 100."""
    return 200 - Decimal(price)


def walk(entry: Entry, *prices: str | Decimal, plan: ProtectionPlan = PLAN) -> Hold | Close:
    """Price after price, from the fill on."""
    verdict: Hold | Close = Hold(start(entry, plan))
    for price in prices:
        verdict = advance(entry, plan, verdict.state, Seen(Decimal(price)))
    return verdict
