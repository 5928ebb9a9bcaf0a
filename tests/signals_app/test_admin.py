from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exchanges.marks import publish_prices
from exchanges.types import PriceTick
from signals_app.models import SignalAttempt, SignalLog, SignalSender, Strategy, Wave
from signals_app.tokens import token_hash
from tests.builders import (
    a_log_entry,
    a_position,
    a_signal_log,
    a_strategy,
    a_ticker,
    a_trailing_stop,
    a_wave,
    an_account,
)
from trailing.models import TrailingStop
from trailing.plan import read_plan

pytestmark = pytest.mark.django_db
SENDER = {"name": "charts", "rate_per_minute": "600", "burst": "100", "replay_window_seconds": "300"}
READ_ONLY = [SignalLog, SignalAttempt, TrailingStop, Wave]

ENTRY_LIMITS = {
    "cooldown_after_close": "0", "cooldown_after_loss": "60", "cooldown_between_entries": "0",
    "open_interest_unknown": "refuse", "hour_volume_unknown": "refuse", "move_unknown": "pass",
    "spread_unknown": "refuse", "slippage_unknown": "refuse", "confidence_unknown": "pass",
    "min_confidence": "40", "max_signal_age": "0", "max_move_percent": "4",
}  # fmt: skip


def url(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


def test_a_token_is_shown_once_and_only_its_hash_is_kept(owner: Client) -> None:
    answer = owner.post(url(SignalSender, "add"), SENDER | {"enabled": "on"}, follow=True)
    (token,) = re.findall(r"new-token\">([\w-]{43})<", answer.content.decode())
    sender = SignalSender.objects.get()
    assert sender.token_hash == token_hash(token)
    assert token not in str(owner.cookies) + str(dict(owner.session)), "nor on its way"
    for page in (url(SignalSender, "changelist"), url(SignalSender, "change", sender.pk)):
        shown = owner.get(page).content.decode()
        assert token not in shown
        assert sender.token_hash not in shown


def test_changing_a_sender_keeps_its_token(owner: Client) -> None:
    sender = SignalSender.objects.create(name="charts", token_hash="a" * 64)
    page = url(SignalSender, "change", sender.pk)
    answer = owner.post(page, SENDER | {"token_hash": "b" * 64}, follow=True)
    assert "new-token" not in answer.content.decode()
    sender.refresh_from_db()
    assert (sender.token_hash, sender.enabled) == ("a" * 64, False)


def test_a_strategy_with_trades_or_verdicts_is_archived_not_deleted(owner: Client) -> None:
    traded, asked, unused = a_strategy(), a_strategy(), a_strategy()
    a_position(strategy=traded)
    a_log_entry(strategy=asked)
    for strategy in (traded, asked):
        assert owner.post(url(Strategy, "delete", strategy.pk), {"post": "yes"}).status_code == 403
    assert owner.post(url(Strategy, "delete", unused.pk), {"post": "yes"}).status_code == 302
    assert set(Strategy.objects.all()) == {traded, asked}


def test_deleting_many_spares_strategies_with_trades(owner: Client) -> None:
    traded = a_strategy()
    a_position(strategy=traded)
    chosen = {"action": "delete_selected", "_selected_action": [traded.pk], "post": "yes"}
    owner.post(url(Strategy, "changelist"), chosen)
    assert Strategy.objects.get() == traded


def a_form(**changes: object) -> dict[str, object]:
    values = {
        "name": "breakout",
        "enabled": "on",
        "allow_open": "on",
        "use_all_tickers": "on",
        "kind": "signal",
        "opposite_signal": "hedge",
        "sizing_mode": "fixed_notional",
        "notional": "250",
        "risk_percent": "1",
        "leverage": "3",
        "max_open_positions": "2",
        "equity_percent": "10",
        "risk_balance": "500",
        "risk_profile": "none",
        "protection": '{"stop_loss": {"type": "percent", "percent": 2}}',
        **ENTRY_LIMITS,
        "accounts-TOTAL_FORMS": "1",
        "accounts-INITIAL_FORMS": "0",
        "accounts-0-account": an_account().pk,
        "accounts-0-enabled": "on",
        "accounts-0-size_percent": "50",
        "phrases-TOTAL_FORMS": "1",
        "phrases-INITIAL_FORMS": "0",
        "phrases-0-phrase": "BREAKOUT UP",
        "phrases-0-direction": "long",
    }
    return values | changes


def test_a_strategy_and_its_phrases_are_made_on_one_page(owner: Client) -> None:
    form = a_form()
    answer = owner.post(url(Strategy, "add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    made = Strategy.objects.get(name="breakout")
    assert list(made.phrases.values_list("phrase", "direction")) == [("BREAKOUT UP", "long")]
    assert list(made.accounts.values_list("size_percent", "leverage", "enabled")) == [(50, None, True)]

    assert read_plan(made.protection).trailing is not None, "what is not said is the default"

    answer = owner.post(url(Strategy, "add"), form | {"name": "lost", "opposite_signal": "protect_reverse"})
    assert "goes by take-profit levels, and this plan has none" in answer.content.decode()

    body = '{"stop_loss": {"type": "percent", "percent": 200}}'
    answer = owner.post(url(Strategy, "add"), form | {"name": "wrong", "protection": body})
    assert "stop_loss &gt; percent &gt; percent: input should be less than 100" in answer.content.decode()


def errors_of(owner: Client, form: dict[str, object], **stop: object) -> list[str]:
    answer = owner.post(url(Strategy, "add"), form | {"protection": json.dumps({"stop_loss": stop})})
    return [] if answer.status_code == 302 else answer.context["adminform"].errors["protection"]


def test_a_stop_beyond_its_own_liquidation_is_refused_when_it_is_saved(owner: Client) -> None:
    form = a_form(leverage=10)
    too_far = ["stop_loss: the stop is 9.50 % away, but leverage 10 may be liquidated at 9.50 %"]
    assert errors_of(owner, form, type="percent", percent="9.5") == too_far
    assert errors_of(owner, form, type="return_on_margin", percent=95) == too_far
    assert errors_of(owner, form, type="atr", percent="9.5") == too_far
    assert errors_of(owner, form, type="percent", percent="9.4") == []


def test_a_distance_is_judged_by_the_prices_of_the_chosen_tickers(owner: Client) -> None:
    cheap, dear = a_ticker("DOGEUSDT"), a_ticker("BTCUSDT")
    unknown = a_ticker("ETHUSDT")
    form = a_form(tickers=[cheap.pk, dear.pk, unknown.pk])
    del form["use_all_tickers"]
    now = timezone.now()
    publish_prices("binance", [
        ("DOGEUSDT", PriceTick("DOGE/USDT:USDT", Decimal("0.1"), now)),
        ("BTCUSDT", PriceTick("BTC/USDT:USDT", Decimal(100_000), now)),
    ])  # fmt: skip
    assert errors_of(owner, form, type="distance", distance=1) == [
        "stop_loss: DOGEUSDT: the stop is 1000.00 % away, but leverage 3 may be liquidated at 32.83 %"
    ]
    assert errors_of(owner, form, type="distance", distance="0.01") == []


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_ledgers_are_read_only_even_for_the_owner(owner: Client, model: type) -> None:
    row = {
        SignalLog: lambda: a_log_entry().log,
        SignalAttempt: lambda: SignalAttempt.objects.create(
            uid="1" * 64, source="x", received_at=a_signal_log().received_at
        ),
        TrailingStop: a_trailing_stop,
        Wave: a_wave,
    }[model]()
    assert str(row)
    assert owner.get(url(model, "changelist")).status_code == 200
    assert owner.get(url(model, "add")).status_code == 403
    change = url(model, "change", row.pk)
    assert owner.get(change).status_code == 200
    assert owner.post(change, {}).status_code == 403
    assert owner.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_what_a_sender_wrote_is_shown_as_text(owner: Client) -> None:
    evil = "<script>alert(1)</script>"
    log = a_signal_log(message=evil, raw_message=evil, status="ignored", reason=evil)
    for page in (url(SignalLog, "changelist"), url(SignalLog, "change", log.pk)):
        shown = owner.get(page).content.decode()
        assert evil not in shown
        assert "&lt;script&gt;alert(1)" in shown


def test_rows_have_names_to_read() -> None:
    log = a_signal_log(symbol="BTCUSDT", message="TREND UP")
    assert str(log) == "BTCUSDT TREND UP"
    assert str(a_ticker("ETHUSDT")) == "ETHUSDT"
    assert str(a_strategy(name="trend")) == "trend"
    assert str(SignalSender(name="charts")) == "charts"
