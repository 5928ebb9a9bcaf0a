"""A signal against an open position, with the stop on a real exchange and every process of ours killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from exchanges.marks import latest_mark
from positions.models import Position
from tests.integration.stack import SYMBOL, Stack, Trader
from tests.ops.waiting import until
from trailing.models import TrailingStop


@pytest.fixture
def trader(transactional_db, stack: Stack) -> Iterator[Trader]:
    made = Trader(stack, opposite_signal="protect")
    yield made
    made.lines.close()


def mark_is(price: object) -> bool:
    return latest_mark("binance", SYMBOL, timezone.now()) == price


def moved(trader: Trader, position: Position, percent: str) -> None:
    step = position.instrument.price_increment
    price = (position.average_entry_price * (100 + int(percent)) / 100 // step) * step
    trader.set_price(price)
    until(lambda: mark_is(price), "the price to be heard")


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_a_stop_that_a_signal_moved_to_the_entry_outlives_us_and_closes_there(
    trader: Trader, beat: None
) -> None:
    position = trader.open()
    moved(trader, position, "1")
    (entry,) = trader.send("GO SHORT")["entries"]
    assert (entry["status"], entry["position_id"]) == ("protected", position.pk)

    at_entry = TrailingStop.objects.get(position=position).stop_price
    assert at_entry is not None
    assert 0 <= position.average_entry_price - at_entry < position.instrument.price_increment
    until(
        lambda: [one for one in trader.stops(position, "accepted") if one.trigger_price == at_entry],
        "the stop",
    )
    with trader.stack.ours_gone():
        pass
    trader.set_price(at_entry - 10)
    trader.wait_for(position, "closed")
    assert position.close_reason == "breakeven"
    assert not Position.objects.filter(position_side="short").exists()
