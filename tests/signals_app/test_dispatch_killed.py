"""Processes die after accepting a signal, and in the middle of deciding one: nothing is lost or doubled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from exchanges.models import ExchangeAccount
from exchanges.paper.matching import Engine
from positions.models import Position
from positions.services.instruments import refresh_instruments
from signals_app.models import SignalLog, SignalLogEntry, SignalSender
from signals_app.registry import load
from signals_app.services.dispatch import dispatch_accepted
from tests.browser.server import _environment
from tests.builders import a_ticker, an_account
from tests.locks import waiting_for_a_lock
from tests.ops.waiting import until
from tests.signals_app.test_intake import a_trader, frame

SET_UP = """
import django, os, signal, sys
django.setup()
from datetime import UTC, datetime
from decimal import Decimal
from exchanges.marks import publish_prices
from exchanges.types import PriceTick
from signals_app.registry import load
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival
from signals_app.services.dispatch import dispatch_accepted
from signals_app.services.intake import accept
publish_prices("binance", [("BTCUSDT", PriceTick("BTC/USDT:USDT", Decimal(97000), datetime.now(UTC)))])
"""
ACCEPT_AND_DIE = """
verdict = accept(Arrival(sys.argv[1], "webhook:charts", datetime.now(UTC), SenderRule("charts")), load())
print(verdict.status, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
ACCEPT_AND_DISPATCH = """
accept(Arrival(sys.argv[1], "webhook:charts", datetime.now(UTC), SenderRule("charts")), load())
dispatch_accepted(10, load())
"""


@pytest.fixture
def account(transactional_db, engine: Engine) -> ExchangeAccount:
    made = an_account()
    refresh_instruments()
    a_ticker("BTCUSDT")
    a_trader(made)
    SignalSender.objects.create(name="charts", token_hash="1" * 64)
    return made


@contextmanager
def a_process(code: str, raw: str) -> Iterator[subprocess.Popen[str]]:
    environment = _environment() | {"DJANGO_SETTINGS_MODULE": "tradingbot.settings"}
    command = [sys.executable, "-c", SET_UP + code, raw]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_what_was_accepted_by_a_process_that_died_is_decided_by_the_next_one(account) -> None:
    with a_process(ACCEPT_AND_DIE, frame()) as process:
        answered, _ = process.communicate(timeout=60)
    assert (answered.strip(), process.returncode) == ("new", -9)
    assert (SignalLog.objects.get().dispatched_at, Position.objects.count()) == (None, 0)
    assert dispatch_accepted(10, load()) == 1
    assert SignalLogEntry.objects.get().status == "opened"
    assert dispatch_accepted(10, load()) == 0
    assert Position.objects.count() == 1


def test_a_process_that_dies_in_the_middle_of_a_decision_leaves_it_to_the_next_one(account) -> None:
    with a_process(ACCEPT_AND_DISPATCH, frame()) as process, transaction.atomic():
        ExchangeAccount.objects.select_for_update().get(pk=account.pk)
        until(waiting_for_a_lock, "the decision to wait for its account")
        assert dispatch_accepted(10, load()) == 0, "only one at a time"
        process.kill()
        process.wait(60)
    until(lambda: dispatch_accepted(10, load()) == 1, "the lock of the dead to be free")
    assert SignalLogEntry.objects.get().status == "opened"
    assert Position.objects.count() == 1
