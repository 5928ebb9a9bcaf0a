"""The list of orders, as we asked and as the exchange answered. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from exchanges.models import KEYS_OF_ACCOUNT, ExchangeAccount
from positions import formats
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.lists.filters import Asked, Filter
from positions.lists.signal_list import plain_symbol
from positions.live_rows import order_row
from positions.models import Order

COLUMN = "created_at"
A_MILLISECOND = timedelta(milliseconds=1)


def filters() -> list[Filter]:
    accounts = ExchangeAccount.objects.order_by("name").values_list("name", flat=True)
    return [
        Filter("symbol", "Symbol"),
        Filter("status", "Status", [(one.value, formats.words(one.value)) for one in OrderStatus]),
        Filter("purpose", "For", [(one.value, formats.words(one.value)) for one in OrderPurpose]),
        Filter("account", "Account", [(name, name) for name in accounts]),
        Filter("id", "Id"),
        Filter("since", "From", is_date=True),
        Filter("until", "To", is_date=True),
    ]


def narrowed(asked: Asked) -> QuerySet[Order]:
    rows = Order.objects.filter(**asked.during(COLUMN))
    if asked.value("symbol"):
        rows = rows.filter(symbol=plain_symbol(asked.value("symbol")))
    if asked.value("status"):
        rows = rows.filter(status=asked.value("status"))
    if asked.value("purpose"):
        rows = rows.filter(purpose=asked.value("purpose"))
    if asked.value("account"):
        rows = rows.filter(account__name=asked.value("account"))
    if asked.value("id"):
        rows = rows.filter(Q(client_order_id=asked.value("id")) | Q(exchange_order_id=asked.value("id")))
    return rows


def with_positions(rows: QuerySet[Order]) -> QuerySet[Order]:
    return rows.select_related("position__instrument", "account").defer(*KEYS_OF_ACCOUNT)


def row_of(order: Order, now: datetime) -> dict[str, Any]:
    step = order.position.instrument.price_increment
    return order_row(order, now) | {
        "account": order.account.name,
        "exchange_order_id": order.exchange_order_id,
        "purpose": formats.words(order.purpose),
        "type": formats.words(order.order_type),
        "side": order.side,
        "trigger": formats.price(order.trigger_price, step) if order.trigger_price else "",
        "limit": formats.price(order.price, step) if order.price else "",
        "average": formats.price(order.average_price, step) if order.average_price else "",
        "filled": formats.quantity(order.filled_quantity),
        "latency": _latency(order),
    }


def _latency(order: Order) -> str:
    """From the moment a worker took it up to the exchange's first answer."""
    if order.submitted_at is None or order.answered_at is None or order.answered_at < order.submitted_at:
        return formats.UNKNOWN
    return formats.quantity(Decimal(round((order.answered_at - order.submitted_at) / A_MILLISECOND)))
