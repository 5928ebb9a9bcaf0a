"""Hedge mode holds two legs of a contract, one-way mode one position; the database knows which."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from exchanges.models import AccountWatch, ExchangeAccount
from exchanges.paper.matching import Engine
from exchanges.types import PositionMode, PositionSide
from positions.models import Order, Position
from positions.services.instruments import refresh_instruments
from positions.services.opening import Opened, open_position
from positions.sizing import Skip
from signals_app.reasons import ReasonCode
from tests.builders import a_position, a_strategy, an_account, an_order
from tests.positions.services.conftest import Desk

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


@pytest.fixture
def one_way(db: object, engine: Engine) -> Desk:
    made = Desk(engine, a_strategy(an_account(position_mode="one_way"), notional=Decimal(1000)))
    refresh_instruments()
    return made


@pytest.mark.parametrize(("side", "index"), [(LONG, 1), (SHORT, 2)])
def test_in_hedge_mode_position_and_order_carry_the_index_of_their_leg(
    desk: Desk, side: PositionSide, index: int
) -> None:
    position = desk.open(side=side)
    assert (position.position_idx, desk.order(position, "entry").position_idx) == (index, index)


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_in_one_way_mode_the_index_is_zero(one_way: Desk, side: PositionSide) -> None:
    position = one_way.open(side=side)
    assert (position.position_idx, one_way.order(position, "entry").position_idx) == (0, 0)


def test_hedge_mode_holds_both_legs(desk: Desk) -> None:
    assert {desk.open(side=LONG).position_idx, desk.open(side=SHORT).position_idx} == {1, 2}


@pytest.mark.parametrize("held", [LONG, SHORT])
def test_one_way_mode_refuses_the_other_side_while_a_position_lives(
    one_way: Desk, held: PositionSide
) -> None:
    one_way.open(side=held)
    refused = open_position(one_way.propose(side=held.opposite))
    assert isinstance(refused, Skip)
    assert refused.code is ReasonCode.ONE_WAY_MODE
    assert f"a {held} position in BTCUSDT is live" in refused.reason


def test_one_way_mode_takes_the_other_side_once_nothing_is_left(one_way: Desk) -> None:
    an_order(a_position(account=one_way.account, position_idx=0, status="closed"), status="accepted")
    waits = open_position(one_way.propose(side=SHORT))
    assert isinstance(waits, Skip)
    assert waits.code is ReasonCode.ONE_WAY_MODE
    Order.objects.update(status="canceled")
    assert isinstance(open_position(one_way.propose(side=SHORT)), Opened)


def test_one_way_mode_does_not_close_what_somebody_else_holds(one_way: Desk) -> None:
    """A short of ours would have bought off his long, and left our books with a position that nobody has."""
    told = {"BTC/USDT:USDT long 0.003": timezone.now().isoformat()}
    AccountWatch.objects.create(account=one_way.account, unknown_legs=told)
    refused = open_position(one_way.propose(side=SHORT))
    assert isinstance(refused, Skip)
    assert (refused.code, "somebody else is long" in refused.reason) == (ReasonCode.ONE_WAY_MODE, True)
    assert isinstance(open_position(one_way.propose("ETHUSDT", SHORT)), Opened)


def of_a_second_strategy(desk: Desk, leverage: int) -> Desk:
    return Desk(desk.engine, a_strategy(desk.account, notional=Decimal(1000), leverage=leverage))


def test_the_other_leg_does_not_change_the_leverage_of_what_is_held(desk: Desk) -> None:
    desk.strategy.leverage = 5
    desk.strategy.save()
    desk.filled(side=LONG)
    second = of_a_second_strategy(desk, 20)
    refused = open_position(second.propose(side=SHORT))
    assert isinstance(refused, Skip)
    assert refused.code is ReasonCode.OTHER_LEVERAGE
    assert "the long position in BTCUSDT has leverage 5 and this would set 20 for both" in refused.reason
    assert isinstance(open_position(second.propose("ETHUSDT", SHORT)), Opened)


def test_the_other_leg_opens_with_the_leverage_of_what_is_held(desk: Desk) -> None:
    a_position(account=desk.account, status="closed", leverage=desk.strategy.leverage + 1)
    desk.open(side=LONG)
    second = of_a_second_strategy(desk, desk.strategy.leverage)
    assert isinstance(open_position(second.propose(side=SHORT)), Opened)


def test_other_contracts_are_not_in_the_way(one_way: Desk) -> None:
    one_way.open("BTCUSDT", LONG)
    assert one_way.open("ETHUSDT", SHORT).position_idx == 0


def refused_by_postgres(name: str, act: object) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        act()  # type: ignore[operator]


@pytest.mark.django_db
class TestTheDatabase:
    def test_refuses_a_second_live_position_of_a_contract_in_one_way_mode(self) -> None:
        account = an_account(position_mode="one_way")
        a_position(account=account, position_idx=0)
        refused_by_postgres(
            "one_live_position_in_one_way_mode",
            lambda: a_position(account=account, position_side=SHORT, position_idx=0),
        )

    @pytest.mark.parametrize(("side", "index"), [(LONG, 2), (SHORT, 1)])
    def test_refuses_an_index_of_the_other_leg(self, side: PositionSide, index: int) -> None:
        refused_by_postgres(
            "position_idx_follows_side", lambda: a_position(position_side=side, position_idx=index)
        )

    @pytest.mark.parametrize(("mode", "index"), [("hedge", 0), ("one_way", 1)])
    def test_refuses_an_index_of_the_other_mode(self, mode: str, index: int) -> None:
        account = an_account(position_mode=mode)
        refused_by_postgres(
            "not one of the position mode", lambda: a_position(account=account, position_idx=index)
        )

    def test_keeps_the_mode_while_a_position_lives(self) -> None:
        account = a_position().account
        refused_by_postgres("keeps its position mode", lambda: _switch(account))
        Position.objects.update(
            status="closed", closed_at=account.created_at, close_reason="manual", quantity=0
        )
        _switch(account)

    def test_keeps_the_mode_while_an_order_works(self) -> None:
        order = an_order(a_position(status="closed"), status="accepted")
        refused_by_postgres("keeps its position mode", lambda: _switch(order.account))
        Order.objects.update(status="canceled")
        _switch(order.account)

    def test_takes_any_other_change_of_such_an_account(self) -> None:
        account = a_position().account
        account.max_open_positions = 3
        account.save()
        assert ExchangeAccount.objects.get(pk=account.pk).max_open_positions == 3


def _switch(account: ExchangeAccount) -> None:
    account.position_mode = PositionMode.ONE_WAY
    account.save()


def test_a_new_account_begins_as_it_is_configured(db: object, settings: object) -> None:
    assert an_account().position_mode == "hedge"
    settings.TRADING_HEDGE_MODE = False  # type: ignore[attr-defined]
    assert an_account().position_mode == "one_way"
