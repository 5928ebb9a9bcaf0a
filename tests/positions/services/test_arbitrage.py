"""Two sweeps see the same spread; a leg that nobody closes is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from threading import Barrier

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from exchanges.paper.matching import Engine
from exchanges.types import FundingRate, PositionSide
from positions.arbitrage import Market, Markets, Quote
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from positions.arbitrage_quotes import places_of
from positions.invariants import no_leg_stands_alone
from positions.models import Order, Position
from positions.services import arbitrage
from positions.services.instruments import refresh_instruments
from positions.services.opening import PositionRefused, create_position, open_position
from positions.services.proposals import Proposal
from positions.sizing import Skip
from signals_app.models import Strategy, StrategyKind
from signals_app.reasons import ReasonCode
from tests.builders import a_position, a_strategy, a_ticker, an_account, trades_on
from tests.signals_app.test_intake import a_trader, frame, receive
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


def told(pair: ArbitragePair, *bids: int) -> Markets:
    """What both accounts of the pair, as it is now, say."""
    first, second = (a_market(place, bid) for place, bid in zip(places_of(pair), bids, strict=True))
    return first, second


def a_market(place: tuple[int, str], bid: int) -> Market:
    now = timezone.now()
    rate = FundingRate(D(0), now + timedelta(hours=1), timedelta(hours=8))
    return Market(place, f"at {bid}", D("0.05"), Quote(D(bid), D(bid) + D("0.1"), now), rate)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_that_see_one_spread_open_one_pair(pair: ArbitragePair) -> None:
    together = Barrier(2)

    def work(_: int) -> ArbitrageTrade | None:
        try:
            together.wait(30)
            return arbitrage.open_trade(pair.pk, told(pair, 97_000, 97_490))
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
    cheap, dear = told(pair, 97_000, 97_490)
    assert arbitrage.open_trade(pair.pk, (cheap, replace(dear, quote=old))) is None
    assert not ArbitrageTrade.objects.exists()


@pytest.mark.django_db
def test_what_was_changed_while_prices_were_asked_for_opens_nothing(pair: ArbitragePair) -> None:
    quotes = told(pair, 97_000, 97_490)
    first, second = pair.first_account, pair.second_account
    for changed in ({"symbol": "ETH/USDT:USDT"}, {"first_account": second, "second_account": first}):
        ArbitragePair.objects.update(**changed)
        assert arbitrage.open_trade(pair.pk, quotes) is None
        pair.save()
    for changed in ({"kind": StrategyKind.SIGNAL}, {"enabled": False}, {"allow_open": False}):
        Strategy.objects.update(**changed)
        assert arbitrage.open_trade(pair.pk, quotes) is None
        pair.strategy.save()
    assert not ArbitrageTrade.objects.exists()
    opened = arbitrage.open_trade(pair.pk, quotes)
    assert opened is not None
    assert opened.status == "opening"


@pytest.mark.django_db
def test_a_pair_that_has_traded_keeps_what_it_trades(pair: ArbitragePair) -> None:
    ArbitragePair.objects.update(symbol="ETH/USDT:USDT")
    ArbitragePair.objects.update(symbol=pair.symbol)
    assert arbitrage.open_trade(pair.pk, told(pair, 97_000, 97_490)) is not None
    ArbitragePair.objects.update(enabled=False, entry_percent=D("0.5"))
    swapped = {"first_account": pair.second_account, "second_account": pair.first_account}
    other = {"strategy": a_strategy(pair.first_account)}
    for change in ({"symbol": "ETH/USDT:USDT"}, swapped, other):
        with pytest.raises(IntegrityError, match="has traded: it keeps"), transaction.atomic():
            ArbitragePair.objects.update(**change)


@pytest.mark.django_db
def test_a_closing_signal_of_another_strategy_leaves_a_leg_to_its_pair(pair: ArbitragePair) -> None:
    trade = arbitrage.open_trade(pair.pk, told(pair, 97_000, 97_490))
    assert trade is not None
    Position.objects.update(status="open", quantity=D("0.01"), opened_at=timezone.now())
    a_ticker("BTCUSDT")
    a_trader(pair.first_account)
    verdict = receive(frame("EXIT"))
    assert [(one.status, one.reason_code) for one in verdict.entries] == [
        ("skipped", ReasonCode.NOTHING_TO_CLOSE)
    ]
    assert trade.long_position is not None
    trade.long_position.refresh_from_db()
    assert trade.long_position.close_reason == ""


@pytest.mark.django_db
def test_one_leg_alone_is_opened_by_nobody(pair: ArbitragePair) -> None:
    """Neither by a plain dict nor by a signal that was routed before the strategy's kind was changed."""
    order = {
        "symbol": "BTCUSDT",
        "action": "buy",
        "entry_price": "97000",
        "strategy": pair.strategy.name,
        "id": 1,
    }
    with pytest.raises(PositionRefused, match="kind is arbitrage, and only signal may open this"):
        create_position(order | {"account": pair.first_account.name})
    proposal = Proposal(pair.strategy_id, pair.first_account_id, "BTCUSDT", PositionSide.LONG, D(97_000))
    refusal = open_position(proposal)
    assert isinstance(refusal, Skip)
    assert refusal.code is ReasonCode.STRATEGY_KIND
    assert not Position.objects.exists()


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
