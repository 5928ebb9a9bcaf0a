"""What a strategy still needs before any signal can mean something to it."""

from __future__ import annotations

from signals_app.models import Strategy, StrategyAccount, StrategySignal


def lacks(strategy: Strategy) -> str:
    """Empty when nothing is missing."""
    has = {  # asked anew: the strategy may carry rows that were read before others were added
        "an account to trade on": StrategyAccount.objects.filter(strategy=strategy).exists(),
        "a phrase to listen to": StrategySignal.objects.filter(strategy=strategy).exists(),
    }
    missing = [what for what, is_there in has.items() if not is_there]
    return f"still needs {' and '.join(missing)}" if missing and strategy.kind == "signal" else ""
