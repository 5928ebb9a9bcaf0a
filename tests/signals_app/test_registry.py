"""The routing tables in memory: what they hold, and that a running web process hears of every change."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from websockets.sync.client import ClientConnection

from ops.models import SystemLog
from ops.own_session import own_session
from signals_app.buckets import Rate
from signals_app.market_filters import Filter, WhenUnknown
from signals_app.models import SignalSender, StrategySignal, Ticker
from signals_app.registry import (
    CHANNEL,
    LiveRegistry,
    Registry,
    load,
    load_strategies,
    load_strategy_signals,
    load_tickers,
    pause_after,
    wait_for_change,
)
from signals_app.routing import OppositeSignal, SignalDirection, StrategyRule, TickerRule
from signals_app.sender_rules import SenderRule
from signals_app.signal_limits import SignalLimits
from tests.browser.server import WebServer
from tests.builders import a_strategy, a_ticker, account_of
from tests.ops.waiting import until
from tests.signals_app.senders import a_frame, ask, connected

SWITCHED_OFF = "ticker BTCUSDT is switched off"
NO_ALIASES = {"aliases-TOTAL_FORMS": "0", "aliases-INITIAL_FORMS": "0"}
ALLOWED = "no strategy knows this phrase"


@pytest.mark.django_db
def test_an_empty_database_gives_empty_tables() -> None:
    assert load() == Registry()


@pytest.mark.django_db
def test_tickers_phrases_and_senders_are_loaded() -> None:
    btc = a_ticker("BTCUSDT", trade_permission=False)
    everywhere = a_strategy()
    chosen = a_strategy(use_all_tickers=False, allow_open=False, opposite_signal=OppositeSignal.HEDGE)
    chosen.tickers.add(btc)
    archived = a_strategy(archived=True)
    StrategySignal.objects.create(strategy=everywhere, phrase="Trend  Up", direction="long")
    StrategySignal.objects.create(strategy=chosen, phrase="TREND UP", direction="close_short")
    StrategySignal.objects.create(strategy=archived, phrase="trend up", direction="short")
    SignalSender.objects.create(name="on", token_hash="1" * 64)
    SignalSender.objects.create(name="off", token_hash="0" * 64, enabled=False)

    found = load()
    assert found.tables.tickers == {"BTCUSDT": TickerRule(enabled=True, trade_permission=False)}
    rate = Rate(600, 100)
    assert found.senders == {
        "1" * 64: SenderRule("on", rate=rate),
        "0" * 64: SenderRule("off", enabled=False, rate=rate),
    }
    assert (found.rule_of("off").enabled, found.rule_of("stream")) == (False, SenderRule("stream"))
    sure = SignalLimits(min_confidence=Filter(Decimal(40), WhenUnknown.PASS))
    assert list(found.tables.phrases) == ["trend up"]
    assert set(found.tables.phrases["trend up"]) == {
        (
            StrategyRule(
                everywhere.pk, account_of(everywhere).pk, True, True, None, OppositeSignal.CLOSE, limits=sure
            ),
            SignalDirection.LONG,
        ),
        (
            StrategyRule(
                chosen.pk,
                account_of(chosen).pk,
                True,
                False,
                frozenset({"BTCUSDT"}),
                OppositeSignal.HEDGE,
                limits=sure,
            ),
            SignalDirection.CLOSE_SHORT,
        ),
    }


@pytest.mark.django_db
def test_each_table_that_is_read_tells_of_its_changes() -> None:
    sender = SignalSender.objects.create(name="on", token_hash="1" * 64)
    strategy = a_strategy(use_all_tickers=False)
    strategy.tickers.add(a_ticker())
    sender.strategies.add(strategy)
    StrategySignal.objects.create(strategy=strategy, phrase="UP", direction="long")
    with CaptureQueriesContext(connection) as asked:
        load()
    read = {name for query in asked for name in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'tell_registry'")
        telling = {name for (name,) in cursor.fetchall()}
    assert len(read) >= 8
    assert read - telling == set()


@pytest.mark.django_db
def test_tables_are_read_by_names_that_others_rely_on() -> None:
    kept, archived = a_strategy(name="kept"), a_strategy(name="gone", archived=True)
    a_ticker("ETHUSDT", enabled=False)
    for strategy in (kept, archived):
        StrategySignal.objects.create(strategy=strategy, phrase="Buy  NOW", direction="long")
    strategies = load_strategies()
    assert load_tickers() == {"ETHUSDT": TickerRule(enabled=False, trade_permission=True)}
    assert [(pk, [rule.strategy_id for rule in rules]) for pk, rules in strategies.items()] == [
        (kept.pk, [kept.pk])
    ]
    assert load_strategy_signals(strategies) == {"buy now": ((*strategies[kept.pk], SignalDirection.LONG),)}
    assert load_strategy_signals() == load_strategy_signals(strategies)
    assert load_strategy_signals({}) == {}


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_strategies(django_assert_max_num_queries) -> None:
    for _ in range(5):
        StrategySignal.objects.create(strategy=a_strategy(), phrase="UP", direction="long")
    with django_assert_max_num_queries(8):
        load()


@pytest.mark.django_db
def test_what_a_sender_may_do_comes_from_its_row() -> None:
    chosen = a_strategy()
    row = SignalSender.objects.create(
        name="charts",
        token_hash="1" * 64,
        max_age_seconds=20,
        rate_per_minute=60,
        burst=3,
        allowed_networks="10.0.0.0/8",
        signing_key="a key of both",
        requires_signature=True,
        replay_window_seconds=30,
    )
    row.strategies.add(chosen)
    rule = load().rule_of("charts")
    assert (rule.max_age, rule.replay_window) == (timedelta(seconds=20), timedelta(seconds=30))
    assert (rule.rate, rule.signing_key, rule.requires_signature) == (Rate(60, 3), "a key of both", True)
    assert [rule.permits(chosen.pk), rule.permits(chosen.pk + 1)] == [True, False]
    assert [rule.is_heard_from("10.1.2.3"), rule.is_heard_from("11.1.2.3")] == [True, False]
    assert "a key of both" not in repr(rule)


@pytest.mark.django_db
def test_a_row_that_cannot_be_read_takes_no_other_sender_away(settings, caplog) -> None:
    for number, values in enumerate(({"signing_key": "lost"}, {"allowed_networks": "everywhere"}, {})):
        SignalSender.objects.create(name=f"sender-{number}", token_hash=str(number) * 64, **values)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    found = load()
    assert [rule.is_heard_from("10.1.2.3") for rule in found.senders.values()] == [False, False, True]
    assert found.rule_of("sender-0").signing_key == ""
    assert "sender-0 is heard from nowhere: its signing key" in caplog.text
    assert "sender-1 is heard from nowhere" in caplog.text


def test_a_database_that_is_away_for_days_is_asked_every_ten_seconds() -> None:
    assert [pause_after(failures) for failures in (0, 1, 2, 5, 1024, 10**6)] == [0, 1, 2, 10, 10, 10]


def test_a_follower_that_died_is_started_again(monkeypatch) -> None:
    began: list[threading.Thread] = []
    monkeypatch.setattr(LiveRegistry, "_follow", lambda self: began.append(threading.current_thread()))
    registry = LiveRegistry()
    registry._current = Registry()
    for times in (1, 2, 3):
        assert registry.loaded is registry.current()
        until(lambda times=times: len(began) >= times, "the follower to begin")
        until(lambda: not any(thread.is_alive() for thread in began), "its end")


@pytest.mark.django_db(transaction=True)
def test_a_server_that_says_nothing_is_asked_whether_it_is_there() -> None:
    with own_session() as listener, own_session() as other:
        listener.execute(f"LISTEN {CHANNEL}")
        waiting = threading.Thread(target=wait_for_change, args=(listener, 0.05))
        waiting.start()
        asked = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND query = 'SELECT 1'"
        pid = listener.info.backend_pid
        until(lambda: other.execute(asked, [pid]).fetchone(), "the question")
        assert waiting.is_alive()
        other.execute(f"NOTIFY {CHANNEL}")
        waiting.join(timeout=60)
        assert not waiting.is_alive()


# a running web process


@pytest.fixture
def verdicts(web: WebServer) -> Iterator[Callable[[], str]]:
    """What the process says of a signal for BTCUSDT, a new one at each call."""
    numbers = itertools.count()
    a_ticker("BTCUSDT")
    with connected(web) as socket:
        yield lambda: _reason(socket, next(numbers))


def _reason(socket: ClientConnection, number: int) -> str:
    return str(ask(socket, a_frame(number, symbol="BTCUSDT"))["reason"])


def test_a_change_in_the_admin_is_heard_of(verdicts: Callable[[], str]) -> None:
    until(lambda: verdicts() == ALLOWED, "the ticker to be known")
    ticker = Ticker.objects.get()
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    page = reverse("admin:signals_app_ticker_change", args=[ticker.pk])
    answer = client.post(page, {"symbol": "BTCUSDT", "trade_permission": "on"} | NO_ALIASES)
    assert answer.status_code == 302
    until(lambda: verdicts() == SWITCHED_OFF, "the change to be heard of")


def test_a_change_by_plain_sql_is_heard_of(verdicts: Callable[[], str]) -> None:
    until(lambda: verdicts() == ALLOWED, "the ticker to be known")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE signals_app_ticker SET enabled = false")
    until(lambda: verdicts() == SWITCHED_OFF, "the change to be heard of")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM signals_app_ticker")
    until(lambda: verdicts() == "unknown ticker BTCUSDT", "the removal to be heard of")


def test_each_table_of_the_routing_tells_of_its_changes(verdicts: Callable[[], str]) -> None:
    until(lambda: verdicts() == ALLOWED, "the ticker to be known")
    strategy = a_strategy(use_all_tickers=False, enabled=False)
    StrategySignal.objects.create(strategy=strategy, phrase="any", direction="long")
    for number in range(200):
        StrategySignal.objects.create(strategy=strategy, phrase=f"TREND {number}", direction="long")
    until(lambda: verdicts() == "", "the phrases to be heard of")


def test_tables_that_cannot_be_read_anew_leave_those_in_memory_in_force(verdicts: Callable[[], str]) -> None:
    until(lambda: verdicts() == ALLOWED, "the ticker to be known")
    rename("signals_app_tickeralias", "out_of_reach")
    try:
        Ticker.objects.update(enabled=False)
        told = SystemLog.objects.filter(module="signals_app.registry", level="WARNING")
        until(told.exists, "the failure to be told")
        assert verdicts() == ALLOWED
    finally:
        rename("out_of_reach", "signals_app_tickeralias")
    until(lambda: verdicts() == SWITCHED_OFF, "the change to be heard of")


def rename(table: str, to: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {to}")


def test_a_lost_connection_is_made_again_and_nothing_is_missed(verdicts: Callable[[], str]) -> None:
    until(lambda: verdicts() == ALLOWED, "the ticker to be known")
    for enabled, expected in ((False, SWITCHED_OFF), (True, ALLOWED), (False, SWITCHED_OFF)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN %%' AND pid <> pg_backend_pid() AND datname = current_database()"
            )
            assert cursor.fetchall(), "somebody listens"
        Ticker.objects.update(enabled=enabled)
        until(lambda expected=expected: verdicts() == expected, "the change to be heard of")
