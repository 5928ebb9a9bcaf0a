"""The list of closed positions, with figures of all that the filter shows. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from exchanges.models import ExchangeAccount
from exchanges.types import PositionSide
from positions import formats
from positions.lifecycle import CloseReason
from positions.lists.filters import Asked, Filter
from positions.lists.signal_list import plain_symbol
from positions.models import Position
from positions.reports.figures import Statistics, Trade, held_within, statistics
from positions.reports.reading import closed_positions
from signals_app.models import Strategy

COLUMN = "closed_at"
USUAL_DAYS = 30


def filters(now: datetime) -> list[Filter]:
    names = Strategy.objects.order_by("name").values_list("name", flat=True)
    accounts = ExchangeAccount.objects.order_by("name").values_list("name", flat=True)
    reasons = [one for one in CloseReason if one is not CloseReason.NEVER_OPENED]
    first_day = now.date() - timedelta(days=USUAL_DAYS - 1)
    return [
        Filter("strategy", "Strategy", [(name, name) for name in names]),
        Filter("symbol", "Symbol"),
        Filter("side", "Side", [(one.value, one.value.upper()) for one in PositionSide]),
        Filter("reason", "Exit", [(one.value, reason_in_words(one.value)) for one in reasons]),
        Filter("account", "Account", [(name, name) for name in accounts]),
        Filter("since", "Closed from", is_date=True, default=first_day.isoformat()),
        Filter("until", "To", is_date=True),
    ]


def narrowed(asked: Asked) -> QuerySet[Position]:
    rows = closed_positions().filter(**asked.during(COLUMN))
    if asked.value("strategy"):
        rows = rows.filter(strategy__name=asked.value("strategy"))
    if asked.value("symbol"):
        rows = rows.filter(instrument__exchange_symbol=plain_symbol(asked.value("symbol")))
    if asked.value("side"):
        rows = rows.filter(position_side=asked.value("side"))
    if asked.value("reason"):
        rows = rows.filter(close_reason=asked.value("reason"))
    if asked.value("account"):
        rows = rows.filter(account__name=asked.value("account"))
    return rows


def in_words(asked: Asked) -> str:
    """What the totals are of."""
    named = [f"{one.label.lower()} {value}" for one, value in asked.fields if value and not one.is_date]
    since, until = asked.value("since"), asked.value("until")
    span = f"from {since}" if since else "from the first day"
    return ", ".join([f"closed {span} to {until or 'now'} (UTC)", *named])


def reason_in_words(reason: str) -> str:
    return formats.words(reason).lower()


def trade_row(one: Trade) -> dict[str, Any]:
    step = one.price_increment
    return {
        "position_id": one.position_id,
        "symbol": one.symbol,
        "base": one.symbol.split("/")[0],
        "quote": one.quote_currency,
        "side": one.position_side,
        "account": one.account,
        "strategy": one.strategy or formats.UNKNOWN,
        "quantity": formats.quantity(one.bought),
        "entry": formats.price(one.entry_price, step),
        "exit": formats.price(one.exit_price, step),
        "opened": formats.moment(one.opened_at),
        "closed_at": one.closed_at,
        "closed": f"{one.closed_at:%m-%d %H:%M}",
        "closed_exactly": formats.moment(one.closed_at),
        "duration": formats.age(one.duration),
        "result": _signed(one.result),
        "fees": formats.change(-one.fees),
        "other_fees": one.fees_in_other_coins,
        "funding": formats.change(one.funding),
        "r": formats.change(one.r_multiple),
        "reason": reason_in_words(one.close_reason),
    }


def _signed(value: Any) -> dict[str, str]:
    return {"text": formats.change(value), "arrow": formats.arrow(value), "tone": formats.tone(value)}


def figures_of(trades: list[Trade], since: datetime, until: datetime) -> dict[str, Any]:
    return figures_row(statistics(trades), held_within(trades, since, until))


def figures_row(figures: Statistics, held_share: Decimal | None = None) -> dict[str, Any]:
    """Statistics as texts; `held_share`: percent of the time looked at in which something was held."""
    return {
        "count": figures.count,
        "wins": figures.wins,
        "losses": figures.losses,
        "result": _signed(figures.result),
        "profit": _signed(figures.profit),
        "fees": formats.change(-figures.fees),
        "funding": formats.change(figures.funding),
        "win_rate": formats.percent(figures.win_rate),
        "profit_factor": formats.amount(figures.profit_factor),
        "expectancy": _signed(figures.expectancy),
        "drawdown": formats.change(-figures.max_drawdown),
        "sum_r": formats.change(figures.sum_r) if figures.with_r else formats.UNKNOWN,
        "average_r": formats.change(figures.average_r),
        "without_r": figures.count - figures.with_r,
        "exposure": formats.age(figures.exposure),
        "exposure_share": "" if held_share is None else formats.percent(held_share),
    }
