"""Who looks at the list pages in tests, and a closed position whose figures are easy to reckon."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from html import unescape
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from positions.lifecycle import OrderPurpose, OrderStatus
from positions.models import Position
from tests.builders import a_position, an_order
from tests.people import a_person


def client_of(group: str) -> Client:
    client = Client()
    client.force_login(a_person(group))
    return client


def text_of(client: Client, path: str, **query: str) -> str:
    answer = client.get(f"{path}?{urlencode(query)}")
    assert answer.status_code == 200, answer
    return " ".join(unescape(answer.content.decode()).split())


def a_trade(profit: int, *, hours_ago: float = 1, **values) -> Position:
    """Bought 0.008 at 97250.4 with a stop 100 below it: 0.8 USDT were at risk."""
    closed = timezone.now() - timedelta(hours=hours_ago)
    position = a_position(
        status="closed", realized_pnl=D(profit), fees=D("0.50"), funding=D("0.10"), closed_at=closed,
        opened_at=closed - timedelta(hours=2), average_exit_price=D("98000.5"), **values,
    )  # fmt: skip
    an_order(position, status=OrderStatus.FILLED)
    an_order(position, purpose=OrderPurpose.PROTECT, trigger_price=D("97150.4"), status=OrderStatus.CANCELED)
    return position
