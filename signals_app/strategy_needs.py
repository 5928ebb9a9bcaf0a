"""What a strategy still needs before any signal can mean something to it."""

from __future__ import annotations

from signals_app.models import Strategy


def lacks(strategy: Strategy) -> str:
    """Empty when nothing is missing."""
    needs = {"an account to trade on": strategy.accounts, "a phrase to listen to": strategy.phrases}
    missing = [what for what, rows in needs.items() if not rows.exists()]
    return f"still needs {' and '.join(missing)}" if missing and strategy.kind == "signal" else ""
