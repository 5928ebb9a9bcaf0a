"""manage.py signal: a person's word goes the way of every sender's."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from exchanges.models import ExchangeAccount
from positions.models import Position
from signals_app.models import SignalLog
from tests.positions.test_switch_commands import run
from tests.signals_app.test_intake import a_trader, frame


def test_people_are_told_names_and_not_numbers(account: ExchangeAccount) -> None:
    strategy = a_trader(account)
    told = run("signal", "BTCUSDT", "long")[1]
    assert strategy.name in told
    assert account.name in told


def test_it_is_logged_judged_and_followed(account: ExchangeAccount) -> None:
    a_trader(account)
    status, told = run("signal", "BTCUSDT", "long", "--json")
    [answer] = json.loads(told)
    log, position = SignalLog.objects.get(), Position.objects.get()
    assert (status, answer["status"], answer["entries"][0]["position_id"]) == (0, "new", position.pk)
    assert (log.source.partition(":")[0], log.message, position.position_side) == ("command", "UP", "long")
    assert run("signal", "BTCUSDT", "close", "--strategy", "trend")[0] == 0
    assert Position.objects.get().status == "closed", "its entry had not been sent yet"


def test_what_opens_nothing_is_no_success_and_says_why(account: ExchangeAccount) -> None:
    a_trader(account, allow_open=False)
    status, told = run("signal", "BTCUSDT", "long")
    assert (status, "does not open positions now" in told, Position.objects.count()) == (1, True, 0)


def test_a_message_is_read_as_a_sender_sends_it(account: ExchangeAccount, monkeypatch) -> None:
    a_trader(account)
    monkeypatch.setattr("sys.stdin", io.StringIO(frame("DOWN")))
    assert (run("signal", "-")[0], Position.objects.get().position_side) == (0, "short")
    monkeypatch.setattr("sys.stdin", io.StringIO("no JSON"))
    status, told = run("signal", "-")
    assert (status, "not JSON" in told) == (1, True)


def test_where_strategies_say_it_differently_one_must_be_named(account: ExchangeAccount) -> None:
    a_trader(account)
    a_trader(account, name="other").phrases.filter(direction="long").update(phrase="BUY")
    with pytest.raises(CommandError, match="BUY, UP") as error:
        call_command("signal", "BTCUSDT", "long")
    assert (error.value.returncode, SignalLog.objects.count()) == (2, 0)
    assert run("signal", "BTCUSDT", "long", "--strategy", "other")[0] == 0
    assert Position.objects.get().strategy.name == "other"


@pytest.mark.parametrize(
    "words", [("BTCUSDT",), ("-", "long"), ("BTCUSDT", "long", "--strategy", "nobody"), ("BTCUSDT", "short")]
)
def test_what_cannot_be_meant_sends_nothing(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as error:
        call_command("signal", *words)
    assert (error.value.returncode, SignalLog.objects.count()) == (2, 0)
