"""What the limits count: of live positions, in money, whatever state they are in."""

from __future__ import annotations

from decimal import Decimal as D
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from exchanges.models import ExchangeAccount
from positions.book import held_in, live_positions
from positions.models import Position
from signals_app.models import Strategy
from tests.builders import a_position, a_strategy, a_trailing_stop, an_account, an_instrument

pytestmark = pytest.mark.django_db


def held_by(account: ExchangeAccount, symbol: str = "", side: str = "") -> Any:
    return held_in(live_positions().filter(account=account), symbol, side)


def a_holding(account: ExchangeAccount, base: str = "BTC", **values: Any) -> Position:
    """Ten at 100, asked for with a notional of 900; leverage 5."""
    usual = {"quantity": D(10), "average_entry_price": D(100), "reference_price": D(100),
             "planned_notional": D(900), "planned_risk": D(30)}  # fmt: skip
    return a_position(base, account=account, **usual | values)


def test_nothing_held_is_nothing() -> None:
    held = held_by(an_account())
    assert (held.positions, held.exposure, held.margin, held.margin_on_symbol, held.risk) == (0, 0, 0, 0, 0)


def test_the_larger_of_plan_and_holding_counts() -> None:
    account = an_account()
    a_holding(account)
    assert (held_by(account).exposure, held_by(account).margin) == (1000, 200)
    a_holding(account, "ETH", planned_notional=D(1500))
    assert (held_by(account).exposure, held_by(account).margin) == (2500, 500)


def test_symbols_and_sides_are_counted_apart() -> None:
    account = an_account()
    a_holding(account)
    a_holding(account, position_side="short")
    a_holding(account, "ETH")
    held = held_by(account, "BTCUSDT", "long")
    assert (held.positions, held.on_symbol, held.on_side, held.margin_on_symbol) == (3, 2, 2, 400)
    assert held_by(account).margin_on_symbol == 400  # of the symbol with most


def test_what_is_closed_or_of_another_account_does_not_count() -> None:
    account = an_account()
    a_position(account=account, status="closed")
    a_holding(an_account(), "ETH")
    assert held_by(account).positions == 0


@pytest.mark.parametrize(
    ("side", "stop", "risk"), [("long", 97, 30), ("long", 104, 0), ("short", 103, 30), ("short", 96, 0)]
)
def test_risk_is_what_the_stop_would_lose_and_never_less_than_nothing(
    side: str, stop: int, risk: int
) -> None:
    account = an_account()
    a_trailing_stop(a_holding(account, position_side=side, planned_risk=D(999)), stop_price=D(stop))
    assert held_by(account).risk == risk


def test_risk_counts_contracts_by_their_size() -> None:
    account = an_account()
    tenth = an_instrument("ETH", contract_size=D("0.1"))
    a_trailing_stop(a_holding(account, instrument=tenth), stop_price=D(97))
    assert held_by(account).risk == 3


def test_until_a_stop_is_known_the_planned_risk_counts() -> None:
    account = an_account()
    a_holding(account)
    a_trailing_stop(
        a_holding(account, "ETH", status="opening", quantity=D(1), planned_risk=D(25)), stop_price=D(99)
    )
    assert held_by(account).risk == 55


def test_who_was_allowed_no_position_goes_on_opening_none() -> None:
    """0 once meant none, and now means no limit."""
    account, other = an_account(max_open_positions=0), an_account()
    strategy = a_strategy(other, max_open_positions=0)
    for app in ("exchanges", "signals_app"):
        migration = next(name for name in _migrations(app) if name.endswith("zero_opened_nothing"))
        import_module(f"{app}.migrations.{migration}").keep_closed(apps, None)
    states = dict(ExchangeAccount.objects.values_list("pk", "trading_state"))
    assert states == {account.pk: "reducing", other.pk: "active"}
    assert not Strategy.objects.get(pk=strategy.pk).allow_open


def _migrations(app: str) -> list[str]:
    return [name for label, name in MigrationLoader(connection).disk_migrations if label == app]
