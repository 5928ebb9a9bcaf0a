"""What a first dry-run has to play with. Pure data; ops.first_start writes it once."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ops.first_minute import LONG, ONE_MORE, SHORT
from trailing.plan import ProtectionPlan

ACCOUNT, BESIDE = "paper", "paper-bybit"
ACCOUNTS = {ACCOUNT: "binance", BESIDE: "bybit"}
SENDER = "demo"
# what it has seen; none of it becomes a signal before an owner says so
FORECASTS = {"days_kept": 30, "sends_signals": False}


@dataclass(frozen=True)
class DemoStrategy:
    """Percentages are tight, so that a stop and a trailing close can be seen within minutes."""

    name: str
    phrases: dict[str, str]  # phrase -> direction
    fields: dict[str, object] = field(default_factory=dict)
    accounts: tuple[str, ...] = (ACCOUNT,)


def _exits(stop: str, activation: str, callback: str) -> dict[str, object]:
    return {"protection": ProtectionPlan.plain(stop, activation, callback).as_json()}


STRATEGIES = (
    DemoStrategy(
        "trend",
        {"TREND UP": "long", "TREND DOWN": "short"},
        {"notional": Decimal(300), "leverage": 5, **_exits("1.0", "0.5", "0.2")},
        accounts=(ACCOUNT, BESIDE),
    ),
    DemoStrategy(
        "scalper",
        {"SCALP BUY": "long", "SCALP SELL": "short"},
        {"notional": Decimal(150), "leverage": 10, **_exits("0.6", "0.3", "0.15")},
    ),
    DemoStrategy(
        "breakout",
        {"BREAKOUT UP": "long", "BREAKOUT DOWN": "short", "BREAKOUT OVER": "close_long"},
        {
            "sizing_mode": "risk_percent",
            "risk_percent": Decimal("0.1"),
            "leverage": 3,
            **_exits("2", "1", "0.4"),
        },
    ),
    DemoStrategy(
        "waves",
        {"BUY": "long", "SELL": "short"},
        {"notional": Decimal(100), "leverage": 5, **_exits("1.5", "0.8", "0.3")},
    ),
    DemoStrategy(  # of the first minute, as is the next one; nobody else uses their phrases
        "swing",
        {LONG: "long", SHORT: "short"},
        {"notional": Decimal(1000), "leverage": 5, **_exits("1.0", "0.5", "0.2")},
    ),
    DemoStrategy(
        "patient",
        {ONE_MORE: "long"},
        {
            "notional": Decimal(500),
            "leverage": 5,
            "cooldown_between_entries": 300,
            **_exits("1.5", "0.8", "0.3"),
        },
    ),
    DemoStrategy("switched-off", {"NEWS SPIKE": "long"}, {"enabled": False}),
)
