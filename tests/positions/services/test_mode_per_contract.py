"""Bybit keeps a position mode for each contract: one that differs ends entries, never the exits of another."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D

import pytest

from exchanges import session
from exchanges.errors import Refused
from exchanges.models import ExchangeAccount, Instrument
from exchanges.paper.inprocess import FRONTS
from exchanges.paper.inprocess_bybit import InProcessBybitClient
from exchanges.paper.matching import Engine
from exchanges.types import PositionMode
from positions.lifecycle import CloseReason
from positions.models import Position
from positions.services import lookups, position_modes, preparing
from positions.services.closing import request_close
from positions.services.instruments import refresh_instruments
from positions.services.opening import open_position
from positions.services.reconciliation import reconcile_account
from positions.sizing import Skip
from signals_app.reasons import ReasonCode
from tests.builders import a_strategy, an_account
from tests.conftest import BYBIT_ADDRESS
from tests.positions.services.conftest import Desk

BTC, ETH, GONE = "BTC/USDT:USDT", "ETH/USDT:USDT", "GONE/USDT:USDT"


class Modes(InProcessBybitClient):
    """Every contract is in hedge mode, but for these; nobody knows a contract that is gone."""

    one_way: frozenset[str] = frozenset()

    async def position_mode(self, symbol: str) -> PositionMode:
        if symbol == GONE:
            raise Refused("symbol invalid", code="10001")
        return PositionMode.ONE_WAY if symbol in self.one_way else PositionMode.HEDGE


@pytest.fixture
def desk(db: None, engine: Engine, bybit_engine: Engine) -> Iterator[Desk]:
    preparing.forget()
    session.close_all()
    FRONTS[BYBIT_ADDRESS] = lambda made: Modes(made.engine, made.account, made._now)
    made = Desk(bybit_engine, a_strategy(an_account(venue="bybit"), notional=D(1000)))
    session.call(made.account, lambda client: client.balance())  # the first question opens it
    bybit_engine.set_dual_side(made.paper_name, True)
    refresh_instruments()
    yield made
    session.close_all()
    del FRONTS[BYBIT_ADDRESS]
    Modes.one_way = frozenset()
    preparing.forget()


def held(desk: Desk) -> Position:
    position = desk.open()
    lookups.resolve(desk.submit(position, "entry").pk)
    position.refresh_from_db()
    assert position.status == "open"
    return position


def goes_one_way(desk: Desk, *symbols: str) -> None:
    """A person changed it there; an entry finds out."""
    entry = desk.open("ETHUSDT")
    Modes.one_way = frozenset(symbols)
    preparing.forget()
    assert desk.submit(entry, "entry").status == "rejected"
    assert desk.account.told_mode_symbol == ETH


def test_no_contract_is_opened_while_one_differs(desk: Desk) -> None:
    goes_one_way(desk, ETH)
    refused = open_position(desk.propose("BTCUSDT"))
    assert isinstance(refused, Skip)
    assert refused.code is ReasonCode.POSITION_MODE
    assert ETH in refused.reason


def test_the_stop_of_another_contract_leaves(desk: Desk) -> None:
    position = held(desk)
    goes_one_way(desk, ETH)
    assert desk.stop(position).status == "accepted"


def test_the_close_of_another_contract_leaves(desk: Desk) -> None:
    position = held(desk)
    goes_one_way(desk, ETH)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    lookups.resolve(desk.submit(position, "close").pk)
    assert desk.held() == 0


def test_an_exit_of_a_contract_that_differs_itself_waits_and_names_it(desk: Desk) -> None:
    position = held(desk)
    goes_one_way(desk, ETH, BTC)
    request_close(position.pk, reason=CloseReason.MANUAL, requested_by="test")
    order = desk.submit(position, "close")
    assert order.status == "initialized"
    assert f"one-way mode for {BTC}" in order.reason
    assert desk.held() > 0


def differs_where_nothing_is_traded(desk: Desk) -> None:
    reconcile_account(desk.account.pk)
    ExchangeAccount.objects.update(told_position_mode="one_way", told_mode_symbol=GONE)
    Instrument.objects.filter(symbol=ETH).update(symbol=GONE, active=False)
    preparing.forget()


def test_a_contract_that_is_traded_no_longer_is_forgotten(desk: Desk) -> None:
    differs_where_nothing_is_traded(desk)
    reconcile_account(desk.account.pk)
    assert position_modes.objection(desk.account) is None


def test_it_is_forgotten_for_another_one_that_differs_as_well(desk: Desk) -> None:
    differs_where_nothing_is_traded(desk)
    Modes.one_way = frozenset(Instrument.objects.values_list("symbol", flat=True))
    reconcile_account(desk.account.pk)
    account = desk.account
    assert account.told_position_mode == "one_way"
    assert Instrument.objects.get(symbol=account.told_mode_symbol).active
    Modes.one_way = frozenset()
    reconcile_account(account.pk)
    assert position_modes.objection(desk.account) is None
