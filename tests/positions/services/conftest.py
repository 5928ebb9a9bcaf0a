from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.conf import settings

from exchanges.models import ExchangeAccount, Instrument
from exchanges.paper.book import PaperTrade
from exchanges.paper.inprocess_clients import client_at
from exchanges.paper.matching import Engine
from exchanges.types import PositionSide
from positions.models import Order, Position
from positions.services import orders
from positions.services.instruments import refresh_instruments
from positions.services.opening import Opened, open_position
from positions.services.proposals import Proposal
from positions.services.reports import apply_fill
from signals_app.models import Strategy
from tests.builders import a_strategy, account_of, an_account

D = Decimal


class Desk:
    """A strategy on a paper account, and the few acts that the stories are made of."""

    def __init__(self, engine: Engine, strategy: Strategy) -> None:
        self.engine, self.strategy = engine, strategy

    @property
    def account(self) -> ExchangeAccount:
        return account_of(self.strategy)

    @property
    def paper_name(self) -> str:
        return f"paper-{self.account.pk}-{self.account.name}"

    def propose(
        self, symbol: str = "BTCUSDT", side: PositionSide = PositionSide.LONG, **values: object
    ) -> Proposal:
        return Proposal(self.strategy.pk, self.account.pk, symbol, side, self.engine.prices[symbol], **values)  # type: ignore[arg-type]

    def open(self, symbol: str = "BTCUSDT", side: PositionSide = PositionSide.LONG) -> Position:
        outcome = open_position(self.propose(symbol, side))
        assert isinstance(outcome, Opened), outcome
        return Position.objects.get(pk=outcome.position_id)

    def filled(self, symbol: str = "BTCUSDT", side: PositionSide = PositionSide.LONG) -> Position:
        position = self.open(symbol, side)
        self.submit(position, "entry")
        position.refresh_from_db()
        return position

    def order(self, position: Position, purpose: str) -> Order:
        return Order.objects.filter(position=position, purpose=purpose).order_by("-generation").first()

    def submit(self, position: Position, purpose: str) -> Order:
        order = self.order(position, purpose)
        orders.submit(order.pk)
        order.refresh_from_db()
        return order

    def stop(self, position: Position, percent_away: int = 2) -> Order:
        price = self.engine.prices[position.instrument.exchange_symbol]
        away = price * percent_away / 100
        trigger = price - away if position.position_side == "long" else price + away
        step = position.instrument.price_increment
        assert orders.request_stop(position.pk, trigger_price=trigger // step * step)
        return self.submit(position, "protect")

    def tell(self, trade: PaperTrade) -> None:
        """As the private stream does."""
        told = client_at(settings.PAPER_EXCHANGE_URL, self.paper_name, self.account.venue)._fill(trade)
        apply_fill(self.account.pk, replace(told, client_order_id=trade.client_order_id))

    def held(self) -> Decimal:
        return sum((abs(p.amount) for p in self.engine.positions(self.paper_name)), D(0))


@pytest.fixture
def desk(db, engine: Engine) -> Desk:
    made = Desk(engine, a_strategy(an_account(), notional=D(1000)))
    refresh_instruments()
    assert Instrument.objects.count() == len(engine.rules)
    return made
