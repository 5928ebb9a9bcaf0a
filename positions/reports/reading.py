"""Closed positions and what was booked, as the reports want them. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from positions import formats
from positions.accounting import QUOTE_CURRENCIES
from positions.lifecycle import NEVER_STOOD, OrderPurpose, PositionStatus
from positions.models import Fill, Order, Position
from positions.reports.figures import ZERO, Trade

COLUMNS = (
    "pk", "account__name", "account__venue", "instrument__symbol", "instrument__price_increment", "strategy__name",
    "position_side", "unexplained_quantity", "average_entry_price", "average_exit_price", "opened_at", "closed_at",
    "close_reason", "realized_pnl", "fees", "funding",
)  # fmt: skip


def closed_positions() -> QuerySet[Position]:
    """Those that held something, newest first."""
    ended = Position.objects.filter(status=PositionStatus.CLOSED, opened_at__isnull=False)
    return ended.order_by("-closed_at", "-pk")


def trades_of(positions: QuerySet[Position]) -> list[Trade]:
    """In the order of the positions asked for. Four questions, however many there are."""
    rows = list(positions.values(*COLUMNS))
    ids = [row["pk"] for row in rows]
    bought, stops, others = _bought(ids), _first_stops(ids), _fees_in_other_coins(ids)
    return [_trade(row, bought.get(row["pk"], ZERO), stops.get(row["pk"]), others) for row in rows]


def _trade(
    row: dict[str, Any], bought: Decimal, first_stop: Decimal | None, others: dict[int, list[str]]
) -> Trade:
    return Trade(
        position_id=row["pk"],
        account=row["account__name"],
        venue=row["account__venue"],
        symbol=row["instrument__symbol"],
        strategy=row["strategy__name"] or "",
        position_side=row["position_side"],
        bought=bought + max(row["unexplained_quantity"], ZERO),
        entry_price=row["average_entry_price"],
        exit_price=row["average_exit_price"],
        first_stop=first_stop,
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        close_reason=row["close_reason"],
        profit=row["realized_pnl"],
        fees=row["fees"],
        funding=row["funding"],
        price_increment=row["instrument__price_increment"],
        fees_in_other_coins=", ".join(others.get(row["pk"], [])),
    )


def _bought(ids: Sequence[int]) -> dict[int, Decimal]:
    entries = Order.objects.filter(position__in=ids, purpose=OrderPurpose.ENTRY)
    return dict(entries.values_list("position_id").annotate(Sum("filled_quantity")).order_by())


def _first_stops(ids: Sequence[int]) -> dict[int, Decimal]:
    """The first that the exchange took."""
    stops = Order.objects.filter(position__in=ids, purpose=OrderPurpose.PROTECT, trigger_price__gt=0).exclude(
        status__in=list(NEVER_STOOD)
    )
    first = stops.order_by("position_id", "created_at", "pk").distinct("position_id")
    return dict(first.values_list("position_id", "trigger_price"))


def _fees_in_other_coins(ids: Sequence[int]) -> dict[int, list[str]]:
    fills = Fill.objects.filter(position__in=ids).exclude(fee_currency__in=QUOTE_CURRENCIES)
    found: dict[int, list[str]] = defaultdict(list)
    paid = fills.values_list("position_id", "fee_currency").annotate(Sum("fee"))
    for position_id, currency, fee in paid.order_by("position_id", "fee_currency"):
        if fee:
            found[position_id].append(f"{formats.quantity(fee)} {currency}")
    return found
