"""What breaks on the way, with the real parts: nothing doubled, nothing lost, nothing bare."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from exchanges.types import OrderRequest, OrderType, PositionSide, Side
from positions.lifecycle import CloseReason
from positions.models import Order, Position
from positions.services.closing import request_close
from positions.services.orders import HINT_GRACE
from signals_app.models import SignalAttempt, SignalLog
from tests.integration.stack import START_SECONDS, UNIFIED, Trader
from tests.ops.waiting import until
from tests.trailing.processes import take_hints


def test_an_answer_that_got_lost_does_not_buy_twice(trader: Trader) -> None:
    trader.stack.paper.hook("faults", method="POST", path="/fapi/v1/order", kind="close_after", times=1)
    position = trader.position_of(trader.send("GO LONG"))
    trader.wait_for(position, "open")
    assert len([line for line in trader.order_requests() if line["path"] == "/fapi/v1/order"]) == 1
    [held] = trader.ask(lambda client: client.positions())
    assert held.quantity == position.planned_quantity
    until(lambda: trader.stops(position, "accepted"), "the stop")


def test_a_request_that_never_arrived_is_not_repeated_blindly(trader: Trader) -> None:
    trader.stack.paper.hook("faults", method="POST", path="/fapi/v1/order", kind="close_before", times=1)
    position = trader.position_of(trader.send("GO LONG"))
    order = Order.objects.get(position=position)
    until(trader.was_hung_up_on, "the try")
    Order.objects.filter(pk=order.pk).update(updated_at=order.created_at - timedelta(seconds=10))
    trader.run("positions.tasks.submit_due")
    trader.run("positions.tasks.resolve_unknown")
    until(lambda: trader.looked_up(order), "the question by our id")
    assert trader.order_requests() == []
    order.refresh_from_db()
    assert (order.status, order.attempts) == ("submitted", 1)


def test_a_close_by_the_owner_goes_through_the_door(trader: Trader) -> None:
    position = trader.open()
    assert request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner") is not None
    trader.wait_for(position, "closed")
    assert (position.close_reason, position.close_requested_by) == ("manual", "owner")
    until(lambda: trader.ask(lambda client: client.open_orders()) == [], "the stop to be taken back")


@pytest.mark.soak
def test_a_closing_phrase_closes(trader: Trader) -> None:
    position = trader.open()
    verdict = trader.send("OUT LONG")
    assert verdict["entries"][0]["status"] == "closed"
    assert trader.wait_for(position, "closed").close_reason == "signal"


def test_a_position_sold_by_hand_is_settled_as_external(trader: Trader) -> None:
    position = trader.open()
    by_hand = OrderRequest(
        UNIFIED,
        Side.SELL,
        PositionSide.LONG,
        OrderType.MARKET,
        position.quantity,
        "by-hand-1",
        reduce_only=True,
    )
    trader.ask(lambda client: client.create_order(by_hand))
    assert trader.wait_for(position, "closed").close_reason == "external"
    until(lambda: trader.ask(lambda client: client.open_orders()) == [], "the stop to be taken back")


def test_a_stop_that_fires_while_the_stream_is_cut_is_found(trader: Trader) -> None:
    position = trader.open()
    trader.stack.paper.hook("streams/cut")
    trader.set_price(80_000)
    assert trader.wait_for(position, "closed").close_reason == "stop_loss"


def test_one_signal_over_two_sockets_trades_once(trader: Trader) -> None:
    frame = '{"symbol":"BTCUSDT","message":"GO LONG","bar_time":"2026-11-21T10:00:00Z","id":"a"}'
    other = trader.connect_again()
    try:
        trader.socket.send(frame)
        other.send(frame)
        statuses = sorted(trader_answer(line) for line in (trader.socket, other))
    finally:
        other.close()
    assert statuses == ["duplicate", "new"]
    assert (SignalLog.objects.count(), SignalAttempt.objects.count()) == (1, 1)
    until(lambda: Position.objects.filter(status="open").count() == 1, "the one position")


def trader_answer(line) -> str:
    return json.loads(line.recv(timeout=60))["status"]


def test_a_short_is_protected_above_and_trails_down(trader: Trader) -> None:
    trader.set_price(100_000)
    position = trader.open("GO SHORT")
    [first] = trader.stops(position)
    assert first.trigger_price > position.average_entry_price
    trader.set_price(97_000)
    until(
        lambda: any(o.trigger_price < first.trigger_price for o in trader.stops(position, "accepted")),
        "a lower stop",
    )
    trader.set_price(98_500)
    assert trader.wait_for(position, "closed").close_reason == "trailing_stop"
    assert position.realized_pnl > 0


def test_bad_frames_are_answered_and_logged_and_the_line_lives(trader: Trader) -> None:
    for frame in (
        "{",
        "[]",
        "NaN",
        '{"symbol":"BTCUSDT"}',
        "x" * 70_000,
        '{"symbol":1,"message":2,"bar_time":3}',
    ):
        verdict = trader.send_raw(frame)
        assert (verdict["status"], bool(verdict["reason"])) == ("ignored", True)
    assert trader.send("GO LONG", symbol="NOSUCHUSDT")["reason"] == "unknown ticker NOSUCHUSDT"
    assert SignalLog.objects.filter(status="ignored").count() == 7
    assert trader.send("GO LONG")["status"] == "new"


def test_a_worker_killed_while_the_exchange_answers_leaves_nothing_doubled(trader: Trader) -> None:
    trader.stack.paper.hook(
        "faults", method="POST", path="/fapi/v1/order", kind="delay_after", seconds=3, times=1
    )
    position = trader.position_of(trader.send("GO LONG"))
    until(lambda: trader.order_requests(), "the request to arrive")
    trader.stack.worker.kill()
    order = Order.objects.get(position=position)
    assert order.attempts == 1
    trader.stack.worker.start()
    trader.wait_for(position, "open")
    until(lambda: trader.stops(position, "accepted"), "the stop")
    entries = [line for line in trader.order_requests() if line["path"] == "/fapi/v1/order"]
    assert [line["params"]["newClientOrderId"] for line in entries] == [order.client_order_id]


def test_hints_that_died_with_a_worker_are_made_up_for_by_the_next_one(trader: Trader) -> None:
    """Without beat: a worker looks for what it missed when it starts."""
    position = trader.open()
    with trader.stack.worker.gone():
        request_close(position.pk, reason=CloseReason.MANUAL, requested_by="owner")
        assert [task for task, _ in take_hints("orders")] == ["positions.tasks.submit_order"]
        close = Order.objects.get(position=position, purpose="close")
        # younger than that, its hint may still be on the way, and the next sweep's it would be
        until(lambda: timezone.now() - close.created_at > HINT_GRACE, "the hint to be given up")
    until(lambda: Position.objects.get(pk=position.pk).status == "closed", "the close", START_SECONDS)
