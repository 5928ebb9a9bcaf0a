"""The list of orders: what it says and how it is narrowed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.utils import timezone

from positions.lifecycle import OrderPurpose, OrderStatus
from tests.builders import (
    a_position,
    an_account,
    an_order,
)
from tests.positions.lists.looking import client_of, text_of

pytestmark = pytest.mark.django_db


def test_an_order_is_told_with_its_ids_figures_and_latency(viewer: Client) -> None:
    now = timezone.now()
    order = an_order(
        status=OrderStatus.REJECTED, reason="Margin is insufficient (-2019)", exchange_order_id="8389765",
        submitted_at=now, answered_at=now + timedelta(milliseconds=1042), filled_quantity=D("0.003"),
    )  # fmt: skip
    stop = an_order(order.position, purpose=OrderPurpose.PROTECT, trigger_price=D("96000"))
    page = text_of(viewer, "/orders/")
    for told in (
        order.client_order_id, "8389765", "BTC/USDT", "buy market", "sell stop market", "0.008", "0.003", "rejected",
        "Margin is insufficient (-2019)", "1,042", "96,000.0", stop.client_order_id, order.account.name,
    ):  # fmt: skip
        assert told in page


@pytest.mark.parametrize(
    "query",
    [
        {"status": "rejected"},
        {"purpose": "entry"},
        {"id": "8389765"},
        {"symbol": "btc/usdt"},
        {"account": "mine"},
    ],
)
def test_orders_are_narrowed_by_what_the_address_says(viewer: Client, query: dict) -> None:
    mine = an_order(
        a_position(account=an_account(name="mine")), status=OrderStatus.REJECTED, exchange_order_id="8389765"
    )
    other = an_order(a_position("ETH"), purpose=OrderPurpose.CLOSE)
    page = text_of(viewer, "/orders/", **query)
    assert mine.client_order_id in page
    assert f">{other.client_order_id}<" not in page


def test_a_working_order_is_canceled_from_here_by_who_may(viewer: Client) -> None:
    order = an_order(purpose=OrderPurpose.TAKE_PROFIT, order_type="limit", price=D("99000"))
    link = f'href="/orders/{order.pk}/cancel/"'
    assert link not in text_of(viewer, "/orders/")
    assert link in text_of(client_of("trader"), "/orders/")
