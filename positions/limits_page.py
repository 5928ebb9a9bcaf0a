"""What of each limit is used now, for whoever owns the bot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchanges.models import ExchangeAccount
from positions.book import book_of, levels_of, limit_rows, limits_on
from positions.models import RiskLimits
from positions.risk import uses
from positions.risk_levels import level_at
from positions.risk_limits import Scope, Use


def limits_in_use() -> dict[str, list[dict[str, Any]]]:
    """By account. A figure that is not known is None; what is no percentage has no level."""
    accounts = ExchangeAccount.objects.only("name", "max_open_positions", "max_exposure").order_by("name")
    return {account.name: limits_of_account(account) for account in accounts}


def limits_of_account(account: ExchangeAccount) -> list[dict[str, Any]]:
    limits, rows = limits_on(account), limit_rows(account.pk)
    return [
        {
            "limit": use.rule.value,
            "set_for": use.scope.value,
            "used": use.used,
            "of": use.of,
            "percent_of_limit": None if use.percent is None else round(use.percent, 1),
            "level": _level(use, rows),
        }
        for use in uses(limits, book_of(account.pk, limits))
    ]


def _level(use: Use, rows: Mapping[Scope, RiskLimits]) -> str | None:
    if not use.rule.is_percent or use.percent is None:
        return None
    return level_at(use.percent, levels_of(rows[use.scope], use.rule)).word
