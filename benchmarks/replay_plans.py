"""Plans that between them leave by every way there is."""

from __future__ import annotations

from benchmarks.recordings import Recording
from tests.trailing.tables import ENHANCED


def plans_for(recording: Recording) -> dict[str, dict]:
    return CANDLE_PLANS if recording.name.endswith("candles") else TICK_PLANS


def _levels(*percents: str) -> list[dict]:
    ratios = ("0.25", "0.25", "0.5")
    return [
        {"at": {"type": "percent", "percent": percent}, "close_ratio": ratio}
        for percent, ratio in zip(percents, ratios, strict=True)
    ]


CANDLE_PLANS: dict[str, dict] = {
    "default": {},
    "enhanced": ENHANCED,
    "enhanced, steps only": ENHANCED | {"trailing": None, "take_profits": None},
    "ladder, previous level": {
        "trailing": None,
        "take_profits": {"levels": _levels("1", "2", "3"), "stop_after_level": {"type": "previous_level"}},
    },
    "default with age": {"age": {}},
    "steps": {"trailing": {"type": "steps", "activation_percent": 1}},
    "volatility": {"stop_loss": {"type": "atr", "multiple": 20}, "trailing": {"type": "adaptive"}},
}
# five minutes moved by 0.4 %: everything a twentieth as far
FINE = {"stop_loss": {"type": "percent", "percent": "0.1"}, "updates": {"min_improvement_percent": "0.002"}}
TICK_PLANS: dict[str, dict] = {
    "0.05 %, 0.02 %": FINE
    | {"trailing": {"type": "percent", "activation_percent": "0.05", "callback_percent": "0.02"}},
    "fine ladder": FINE
    | {
        "trailing": None,
        "breakeven": {"trigger_percent": "0.04", "offset_percent": "0.01"},
        "profit_locks": [{"trigger_percent": "0.09", "lock_percent": "0.06"}],
        "take_profits": {
            "levels": _levels("0.05", "0.1", "0.15"),
            "stop_after_level": {"type": "percent", "percent": "0.02"},
        },
    },
}
