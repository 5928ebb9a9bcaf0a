"""Strategies with what they earned in thirty days, and one of them with all that it is told to do. Reads only."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, QuerySet

from exchanges.models import KEYS_OF_ACCOUNT
from positions import formats, queries
from positions.lists.trade_list import figures_of
from positions.live_rows import position_row
from positions.models import Position
from positions.reports.reading import closed_positions, trades_of
from signals_app.models import Strategy, StrategyAccount
from trailing.plan import read_plan
from trailing.words import in_words

LOOKED_BACK = timedelta(days=30)
GROUPS = (
    ("Routing", ("kind", "use_all_tickers", "opposite_signal", "max_open_positions")),
    ("Size", (
        "sizing_mode", "notional", "equity_percent", "risk_percent", "risk_balance", "risk_profile", "leverage",
    )),
    ("Pauses", ("cooldown_after_close", "cooldown_after_loss", "cooldown_between_entries")),
    ("Market", (
        "min_open_interest", "open_interest_unknown", "min_hour_volume", "hour_volume_unknown", "max_move_percent",
        "move_unknown", "max_spread_percent", "spread_unknown", "max_slippage_percent", "slippage_unknown",
    )),
    ("Signal", ("max_signal_age", "min_confidence", "confidence_unknown")),
)  # fmt: skip


def strategies() -> QuerySet[Strategy]:
    accounts = (
        StrategyAccount.objects.select_related("account").defer(*KEYS_OF_ACCOUNT).order_by("account__name")
    )
    return Strategy.objects.prefetch_related("tickers", Prefetch("accounts", accounts)).order_by(
        "archived", "name"
    )


def rows(now: datetime) -> list[dict[str, Any]]:
    trades = trades_of(closed_positions().filter(closed_at__gte=now - LOOKED_BACK))
    held = Counter(Position.objects.filter(is_live=True).values_list("strategy_id", flat=True))
    found = []
    for one in strategies():
        mine = [trade for trade in trades if trade.strategy == one.name]
        found.append(_in_short(one, held[one.pk]) | {"figures": figures_of(mine, now - LOOKED_BACK, now)})
    return found


def _in_short(one: Strategy, held: int) -> dict[str, Any]:
    return {
        "strategy": one,
        "state": state_of(one),
        "accounts": [_account(place) for place in one.accounts.all()],
        "tickers": _tickers(one),
        "held": held,
    }


def state_of(one: Strategy) -> dict[str, str]:
    """A word, its colour, and what it means."""
    if one.archived:
        return {"word": "archived", "tone": "", "meaning": "it is kept for its history and does nothing"}
    if not one.enabled:
        return {"word": "off", "tone": "bad", "meaning": "its signals open and close nothing; stops stay"}
    if not one.allow_open:
        return {"word": "paused", "tone": "warn", "meaning": "it opens nothing; its signals still close"}
    return {"word": "running", "tone": "good", "meaning": "its signals open and close positions"}


def _account(place: StrategyAccount) -> str:
    share = "" if place.size_percent == 100 else f" {place.size_percent.normalize():f}%"
    return f"{place.account.name}{share}{'' if place.enabled else ' (off)'}"


def _tickers(one: Strategy) -> list[str]:
    return [] if one.use_all_tickers else sorted(ticker.symbol for ticker in one.tickers.all())


def page_of(one: Strategy, now: datetime) -> dict[str, Any]:
    live = Position.objects.filter(is_live=True, strategy=one).values_list("pk", flat=True)
    held = queries.held_positions(list(live), now=now)
    mine = closed_positions().filter(strategy=one, closed_at__gte=now - LOOKED_BACK)
    return _in_short(one, len(held)) | {
        "figures": figures_of(trades_of(mine), now - LOOKED_BACK, now),
        "first_day": (now - LOOKED_BACK).date().isoformat(),
        "positions": [position_row(position, now) for position in held],
        "phrases": list(one.phrases.order_by("direction", "phrase").values_list("phrase", "direction")),
        "plan": in_words(read_plan(one.protection)),
        "groups": [(title, [_parameter(one, name) for name in names]) for title, names in GROUPS],
    }


def _parameter(one: Strategy, name: str) -> tuple[str, str, str]:
    """Its name, its value, and what it means."""
    field = Strategy._meta.get_field(name)
    value = getattr(one, name)
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif value is None:
        text = "off"
    elif isinstance(value, str):
        text = formats.words(value)
    else:
        text = formats.quantity(Decimal(value))
    return formats.words(name), text, str(getattr(field, "help_text", ""))
