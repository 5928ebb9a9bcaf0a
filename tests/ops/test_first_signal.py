"""The setup page's last step: what is still missing, and a command that a shell says as it stands."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from ops.desk import setting_up
from signals_app.models import SignalSender, Strategy, StrategySignal
from signals_app.strategy_needs import lacks
from tests.builders import a_signal_log, a_strategy, a_ticker, an_account

pytestmark = pytest.mark.django_db


def test_a_strategy_that_hears_nothing_says_what_it_needs():
    strategy = a_strategy(an_account())
    tick = setting_up.ticks()[3]
    assert not tick.is_done
    assert (
        tick.missing == f"{strategy} still needs a phrase to listen to: they are the last rows of its page."
    )
    assert tick.url.endswith(f"/strategy/{strategy.pk}/change/")
    strategy.accounts.all().delete()
    assert "an account to trade on and a phrase to listen to" in setting_up.ticks()[3].missing
    assert setting_up.ticks()[3].button == f"Go on with {strategy}"


def test_the_command_names_what_is_there_and_quotes_it():
    strategy = a_strategy(an_account())
    strategy.phrases.create(phrase="it's $UP", direction="long")
    a_ticker("ETHUSDT")
    SignalSender.objects.create(name="desk", token_hash="x")
    name, command = setting_up.first_signal("http://127.0.0.1:8123/webhook/")
    assert name == "desk"
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:8123/webhook/desk/"]
    assert "Authorization: Bearer THE-TOKEN" in words
    said = json.loads(re.sub(r"\$\(date [^)]*\)", "2026-03-01T12:00:00Z", words[-1]))
    assert said == {"symbol": "ETHUSDT", "message": "it's $UP", "bar_time": "2026-03-01T12:00:00Z"}


def test_a_sender_speaks_to_the_strategies_it_was_given():
    account = an_account()
    for phrase in ("HIS", "HERS"):
        a_strategy(account).phrases.create(phrase=phrase, direction="long")
    sender = SignalSender.objects.create(name="desk", token_hash="x")
    assert '"message": "HIS"' in setting_up.first_signal("")[1]
    hers = StrategySignal.objects.get(phrase="HERS").strategy
    sender.strategies.add(hers)
    assert '"message": "HERS"' in setting_up.first_signal("")[1]


def test_until_a_signal_came_the_admin_leads_back_to_the_steps(admin_client):
    page = admin_client.get("/admin/").content.decode()
    assert "Setting up: to the next step" in page
    a_signal_log()
    assert "Setting up: to the next step" not in admin_client.get("/admin/").content.decode()


def test_what_a_strategy_needs_is_asked_anew():
    account = an_account()
    bare = a_strategy(account)
    bare.accounts.all().delete()
    seen = Strategy.objects.prefetch_related("accounts").get(pk=bare.pk)
    assert lacks(seen) == "still needs an account to trade on and a phrase to listen to"
    bare.accounts.create(account=account)
    bare.phrases.create(phrase="UP", direction="long")
    assert lacks(seen) == ""


def test_a_sender_that_said_nothing_yet_is_led_to_its_command():
    assert setting_up.ticks()[4].button == "Add a sender"
    SignalSender.objects.create(name="desk", token_hash="x")
    tick = setting_up.ticks()[4]
    assert (tick.button, tick.url) == ("To the command", "#own-signal")
    assert "desk may speak" in tick.missing
