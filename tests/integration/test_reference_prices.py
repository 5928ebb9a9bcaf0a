"""Which price decides, through the whole stack: the exchange holds mark and last price apart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from positions.models import Position
from tests.integration.stack import SYMBOL, Trader
from tests.ops.waiting import until
from tests.sampling import sample
from trailing.engine import TrailingPhase
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan
from trailing.rules import PercentTrail

ENTRY = Decimal("97250")
SIGNS = {"GO LONG": 1, "GO SHORT": -1}
CASES = [("GO LONG", "last"), ("GO SHORT", "last"), ("GO LONG", "book"), ("GO SHORT", "book")]
TRAIL = PercentTrail(activation_percent=Decimal(1), callback_percent=Decimal("0.5"))


def at(signal: str, percent: str) -> Decimal:
    """The entry price, so many percent into profit."""
    return round(ENTRY * (1 + SIGNS[signal] * Decimal(percent) / 100), 1)


def prices_are(trader: Trader, mark: Decimal, last: Decimal) -> None:
    trader.stack.paper.hook("price", symbol=SYMBOL, price=str(mark), last=str(last))


def opened(trader: Trader, signal: str, reference: str) -> Position:
    plan = ProtectionPlan.model_validate({"trailing": TRAIL, "reference": reference})
    type(trader.strategy).objects.filter(pk=trader.strategy.pk).update(protection=plan.as_json())
    return trader.open(signal)


def is_trailing(position: Position) -> bool:
    return TrailingStop.objects.filter(pk=position.pk, state=TrailingPhase.ACTIVE).exists()


@pytest.mark.parametrize(("signal", "reference"), sample(CASES, 3))
def test_only_the_reference_moves_and_fires_a_stop(trader: Trader, signal: str, reference: str) -> None:
    position = opened(trader, signal, reference)
    [placed] = [line["params"] for line in trader.order_requests() if line["path"].endswith("algoOrder")]
    assert placed["workingType"] == "CONTRACT_PRICE"

    prices_are(trader, mark=at(signal, "-5"), last=at(signal, "2"))  # the mark price is far beyond the stop
    until(lambda: is_trailing(position), "the last price to start trailing")
    until(lambda: [stop.generation for stop in trader.stops(position, "accepted")] == [2], "the better stop")
    [stop] = trader.stops(position, "accepted")
    assert abs(stop.trigger_price - at(signal, "1.5")) < 20, "half a percent behind the last price"
    assert stop.trigger_by == "last"
    assert Position.objects.get(pk=position.pk).status == "open"

    prices_are(trader, mark=at(signal, "5"), last=at(signal, "1"))
    closed = trader.wait_for(position, "closed")
    assert closed.close_reason == "trailing_stop"
    assert closed.realized_pnl > 0


def test_a_last_price_beyond_the_stop_is_nothing_to_a_plan_by_mark_prices(trader: Trader) -> None:
    position = opened(trader, "GO LONG", "mark")
    prices_are(trader, mark=at("GO LONG", "2"), last=at("GO LONG", "-5"))
    until(lambda: is_trailing(position), "the mark price to start trailing")
    assert Position.objects.get(pk=position.pk).status == "open"
    prices_are(trader, mark=at("GO LONG", "1"), last=at("GO LONG", "5"))
    assert trader.wait_for(position, "closed").close_reason == "trailing_stop"
