"""A desk with one of everything, and callers with tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal as D
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from exchanges.paper.matching import Engine
from exchanges.types import OrderType
from ops.people.services import tokens
from ops.people.token_models import Scope
from positions.lifecycle import OrderPurpose
from positions.models import Order, Position
from positions.services import orders
from positions.services.instruments import refresh_instruments
from positions.services.placing import place_order
from positions.terms import Terms
from signals_app import registry
from tests.builders import a_balance, a_fill, a_log_entry, a_position, a_strategy, a_ticker, an_account
from tests.people import a_person
from tests.positions.services.conftest import Desk
from tradingbot.api import doors
from trailing import services as trailing

ROOT = "/api/v1"
BTC = "BTCUSDT"


@dataclass
class Caller:
    """A program with a token of somebody."""

    token: str
    client: Client = field(default_factory=Client)

    def headers(self, key: object = None) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return bearer | ({"Idempotency-Key": str(key)} if key else {})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(ROOT + path, query, headers=self.headers())

    def post(self, path: str, body: Any = None, key: object = "") -> Any:
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        return self.client.post(ROOT + path, headers=self.headers(uuid4() if key == "" else key), **sent)


def a_caller(group: str = "trader", scope: Scope = Scope.TRADE, name: str = "") -> Caller:
    return Caller(tokens.issue(a_person(group, name), "script", scope, 30)[1])


@pytest.fixture(autouse=True)
def fresh_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests asked for counts for nobody here."""
    monkeypatch.setattr(doors, "asked", doors.Buckets(clock=lambda: 0.0))


@pytest.fixture(autouse=True)
def tables_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The routing tables are read when asked for; no thread of theirs stays behind."""
    monkeypatch.setattr(registry.live, "current", registry.load)


@pytest.fixture
def desk(db: None, engine: Engine) -> Desk:
    """An account `main` with money on a paper exchange, and the strategy `first` that trades it."""
    account = an_account(name="main")
    a_balance(account)
    a_ticker()
    made = Desk(engine, a_strategy(account, name="first", notional=D(1000)))
    refresh_instruments()
    engine.set_price(BTC, D(100_000), 0)
    return made


@pytest.fixture
def held(desk: Desk) -> Position:
    """Open, with its stop on the exchange, and closed ones before it."""
    a_position("ETH", account=desk.account, status="closed")
    position = desk.filled()
    trailing.protect(position.pk)
    desk.submit(position, "protect")
    a_fill(desk.order(position, "entry"))
    a_log_entry(strategy=desk.strategy, position=position)
    position.refresh_from_db()
    return position


def a_target(position: Position) -> Order:
    """A resting order that a person may cancel."""
    terms = Terms(OrderType.LIMIT, price=D(120_000))
    made = place_order(position.pk, OrderPurpose.TAKE_PROFIT, D("0.001"), terms)
    orders.submit(made)
    return Order.objects.get(pk=made)
