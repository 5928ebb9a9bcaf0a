"""All of ours is away, and the exchange's own trailing takes the profit; we come back and book it under its name."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.db.models import Sum

from positions.lifecycle import DONE
from positions.models import Fill, Order, Position
from tests.integration.stack import START_SECONDS, Stack, Trader
from tests.ops.waiting import until
from tests.sampling import sample
from trailing.models import TrailingStop
from trailing.plan import read_plan

PLAN = {
    "stop_loss": {"type": "percent", "percent": 2},
    "trailing": {"type": "percent", "activation_percent": 1, "callback_percent": "0.5"},
    "backstop": {"callback_percent": "1.5"},
}
# prices while we are away: past the activation, to the best one, and back by the callback rate
RUNS = [
    ("GO LONG", ("101500", "103000", "101455.1", "101455"), (D("100000.1"), D("101454.9")), D("14.548")),
    ("GO SHORT", ("98500", "97000", "98454.9", "98455"), (D("99999.9"), D("98455.1")), D("15.448")),
]


@pytest.mark.parametrize(("phrase", "prices", "entry_and_exit", "profit"), sample(RUNS, 2))
def test_the_exchange_trails_while_we_are_away(
    complete: Stack, phrase: str, prices: tuple[str, ...], entry_and_exit: tuple[D, D], profit: D
) -> None:
    trader = Trader(complete, protection=read_plan(PLAN).as_json())
    trader.set_price(100_000)
    position = trader.open(phrase)
    until(lambda: backstop_of(position, "accepted"), "the backstop", START_SECONDS)
    assert {order.order_type for order in working(position)} == {"stop_market", "trailing_stop_market"}
    assert len(trader.ask(lambda client: client.open_orders())) == 2

    with complete.ours_gone():
        for price in prices[:-1]:
            trader.set_price(price)
        assert len(trader.ask(lambda client: client.positions())) == 1, "not yet"
        trader.set_price(prices[-1])
        assert trader.ask(lambda client: client.positions()) == []
        assert Position.objects.get(pk=position.pk).status == "open", "nobody of ours knows"

    until(lambda: Position.objects.get(pk=position.pk).status == "closed", "the close", START_SECONDS)
    until(lambda: Fill.objects.filter(position=position).count() == 2, "both executions", START_SECONDS)
    position.refresh_from_db()
    assert (position.close_reason, position.realized_pnl) == ("exchange_trailing", profit)
    assert (position.average_entry_price, position.average_exit_price) == entry_and_exit
    assert Fill.objects.get(order__purpose="backstop").position == position
    until(lambda: not working(position), "the stop to be taken back", START_SECONDS)
    assert trader.ask(lambda client: client.open_orders()) == []
    assert not TrailingStop.objects.filter(position=position).exists()
    assert moved_wallet(trader) == booked(position)
    trader.lines.close()


def backstop_of(position: Position, status: str) -> Order | None:
    return Order.objects.filter(position=position, purpose="backstop", status=status).first()


def working(position: Position) -> list[Order]:
    return list(Order.objects.filter(position=position).exclude(status__in=DONE))


def moved_wallet(trader: Trader) -> D:
    return trader.ask(lambda client: client.balance()).wallet_balance - trader.start_balance


def booked(position: Position) -> D:
    sums = Fill.objects.filter(position=position).aggregate(pnl=Sum("realized_pnl"), fees=Sum("fee"))
    return sums["pnl"] - sums["fees"]
