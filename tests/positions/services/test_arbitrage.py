"""Two sweeps see the same spread; a leg that nobody closes is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from exchanges.paper.matching import Engine
from exchanges.types import FundingRate
from positions.arbitrage import Market, Quote
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.invariants import no_leg_stands_alone
from positions.models import Order, Position
from positions.services import arbitrage
from positions.services.instruments import refresh_instruments
from signals_app.models import StrategyKind
from tests.builders import a_position, a_strategy, an_account, trades_on
from trailing.plan import ProtectionPlan


@pytest.fixture
def pair(engine: Engine, bybit_engine: Engine) -> ArbitragePair:
    first, second = an_account(), an_account(venue="bybit")
    stop_alone = ProtectionPlan(trailing=None).as_json()
    strategy = a_strategy(first, kind=StrategyKind.ARBITRAGE, notional=D(1000), protection=stop_alone)
    trades_on(strategy, second)
    refresh_instruments()
    return ArbitragePair.objects.create(
        strategy=strategy, symbol="BTC/USDT:USDT", first_account=first, second_account=second, enabled=True
    )


def a_market(bid: int) -> Market:
    now = timezone.now()
    rate = FundingRate(D(0), now + timedelta(hours=1), timedelta(hours=8))
    return Market(f"at {bid}", D("0.05"), Quote(D(bid), D(bid) + D("0.1"), now), rate)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_that_see_one_spread_open_one_pair(pair: ArbitragePair) -> None:
    together = Barrier(2)

    def work(_: int) -> ArbitrageTrade | None:
        try:
            together.wait(30)
            return arbitrage.open_trade(pair.pk, (a_market(97_000), a_market(97_490)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        opened = [trade for trade in pool.map(work, range(2)) if trade is not None]
    assert len(opened) == ArbitrageTrade.objects.count() == 1
    assert (Position.objects.count(), Order.objects.filter(purpose="entry").count()) == (2, 2)


@pytest.mark.django_db
def test_quotes_that_aged_while_the_locks_were_waited_for_open_nothing(pair: ArbitragePair) -> None:
    ArbitragePair.objects.update(max_quote_age_ms=100)
    old = Quote(D(97_490), D(97_491), timezone.now() - timedelta(milliseconds=101))
    dear = Market("dear", D("0.05"), old, a_market(1).funding)
    assert arbitrage.open_trade(pair.pk, (a_market(97_000), dear)) is None
    assert not ArbitrageTrade.objects.exists()


@pytest.mark.django_db
def test_a_leg_that_is_left_alone_for_a_minute_is_an_alarm(pair: ArbitragePair) -> None:
    now = timezone.now()
    gone, held = a_position(status="closed"), a_position(position_side="short")
    trade = ArbitrageTrade.objects.create(
        pair=pair, status="unwinding", cause="leg_lost", reason="its stop", short_is_first=False, quantity=1,
        buy_at=1, sell_at=2, net_percent=1, long_position=gone, short_position=held,
    )  # fmt: skip
    assert list(no_leg_stands_alone(now)) == []
    said = f"arbitrage trade {trade.pk}: position {held.pk} still holds, its other leg is closed"
    assert list(no_leg_stands_alone(now + timedelta(seconds=61))) == [said]
