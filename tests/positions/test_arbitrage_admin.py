"""What an owner may set up as a pair, and where the trades of pairs are read."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exchanges.models import ExchangeAccount, Instrument
from positions.arbitrage_models import ArbitragePair, ArbitrageTrade
from signals_app.models import Strategy, StrategyKind
from tests.builders import a_position, a_strategy, an_account, an_instrument, trades_on
from trailing.plan import ProtectionPlan

pytestmark = pytest.mark.django_db
STOP_ALONE = ProtectionPlan(trailing=None).as_json()
SYMBOL = "BTC/USDT:USDT"


@pytest.fixture
def accounts() -> tuple[ExchangeAccount, ExchangeAccount]:
    an_instrument("BTC", venue="binance")
    Instrument.objects.create(
        venue="bybit", exchange_symbol="BTCUSDT", symbol=SYMBOL, price_increment=D("0.1"), size_increment=D("0.001"),
        min_quantity=D("0.001"), min_notional=5, refreshed_at=timezone.now(),
    )  # fmt: skip
    return an_account(), an_account(venue="bybit")


@pytest.fixture
def strategy(accounts: tuple[ExchangeAccount, ExchangeAccount]) -> Strategy:
    made = a_strategy(accounts[0], kind=StrategyKind.ARBITRAGE, protection=STOP_ALONE)
    trades_on(made, accounts[1])
    return made


@pytest.fixture
def form(strategy: Strategy, accounts: tuple[ExchangeAccount, ExchangeAccount]) -> dict[str, Any]:
    return {
        "strategy": strategy.pk, "symbol": SYMBOL, "enabled": "on",
        "first_account": accounts[0].pk, "first_fee_percent": "0.05",
        "second_account": accounts[1].pk, "second_fee_percent": "0.055",
        "entry_percent": "0.2", "exit_percent": "0.02", "stop_loss_percent": "1",
        "expected_holding_minutes": "240", "max_holding_minutes": "1440", "max_quote_age_ms": "2000",
        "rest_seconds": "60",
    }  # fmt: skip


def errors_of(client: Client, form: dict[str, Any]) -> str:
    answer = client.post(reverse("admin:positions_arbitragepair_add"), form)
    assert not ArbitragePair.objects.exists()
    return " ".join(text for texts in answer.context["adminform"].errors.values() for text in texts)


def test_a_pair_is_set_up_on_one_page(admin_client: Client, form: dict[str, Any]) -> None:
    assert admin_client.post(reverse("admin:positions_arbitragepair_add"), form).status_code == 302
    assert ArbitragePair.objects.get().enabled
    page = admin_client.get(reverse("admin:positions_arbitragepair_changelist")).content.decode()
    assert SYMBOL in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exit_percent": "0.2"}, "exit threshold must be below the entry threshold"),
        ({"entry_percent": "0", "exit_percent": "-1"}, "above zero"),
        ({"max_holding_minutes": "200"}, "not above the longest"),
        ({"first_fee_percent": "2"}, "less than or equal to 1"),
        ({"symbol": "NO/SUCH:PAIR"}, "NO/SUCH:PAIR is not traded on bybit"),
    ],
)
def test_senseless_numbers_are_refused_with_a_sentence(
    admin_client: Client, form: dict[str, Any], change: dict[str, str], said: str
) -> None:
    assert said in errors_of(admin_client, form | change)


def test_one_account_is_no_pair(admin_client: Client, form: dict[str, Any]) -> None:
    both = form | {"second_account": form["first_account"]}
    assert "Both legs on one account are no arbitrage" in errors_of(admin_client, both)


def test_a_strategy_that_follows_signals_has_no_pairs(admin_client: Client, form: dict[str, Any]) -> None:
    Strategy.objects.update(kind=StrategyKind.SIGNAL)
    assert "its kind must be arbitrage" in errors_of(admin_client, form)


def test_a_plan_that_could_end_one_leg_for_its_profit_is_refused(
    admin_client: Client, form: dict[str, Any]
) -> None:
    Strategy.objects.update(protection=ProtectionPlan().as_json())
    assert "a stop loss alone, without trailing" in errors_of(admin_client, form)


def test_an_account_where_the_strategy_does_not_trade_is_refused(
    admin_client: Client, form: dict[str, Any]
) -> None:
    stranger = an_account(venue="bybit")
    assert "does not trade on" in errors_of(admin_client, form | {"second_account": stranger.pk})


def test_what_has_traded_keeps_its_contract_and_accounts_but_not_its_thresholds(
    admin_client: Client,
    form: dict[str, Any],
    strategy: Strategy,
    accounts: tuple[ExchangeAccount, ExchangeAccount],
) -> None:
    pair = ArbitragePair.objects.create(
        strategy=strategy, symbol=SYMBOL, first_account=accounts[0], second_account=accounts[1]
    )
    ArbitrageTrade.objects.create(
        pair=pair, status="failed", short_is_first=True, buy_at=1, sell_at=2, net_percent=1, cause="not_opened",
        reason="too small", ended_at=timezone.now(),
    )  # fmt: skip
    page = reverse("admin:positions_arbitragepair_change", args=[pair.pk])
    swapped = {"first_account": accounts[1].pk, "second_account": accounts[0].pk}
    answer = admin_client.post(page, form | swapped)
    assert answer.status_code == 200
    errors = answer.context["adminform"].errors
    assert {name for name, texts in errors.items() if "It has traded" in str(texts)} == set(swapped)
    assert admin_client.post(page, form | {"entry_percent": "0.7"}).status_code == 302
    pair.refresh_from_db()
    assert pair.entry_percent == D("0.7")


def test_a_trade_is_read_with_its_result_and_why(
    admin_client: Client, strategy: Strategy, accounts: tuple[ExchangeAccount, ExchangeAccount]
) -> None:
    pair = ArbitragePair.objects.create(
        strategy=strategy, symbol=SYMBOL, first_account=accounts[0], second_account=accounts[1]
    )
    ended = {"status": "closed", "realized_pnl": D("3.00"), "fees": D("0.50")}
    ArbitrageTrade.objects.create(
        pair=pair, status="closed", short_is_first=True, quantity=1, buy_at=1, sell_at=2, net_percent=1,
        opened_because="it was dear there", cause="converged", reason="they met", ended_at=timezone.now(),
        long_position=a_position(**ended), short_position=a_position(position_side="short", **ended),
    )  # fmt: skip
    page = admin_client.get(reverse("admin:positions_arbitragetrade_changelist")).content.decode()
    for text in ("+5.00", "it was dear there", "they met", "converged"):
        assert text in page
    assert admin_client.get(reverse("admin:positions_arbitragetrade_add")).status_code == 403
    ArbitragePair.objects.update(judgement="0.1 % net, below 0.2 %", judged_at=timezone.now())
    shown = admin_client.get(reverse("admin:positions_arbitragepair_change", args=[pair.pk])).content.decode()
    assert "0.1 % net, below 0.2 %" in shown
