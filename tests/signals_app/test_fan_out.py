"""One signal on several accounts: each opens, refuses or fails for itself."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from exchanges.models import ExchangeAccount, Instrument, TradingState
from positions.models import Order, Position
from positions.services import halting
from positions.services.opening import PositionRefused, create_position
from signals_app.models import SignalLogEntry, Strategy
from signals_app.registry import load
from signals_app.sender_rules import SenderRule
from signals_app.services.intake import receive_signal
from tests.builders import a_balance, a_position, an_account, trades_on
from tests.signals_app.test_intake import a_trader, arrival, frame, receive

D = Decimal


@pytest.fixture
def second(account: ExchangeAccount) -> ExchangeAccount:
    return an_account()


@pytest.fixture
def strategy(account: ExchangeAccount, second: ExchangeAccount) -> Strategy:
    """On two accounts, the second with half the size and a leverage of its own."""
    made = a_trader(account)
    trades_on(made, second, size_percent=50, leverage=3)
    return made


def verdicts() -> dict[int | None, tuple[str, str]]:
    rows = SignalLogEntry.objects.values_list("account_id", "status", "reason_code")
    return {account_id: (status, code) for account_id, status, code in rows}


def opened(account: ExchangeAccount) -> Position:
    return Position.objects.get(account=account)


def test_each_account_opens_by_its_own_settings(account, second, strategy) -> None:
    receive(frame())
    assert verdicts() == {account.pk: ("opened", ""), second.pk: ("opened", "")}
    whole, half = opened(account), opened(second)
    assert (whole.leverage, half.leverage) == (strategy.leverage, 3)
    assert half.planned_notional == pytest.approx(whole.planned_notional / 2, rel=D("0.1"))
    assert {order.account_id for order in Order.objects.filter(purpose="entry")} == {account.pk, second.pk}


def test_a_repeat_does_nothing_on_any_account(account, strategy) -> None:
    raw = frame()
    receive(raw)
    assert receive(raw).entries == ()
    assert Position.objects.count() == SignalLogEntry.objects.count() == 2


def test_the_limit_of_one_account_is_not_the_others(account, second, strategy) -> None:
    a_position("ETH", account=second, strategy=strategy)
    strategy.accounts.filter(account=second).update(max_open_positions=1)
    receive(frame())
    (here, there) = (verdicts()[one.pk] for one in (account, second))
    assert (here[0], there[0]) == ("opened", "skipped")
    assert not Position.objects.filter(account=second, instrument__exchange_symbol="BTCUSDT").exists()


def test_a_pause_between_entries_is_each_accounts_own(account, second, strategy) -> None:
    Strategy.objects.update(cooldown_between_entries=600)
    receive(frame())
    assert {status for status, _ in verdicts().values()} == {"opened"}


def stop(account: ExchangeAccount) -> None:
    halting.halt(account.pk, "its owner said so")


def break_the_rows_of(account: ExchangeAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '23514'; END $$;"
            "CREATE TRIGGER fail BEFORE INSERT ON orders FOR EACH ROW"
            f" WHEN (NEW.account_id = {account.pk}) EXECUTE FUNCTION fail()"
        )


def want_a_percentage_of_what_nobody_knows(account: ExchangeAccount) -> None:
    """The first account has told its balance, this one has not."""
    first = ExchangeAccount.objects.exclude(pk=account.pk).get()
    a_balance(first)
    Strategy.objects.update(sizing_mode="risk_percent")


def leave_the_venue(account: ExchangeAccount) -> None:
    """It has none of the contracts."""
    ExchangeAccount.objects.filter(pk=account.pk).update(venue="bybit")
    assert not Instrument.objects.filter(venue="bybit").exists()


def switch_off(account: ExchangeAccount) -> None:
    account.strategies.update(enabled=False)


@pytest.mark.parametrize(
    ("happen", "status", "says"),
    [
        (stop, "skipped", "its owner said so"),
        (break_the_rows_of, "failed", "IntegrityError"),
        (want_a_percentage_of_what_nobody_knows, "skipped", "equity of the account is not known"),
        (leave_the_venue, "skipped", "BTCUSDT is not traded on bybit"),
        (switch_off, "skipped", "strategy is switched off on this account"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_wrong_with_one_account_leaves_the_other(
    account, second, strategy, happen, status, says, is_first
) -> None:
    wrong, good = (account, second) if is_first else (second, account)
    happen(wrong)
    receive(frame())
    entry = SignalLogEntry.objects.get(account=wrong)
    assert entry.status == status
    assert says in entry.note
    assert verdicts()[good.pk] == ("opened", "")
    assert [one.account_id for one in Position.objects.all()] == [good.pk]


def test_a_closing_phrase_closes_the_leg_on_each_account(account, second, strategy) -> None:
    mine = a_position(account=account, strategy=strategy)
    receive(frame("EXIT"))
    mine.refresh_from_db()
    assert mine.status == "closing"
    assert verdicts() == {account.pk: ("closed", ""), second.pk: ("skipped", "nothing_to_close")}


def test_an_opposite_signal_is_judged_by_what_each_account_holds(account, second, strategy) -> None:
    Strategy.objects.update(opposite_signal="ignore")
    a_position(account=account, strategy=strategy)
    receive(frame("DOWN"))
    assert verdicts() == {account.pk: ("skipped", "opposite_open"), second.pk: ("opened", "")}
    assert opened(second).position_side == "short"


def test_a_sender_that_may_reaches_all_accounts_of_a_strategy_that_another_might_not(strategy) -> None:
    raw, tables = frame(), load()
    refused = receive_signal(arrival(raw, rule=SenderRule("other", strategies=frozenset({0}))), tables)
    assert {entry.reason_code for entry in refused.entries} == {"not_permitted"}
    receive_signal(arrival(raw), tables)
    assert {status for status, _ in verdicts().values()} == {"opened"}
    assert SignalLogEntry.objects.count() == 2


def test_a_strategy_without_an_account_says_so(account, strategy) -> None:
    strategy.accounts.all().delete()
    receive(frame())
    assert verdicts() == {None: ("skipped", "no_account")}


def test_an_account_that_was_taken_away_meanwhile(account, second, strategy) -> None:
    tables = load()
    strategy.accounts.filter(account=second).delete()
    receive(frame(), tables)
    assert verdicts() == {account.pk: ("opened", ""), second.pk: ("skipped", "account_changed")}


def test_a_plain_dict_names_the_account_where_there_are_several(account, second, strategy) -> None:
    wish = {"symbol": "BTC/USDT", "action": "long", "entry_price": 97000, "strategy": strategy.name}
    with pytest.raises(ValueError, match="several accounts: say on which"):
        create_position(wish)
    with pytest.raises(ValueError, match="no such account"):
        create_position(wish | {"account": "nobody"})
    made = create_position(wish | {"account": second.name})
    assert Position.objects.get().account == second
    assert Position.objects.get().pk == made
    with pytest.raises(PositionRefused, match="already live"):
        create_position(wish | {"account": second.name})


def test_accounts_that_are_stopped_are_named(account, second, strategy) -> None:
    halting.halt(account.pk, "a person")
    receive(frame())
    assert ExchangeAccount.objects.get(pk=account.pk).trading_state == TradingState.HALTED
    told = SignalLogEntry.objects.get(account=account)
    assert account.name in str(told.account)


def test_the_way_back_to_one_account_loses_none_without_a_word(account, second, strategy) -> None:
    migration = import_module("signals_app.migrations.0018_strategy_accounts")

    def go_back() -> None:
        migration.refuse_what_one_column_cannot_say(apps, None)

    receive(frame())
    for change in ({"size_percent": 100}, {"leverage": None}):
        with pytest.raises(ValueError, match="trend has not one plain account"):
            go_back()
        strategy.accounts.filter(account=second).update(**change)
    strategy.accounts.filter(account=account).delete()
    with pytest.raises(ValueError, match="verdicts of one strategy on several accounts"):
        go_back()
    SignalLogEntry.objects.filter(account=account).delete()
    go_back()
