"""What the exchange does of its own accord, in the engine: funding, liquidation, deleveraging."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from exchanges.paper.book import AccountEvent, OrderEvent, VenueRefusal
from exchanges.paper.matching import Engine
from tests.exchanges.paper.test_matching import NAME, make, order


def wallet(engine: Engine) -> D:
    return engine.account(NAME).wallet_balance


@pytest.mark.parametrize(("rate", "of_the_long"), [("0.0001", "-0.5"), ("-0.0001", "0.5"), ("0", "0")])
def test_longs_pay_shorts_when_the_rate_is_above_zero(rate: str, of_the_long: str) -> None:
    engine = make()
    order(engine)
    order(engine, side="SELL", position_side="SHORT", quantity=D("0.2"))
    before = wallet(engine)
    long, short = engine.charge_funding("BTCUSDT", D(rate), 9)
    assert (long.amount, short.amount) == (D(of_the_long), -2 * D(of_the_long))
    assert wallet(engine) == before + long.amount + short.amount
    assert (long.type, long.asset, long.time_ms) == ("FUNDING_FEE", "USDT", 9)


def test_each_charge_is_told_with_a_number_of_its_own() -> None:
    engine = make()
    order(engine)
    engine.drain_events()
    charged = [engine.charge_funding("BTCUSDT", D("0.0001"), n)[0] for n in range(3)]
    told = [event for event in engine.drain_events() if isinstance(event, AccountEvent)]
    assert [event.income for event in told] == charged
    assert {event.reason for event in told} == {"FUNDING_FEE"}
    assert told[-1].wallet_balance == wallet(engine)
    assert len({income.transaction_id for income in charged}) == 3


def test_only_an_isolated_position_is_told_with_its_funding() -> None:
    for margin_type, positions in (("CROSSED", 0), ("ISOLATED", 1)):
        engine = make()
        if margin_type == "ISOLATED":
            engine.set_margin_type(NAME, "BTCUSDT", margin_type)
        order(engine)
        engine.drain_events()
        engine.charge_funding("BTCUSDT", D("0.0001"), 9)
        (told,) = engine.drain_events()
        assert isinstance(told, AccountEvent)
        assert len(told.positions) == positions


def test_nobody_without_a_position_pays() -> None:
    engine = make()
    order(engine)
    order(engine, side="SELL")
    assert engine.charge_funding("BTCUSDT", D("0.01"), 9) == []
    with pytest.raises(VenueRefusal, match="-1121"):
        engine.charge_funding("NOPEUSDT", D("0.01"), 9)


def test_funding_can_take_the_last_margin() -> None:
    engine = make(balance=D(270))
    order(engine, quantity=D("0.1"))
    engine.charge_funding("BTCUSDT", D("0.05"), 9)
    assert engine.positions(NAME) == []


def test_what_moved_the_wallet_adds_up() -> None:
    engine = make()
    order(engine)
    engine.charge_funding("BTCUSDT", D("0.0001"), 9)
    engine.set_price("BTCUSDT", D(51_000), 10)
    order(engine, side="SELL", now_ms=11)
    incomes = engine.incomes(NAME)
    assert [income.type for income in incomes] == ["COMMISSION", "FUNDING_FEE", "REALIZED_PNL", "COMMISSION"]
    assert wallet(engine) == 10_000 + sum(income.amount for income in incomes)


@pytest.mark.parametrize("act", ["liquidate", "deleverage"])
def test_a_position_is_taken_by_force(act: str) -> None:
    engine = make()
    order(engine)
    order(engine, side="SELL", position_side="SHORT")
    engine.drain_events()
    taken = getattr(engine, act)(NAME, "BTCUSDT", "LONG", 9)
    assert (taken.status, taken.side, taken.executed) == ("FILLED", "SELL", D("0.1"))
    assert [held.position_side for held in engine.positions(NAME)] == ["SHORT"]
    told = [event for event in engine.drain_events() if isinstance(event, OrderEvent)]
    assert told[-1].execution == "CALCULATED"
    with pytest.raises(VenueRefusal, match="-2022"):
        getattr(engine, act)(NAME, "BTCUSDT", "LONG", 10)


def test_forced_orders_are_told_apart() -> None:
    engine = make()
    order(engine)
    adl = engine.deleverage(NAME, "BTCUSDT", "LONG", 8)
    order(engine)
    liquidation = engine.liquidate(NAME, "BTCUSDT", "LONG", 9)
    assert adl.client_order_id == "adl_autoclose"
    assert liquidation.client_order_id.startswith("autoclose-")
    assert engine.forced_orders(NAME, "ADL") == [adl]
    assert engine.forced_orders(NAME, "LIQUIDATION") == [liquidation]
    assert engine.forced_orders(NAME) == [adl, liquidation]
