"""Administrator and demo data: written once, the owner's from then on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from io import StringIO

import pytest
from django.conf import LazySettings
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from exchanges import session
from exchanges.models import ExchangeAccount, Instrument
from ops import demo, first_start
from signals_app.forecast_models import ForecastFeed
from signals_app.models import SignalSender, Strategy, StrategySignal, Ticker
from tests.builders import a_position, an_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def contracts() -> Iterator[None]:
    """As if the paper exchange had been asked: it is not up here, which only leaves a warning."""
    for symbol in ("BTC", "ETH"):
        Instrument.objects.create(
            venue="binance",
            symbol=f"{symbol}/USDT:USDT",
            exchange_symbol=f"{symbol}USDT",
            price_increment=Decimal("0.1"),
            size_increment=Decimal("0.001"),
            min_quantity=Decimal("0.001"),
            min_notional=Decimal(5),
            refreshed_at=datetime.now(UTC),
        )
    yield
    session.close_all()


def counts() -> list[int]:
    kinds = (get_user_model(), ExchangeAccount, Strategy, StrategySignal, SignalSender, Ticker)
    return [kind.objects.count() for kind in kinds]


def test_the_administrator_is_made_once_and_can_sign_in() -> None:
    admin = first_start.ensure_administrator()
    assert admin
    assert authenticate(username=admin.name, password=admin.password)
    assert admin.password not in repr(admin)
    assert first_start.ensure_administrator() is None


def test_what_is_held_for_real_is_not_traded_on_paper(settings: LazySettings) -> None:
    account = an_account(is_live_confirmed=True)
    a_position(account=account, status="closed")
    call_command("first_start", "--json")
    a_position(account=account)
    with pytest.raises(CommandError, match=f"open positions of {account.name}, confirmed for real orders"):
        call_command("first_start", "--json")
    settings.DRY_RUN = False
    call_command("first_start", "--json")


def test_a_name_that_is_taken_is_not_taken_over() -> None:
    get_user_model().objects.create_user("admin", password="mine")
    admin = first_start.ensure_administrator()
    assert admin
    assert admin.name.startswith("admin-")
    assert authenticate(username="admin", password="mine")


def test_twice_in_a_row_makes_no_doubles(contracts: None) -> None:
    first_start.ensure_administrator()
    first_start.seed_demo("token")
    once = counts()
    first_start.ensure_administrator()
    first_start.seed_demo("token")
    assert counts() == once
    assert once[1:3] == [2, len(demo.STRATEGIES)]
    trend = Strategy.objects.get(name="trend")
    assert set(trend.accounts.values_list("account__venue", flat=True)) == {"binance", "bybit"}
    assert list(Ticker.objects.values_list("symbol", flat=True)) == ["BTCUSDT", "ETHUSDT"]


def test_edits_and_deletions_of_the_owner_stay(contracts: None) -> None:
    first_start.seed_demo("token")
    Strategy.objects.filter(name="trend").update(notional=7, enabled=False)
    Strategy.objects.get(name="scalper").delete()
    StrategySignal.objects.filter(phrase="TREND UP").delete()
    Ticker.objects.get(symbol="ETHUSDT").delete()
    SignalSender.objects.update(enabled=False)
    first_start.seed_demo("token")
    assert Strategy.objects.values_list("notional", "enabled").get(name="trend") == (7, False)
    assert not Strategy.objects.filter(name="scalper").exists()
    assert not StrategySignal.objects.filter(phrase="TREND UP").exists()
    assert list(Ticker.objects.values_list("symbol", flat=True)) == ["BTCUSDT"]
    assert not SignalSender.objects.get().enabled


def test_forecasts_are_made_of_the_paper_account_and_become_no_signals(contracts: None) -> None:
    first_start.seed_demo("token")
    feed = ForecastFeed.objects.get()
    assert (feed.account.name, feed.enabled, feed.sends_signals, feed.sends_fallback) == (
        demo.ACCOUNT,
        True,
        False,
        False,
    )
    feed.delete()
    first_start.seed_demo("token")
    assert not ForecastFeed.objects.exists()


def test_a_new_token_lets_the_demo_sender_in_again(contracts: None) -> None:
    first_start.seed_demo("old")
    first_start.seed_demo("new")
    assert SignalSender.objects.get().token_hash == sha256(b"new").hexdigest()


def test_every_demo_strategy_is_valid(contracts: None) -> None:
    first_start.seed_demo("token")
    for strategy in Strategy.objects.all():
        strategy.full_clean()
    for phrase in StrategySignal.objects.all():
        phrase.full_clean()


def test_the_command_tells_the_launcher_who_the_administrator_is(contracts: None) -> None:
    said = StringIO()
    call_command("first_start", "--json", "--demo", stdout=said)
    assert json.loads(said.getvalue())["user"] == "admin"
    again = StringIO()
    call_command("first_start", "--json", "--demo", stdout=again)
    assert json.loads(again.getvalue()) == {}


def test_demo_data_are_not_for_real_money(settings: LazySettings) -> None:
    settings.DRY_RUN = False
    with pytest.raises(CommandError, match="Demo data is for dry-run"):
        call_command("first_start", "--demo")
    assert not ExchangeAccount.objects.exists()


def test_a_demo_without_contracts_says_where_to_look() -> None:
    with pytest.raises(CommandError, match="lists no contracts"):
        call_command("first_start", "--demo")
