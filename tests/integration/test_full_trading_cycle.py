"""The whole way, as one story, over real sockets, queues, processes and databases."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path

import pytest
from django.db.models import Sum

from positions.models import Fill, Order, Position
from tests.integration.stack import UNIFIED, Trader
from tests.ops.waiting import until
from tests.sampling import sample
from trailing.models import TrailingStop


@pytest.mark.parametrize("trader", ["binance", "bybit"], indirect=True)
def test_full_trading_cycle(trader: Trader) -> None:
    trader.set_price(100_000)

    # a signal arrives and is answered with its verdict
    verdict = trader.send("GO LONG", signal_id="alert-7")
    assert (verdict["status"], verdict["id"]) == ("new", "alert-7")
    position = trader.position_of(verdict)
    assert position.signal_id == "alert-7"

    # a worker sends the entry; the fill opens the position; the stop goes to the exchange
    until(lambda: trader.stops(position, "accepted"), "the stop to be confirmed")
    position.refresh_from_db()
    assert (position.status, position.quantity) == ("open", D("0.01"))
    [ours] = trader.ask(lambda client: client.positions())
    assert (ours.symbol, ours.position_side, ours.quantity) == (UNIFIED, "long", D("0.01"))
    [stop] = trader.ask(lambda client: client.open_orders())
    [first] = trader.stops(position)
    assert (stop.client_order_id, stop.trigger_price) == (first.client_order_id, first.trigger_price)
    assert first.trigger_price == D("98000.0"), "2 % below the fill, rounded away from the market"

    # profit: trailing begins and the stop moves up; the new one stands before the old one goes
    trader.set_price(103_000)
    until(
        lambda: len(trader.stops(position, "accepted")) == 1 and len(trader.stops(position)) >= 2,
        "a better stop",
    )
    until(lambda: trader.stops(position)[0].status == "canceled", "the old stop to go")
    second = trader.stops(position, "accepted")[0]
    assert second.trigger_price == D(103_000) * D("0.995")
    assert TrailingStop.objects.get(position=position).state == "active"
    log = [line for line in trader.stack.requests() if line["api_key"] == trader.key]
    placed = next(n for n, line in enumerate(log) if line["client_order_id"] == second.client_order_id)
    canceled = next(
        n for n, line in enumerate(log) if line["method"] == "DELETE" or line["path"].endswith("/cancel")
    )
    assert placed < canceled, "never without a stop"

    # the price falls through the stop: the exchange's own order closes the position
    trader.set_price(102_000)
    trader.wait_for(position, "closed")
    assert position.close_reason == "trailing_stop"
    assert not TrailingStop.objects.filter(position=position).exists()
    assert trader.ask(lambda client: client.positions()) == []
    assert trader.ask(lambda client: client.open_orders()) == []

    # the books: executions sum to nothing held, and the wallet moved by profit less fees
    until(lambda: Fill.objects.filter(position=position).count() == 2, "both executions")
    position.refresh_from_db()
    sums = Fill.objects.filter(position=position).aggregate(pnl=Sum("realized_pnl"), fees=Sum("fee"))
    wallet = trader.ask(lambda client: client.balance()).wallet_balance
    assert wallet - trader.start_balance == sums["pnl"] - sums["fees"]
    assert (position.realized_pnl, position.fees) == (sums["pnl"], sums["fees"])
    assert position.realized_pnl > 0

    # every order the exchange saw was signed and has a row, and none came twice
    seen = trader.order_requests()
    names = [line["client_order_id"] for line in seen]
    assert sorted(names) == sorted(
        Order.objects.filter(position=position).values_list("client_order_id", flat=True)
    )
    assert {line["signature"] for line in seen} == {"valid"}


@pytest.mark.parametrize(
    ("given", "stored"),
    sample(
        [
            ({"signal_id": "websocket_test_123"}, "websocket_test_123"),
            ({"signal_id": 7}, "7"),
            ({"signal_id": "0190f1a6-0000-7000-8000-000000000001"}, "0190f1a6-0000-7000-8000-000000000001"),
            ({}, None),
        ],
        4,
    ),
)
def test_any_signal_id_is_stored_as_text_on_position_and_trade(
    trader: Trader, given: dict, stored: str | None
) -> None:
    position = trader.open(**given)
    assert position.signal_id == stored
    until(lambda: Fill.objects.filter(position=position).exists(), "the execution")
    assert Fill.objects.get(position=position).signal_id == stored


def test_without_an_exchange_nothing_opens(trader: Trader, tmp_path: Path) -> None:
    """The other tests pass only because a real exchange answers: this one takes it away."""
    trader.stack.paper.hook("faults", method="POST", path="/fapi/v1/order", kind="close_before", times=1000)
    try:
        position = trader.position_of(trader.send("GO LONG"))
        order = Order.objects.get(position=position)
        until(
            lambda: Order.objects.filter(pk=order.pk, status="submitted").exists(), "the request to be tried"
        )
        assert Position.objects.get(pk=position.pk).status == "opening"
        assert trader.ask(lambda client: client.positions()) == []
        assert trader.order_requests() == []
    finally:
        trader.stack.paper.clear_faults()
