from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.utils import timezone

from exchanges.models import (
    AccountBalance,
    AccountWatch,
    ExchangeAccount,
    FlatRun,
    Instrument,
    StateChange,
    TradingState,
)
from positions.models import Fill, FundingPayment, InvariantCheck, Order, Position, RiskEvent
from positions.services.halting import halt
from tests.builders import (
    a_balance,
    a_fill,
    a_position,
    a_trailing_stop,
    an_account,
    an_instrument,
    an_order,
)
from tests.people import a_person

pytestmark = pytest.mark.django_db
READ_ONLY = [
    StateChange,
    FlatRun,
    Instrument,
    Position,
    Order,
    Fill,
    RiskEvent,
    FundingPayment,
    InvariantCheck,
]


def url(model, page, *args):
    from django.urls import reverse

    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def account():
    return an_account(name="main", api_key="the-key-123", api_secret="the-secret-456")


def form_of(account, **values):
    return {
        "name": account.name,
        "venue": "binance",
        "api_key": "",
        "api_secret": "",
        "position_mode": account.position_mode,
        "margin_mode": account.margin_mode,
        "max_open_positions": "10",
        "max_exposure": "30000",
        "unknown_positions": "alarm",
        "adopted_stop_percent": "2",
        "balance-TOTAL_FORMS": "0",
        "balance-INITIAL_FORMS": "0",
    } | values


def test_secrets_are_never_shown(admin_client, account):
    for page in (url(ExchangeAccount, "changelist"), url(ExchangeAccount, "change", account.pk)):
        text = admin_client.get(page).content.decode()
        assert "the-key-123" not in text
        assert "the-secret-456" not in text


def test_a_page_opened_before_a_halt_does_not_end_it(admin_client, account):
    page = url(ExchangeAccount, "change", account.pk)
    assert 'name="trading_state"' not in admin_client.get(page).content.decode()
    halt(account.pk, "-2015 Invalid API-key")
    given = form_of(account, name="renamed") | {"trading_state": "active", "state_reason": "", "epoch": "0"}
    assert admin_client.post(page, given).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.trading_state, account.epoch) == ("renamed", TradingState.HALTED, 1)
    assert account.state_reason == "-2015 Invalid API-key"


def test_blank_secrets_keep_the_old_ones(admin_client, account):
    answer = admin_client.post(url(ExchangeAccount, "change", account.pk), form_of(account, name="renamed"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    account.refresh_from_db()
    assert (account.name, account.api_key, account.api_secret) == ("renamed", "the-key-123", "the-secret-456")


def test_a_typed_secret_replaces_only_itself(admin_client, account):
    admin_client.post(url(ExchangeAccount, "change", account.pk), form_of(account, api_secret="another"))
    account.refresh_from_db()
    assert (account.api_key, account.api_secret) == ("the-key-123", "another")


def test_a_refused_form_does_not_give_the_typed_secret_back(admin_client, account):
    form = form_of(account, api_secret="typed-just-now", max_exposure="-1x")
    answer = admin_client.post(url(ExchangeAccount, "change", account.pk), form)
    assert answer.status_code == 200
    assert "typed-just-now" not in answer.content.decode()


def test_a_new_account_takes_its_secrets(admin_client):
    form = form_of(ExchangeAccount(name="new"), api_key="k", api_secret="s")
    admin_client.post(url(ExchangeAccount, "add"), form)
    made = ExchangeAccount.objects.get(name="new")
    assert (made.api_key, made.api_secret) == ("k", "s")


@pytest.mark.parametrize(("action", "state"), [("halt", "halted"), ("reduce", "reducing")])
def test_accounts_are_stopped_from_their_list(admin_client, account, action, state):
    chosen = {"action": action, "_selected_action": [account.pk]}
    answer = admin_client.post(url(ExchangeAccount, "changelist"), chosen, follow=True)
    told = [str(one) for one in answer.context["messages"]]
    assert told == [f"main is now {state}."]
    change = StateChange.objects.get()
    assert (change.account, change.to_state, change.by) == (account, state, "admin")


@pytest.mark.parametrize(("action", "act"), [("resume", "resume"), ("close_everything", "flat")])
def test_what_needs_a_second_question_leads_to_it(admin_client, account, action, act):
    page, other = url(ExchangeAccount, "changelist"), an_account()
    one = admin_client.post(page, {"action": action, "_selected_action": [account.pk]})
    assert one.url == f"/switch/main/{act}/"
    both = {"action": action, "_selected_action": [account.pk, other.pk]}
    assert "One account at a time" in admin_client.post(page, both, follow=True).content.decode()
    assert not StateChange.objects.exists()


def test_who_may_only_look_at_accounts_cannot_stop_them(client, account):
    client.force_login(a_person("viewer"))
    client.post(url(ExchangeAccount, "changelist"), {"action": "halt", "_selected_action": [account.pk]})
    assert not StateChange.objects.exists()


def test_a_trader_stops_accounts_from_the_list_and_edits_none(client, account):
    client.force_login(a_person("trader"))
    client.post(url(ExchangeAccount, "changelist"), {"action": "halt", "_selected_action": [account.pk]})
    assert StateChange.objects.get().to_state == "halted"
    assert client.post(url(ExchangeAccount, "change", account.pk), form_of(account)).status_code == 403


def test_balances_are_shown_and_not_edited(admin_client, account):
    a_balance(account, equity="1234.5")
    assert "1,234.50" in admin_client.get(url(ExchangeAccount, "changelist")).content.decode()
    page = admin_client.get(url(ExchangeAccount, "change", account.pk)).content.decode()
    assert 'name="balance-0-equity"' not in page
    form = form_of(account) | {
        "balance-TOTAL_FORMS": "1",
        "balance-INITIAL_FORMS": "1",
        "balance-0-account": account.pk,
        "balance-0-equity": "9",
    }
    admin_client.post(url(ExchangeAccount, "change", account.pk), form)
    assert AccountBalance.objects.get(account=account).equity == 1234.5


@pytest.mark.parametrize("model", READ_ONLY)
def test_records_cannot_be_added_changed_or_deleted(admin_client, rf, admin_user, model):
    request = rf.get("/")
    request.user = admin_user
    page = admin.site.get_model_admin(model)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert page.get_actions(request) == {}
    assert admin_client.get(url(model, "add")).status_code == 403


def test_every_list_and_every_record_opens(admin_client):
    position = a_position()
    a_trailing_stop(position)
    order = an_order(position)
    rows = [position, order, a_fill(order), position.instrument, position.account]
    rows.append(RiskEvent.objects.create(event_type="close_refused", risk_level="high", details={"a": "<b>"}))
    for row in rows:
        assert admin_client.get(url(type(row), "changelist"), {"q": "1"}).status_code == 200
        assert admin_client.get(url(type(row), "change", row.pk)).status_code == 200


def test_records_refuse_a_post(admin_client):
    position = a_position()
    assert admin_client.post(url(Position, "change", position.pk), {"status": "closed"}).status_code == 403
    assert admin_client.post(url(Position, "delete", position.pk), {"post": "yes"}).status_code == 403
    assert Position.objects.get().status == "open"


def test_closing_is_offered_for_what_can_be_closed_and_leads_to_the_question(admin_client):
    live, ended = a_position("BTC"), a_position("ETH", status="closed")
    listed = admin_client.get(url(Position, "changelist")).content.decode()
    assert f'href="/positions/{live.pk}/close/"' in listed
    assert f"/positions/{ended.pk}/close/" not in listed
    for position, offered in ((live, True), (ended, False)):
        page = admin_client.get(url(Position, "change", position.pk)).content.decode()
        assert ("Close at market…" in page) is offered
    assert admin_client.get(f"/positions/{live.pk}/close/").status_code == 200


def test_an_account_is_never_deleted_from_here(admin_client, account):
    assert admin_client.post(url(ExchangeAccount, "delete", account.pk), {"post": "yes"}).status_code == 403


def test_a_lost_field_key_does_not_take_the_list_away(admin_client, account, settings):
    from cryptography.fernet import Fernet

    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    assert admin_client.get(url(ExchangeAccount, "changelist")).status_code == 200


def test_instruments_are_found_by_their_venue_id(admin_client):
    an_instrument("SOL")
    page = admin_client.get(url(Instrument, "changelist"), {"q": "SOLUSDT"}).content.decode()
    assert "SOL/USDT:USDT" in page


def test_a_deposit_is_accepted_with_one_action(admin_client, account):
    balance = a_balance(account)
    watch = AccountWatch.objects.create(
        account=account,
        baseline_at=balance.reported_at,
        wallet_differs_since=balance.reported_at,
        wallet_differing=7,
    )
    chosen = {"action": "accept_wallet", "_selected_action": [watch.pk]}
    assert admin_client.post(url(AccountWatch, "changelist"), chosen).status_code == 302
    watch.refresh_from_db()
    assert (watch.baseline_at, watch.wallet_differs_since) == (None, None)
    assert RiskEvent.objects.get().details["was"] == "7.00000000"


def test_an_old_verdict_is_shown_as_unknown(admin_client):
    InvariantCheck.objects.create(name="one", is_true=True, checked_at=timezone.now() - timedelta(hours=1))
    InvariantCheck.objects.create(name="two", is_true=True, checked_at=timezone.now())
    page = admin_client.get(url(InvariantCheck, "changelist")).content.decode()
    assert (page.count("icon-unknown"), page.count("icon-yes")) == (1, 1)


def test_health_is_for_staff_and_says_what_is_true(admin_client, client, account):
    InvariantCheck.objects.create(name="one", is_true=False, findings=["position 7 has no stop"])
    told = admin_client.get("/health/").json()
    assert told["invariants"][0]["findings"] == ["position 7 has no stop"]
    assert told["synchroniser"]["accounts"]["main"]["last_success"] is None
    assert told["invariants"][0]["is_true"] is None  # nobody asked lately
    assert told["synchroniser"]["differences_open"] is None
    assert told["orphan_trailing_states"] == {"count": 0, "warning": False}
    assert client.get("/health/").status_code == 302


def test_the_page_of_a_record_shows_numbers_as_the_contract_has_them(admin_client):
    position = a_position()
    an_order(position, purpose="protect", trigger_price="96000")
    page = admin_client.get(f"/admin/positions/position/{position.pk}/change/").content.decode()
    assert ("97,250.4" in page, "97250.4000" in page, "96,000.0" in page) == (True, False, True)
    assert "Realized PnL" in page


@pytest.mark.parametrize("query", ["status__exact=nonsense", "side__exact=nonsense", "status__exact="])
def test_an_address_with_a_word_that_no_order_has_leads_back_to_the_list(admin_client, query):
    assert admin_client.get(f"{url(Order, 'changelist')}?{query}").status_code in (200, 302)
