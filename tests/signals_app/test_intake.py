"""One message in, one verdict out: rows in a real PostgreSQL, positions by the real opening and closing."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from exchanges.models import ExchangeAccount
from exchanges.paper.matching import Engine
from positions.models import Order, Position
from positions.services import events
from positions.services.closing import lock_position
from positions.services.instruments import refresh_instruments
from signals_app.models import EntryStatus, SignalAttempt, SignalLog, SignalLogEntry, SignalStatus, Strategy
from signals_app.registry import Registry, load
from signals_app.sender_rules import SenderRule
from signals_app.services.arrivals import Arrival, Verdict
from signals_app.services.intake import log_failure, receive_signal
from tests.builders import a_position, a_strategy, a_ticker, account_of, an_account, an_instrument
from tests.locks import waiting_for_a_lock

UUID = "0190f1a6-0000-7000-8000-000000000001"


def frame(message: str = "UP", **fields: object) -> str:
    bar = timezone.now().replace(second=0, microsecond=0)
    whole = {"symbol": "BTCUSDT", "message": message, "bar_time": bar.isoformat()} | fields
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def receive(raw: str | bytes, registry: Registry | None = None) -> Verdict:
    return receive_signal(arrival(raw), registry or load())


def arrival(raw: str | bytes, **values: Any) -> Arrival:
    given = {"source": "test", "received_at": timezone.now(), "rule": SenderRule("test")} | values
    return Arrival(raw, **given)


def a_trader(account: ExchangeAccount, name: str = "trend", **values: Any) -> Strategy:
    """UP opens a long, DOWN a short, EXIT ends a long."""
    strategy = a_strategy(account, name=name, notional=Decimal(1000), **values)
    for phrase, direction in (("UP", "long"), ("DOWN", "short"), ("EXIT", "close_long")):
        strategy.phrases.create(phrase=phrase, direction=direction)
    return strategy


def outcomes(verdict: Verdict) -> list[tuple[str, str]]:
    return [(entry.status, entry.note) for entry in verdict.entries]


def test_an_entry_is_a_row_a_verdict_and_a_position(account: ExchangeAccount) -> None:
    strategy = a_trader(account)
    verdict = receive(frame(" up ", signal_id="websocket_test_123", sent_at=timezone.now().isoformat()))
    log, position = SignalLog.objects.get(), Position.objects.get()
    entry = SignalLogEntry.objects.get()
    assert (verdict.status, verdict.reason, verdict.uid, verdict.log_id) == ("new", "", log.uid, log.pk)
    assert (log.symbol, log.direction, log.message, log.source) == ("BTCUSDT", "long", "up", "test")
    assert log.signal_id == verdict.signal_id == position.signal_id == "websocket_test_123"
    assert (entry.log, entry.strategy, entry.position, entry.status) == (log, strategy, position, "opened")
    assert (position.position_side, position.status, position.orders.get().purpose) == (
        "long", "opening", "entry",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "stored"),
    [("websocket_test_123", "websocket_test_123"), (7, "7"), (UUID, UUID), (..., None), ("pending", None)],
)
def test_what_is_stored_of_an_id(account, caplog, given, stored) -> None:
    a_trader(account)
    receive(frame(signal_id=given))
    assert SignalLog.objects.get().signal_id == Position.objects.get().signal_id == stored
    warned = [r for r in caplog.records if r.levelno == logging.WARNING and "BTCUSDT" in r.getMessage()]
    assert bool(warned) is (stored is None)


def test_a_repeat_is_an_attempt_and_nothing_else(account) -> None:
    a_trader(account)
    raw = frame(signal_id="a")
    first, again = (
        receive(raw),
        receive(json.dumps(json.loads(raw) | {"symbol": "btc/usdt", "signal_id": "b"})),
    )
    assert (again.status, again.uid, again.log_id) == ("duplicate", first.uid, first.log_id)
    assert again.entries == ()
    assert (SignalLog.objects.count(), SignalLogEntry.objects.count(), Position.objects.count()) == (1, 1, 1)
    assert SignalAttempt.objects.values_list("uid", "source").get() == (first.uid, "test")


def test_another_bar_is_another_signal(account) -> None:
    a_trader(account)
    receive(frame())
    later = receive(frame(bar_time=(timezone.now() - timedelta(hours=1)).isoformat()))
    assert later.status == "new"
    assert outcomes(later) == [("skipped", "already open")]


@pytest.mark.parametrize(
    ("raw", "reason", "code"),
    [
        (
            "{not json",
            "not JSON: Expecting property name enclosed in double quotes at character 1",
            "unreadable",
        ),
        (b"\xff\x00", "message is not UTF-8 text", "unreadable"),
        (
            '{"symbol": "BTC\\u0000USDT", "message": "UP", "bar_time": 1772366400}',
            "symbol holds control characters",
            "bad_field",
        ),
        ("x" * 70_000, "message of 70000 bytes is larger than 65536", "too_large"),
        ('"\ud800\x00"', "not JSON: Invalid control character at at character 2", "unreadable"),
        ("", "not JSON: Expecting value at character 0", "unreadable"),
        (
            "{}",
            "symbol and message are missing",
            "missing_field",
        ),
    ],
)
def test_what_cannot_be_read_is_a_row_with_the_reason(db, raw, reason, code) -> None:
    verdict = receive(raw)
    log = SignalLog.objects.get()
    assert (verdict.status, verdict.uid, verdict.log_id, verdict.reason) == ("ignored", None, log.pk, reason)
    assert (log.status, log.uid, log.reason) == ("ignored", None, reason)
    assert verdict.reason_code == log.reason_code == code
    assert len(log.raw_message) <= 4001


def test_unreadable_frames_do_not_count_as_repeats_of_each_other(db) -> None:
    assert receive("{").log_id != receive("{").log_id


def test_no_secret_of_a_sender_stays_in_the_log(db) -> None:
    """Senders that cannot set headers put their token into the body."""
    receive(frame(token='abc"def', Secret="ghi", api_key="jkl", note="kept"))
    receive('{"token" : "abc')
    kept = " ".join(SignalLog.objects.values_list("raw_message", flat=True))
    assert not [word for word in ("abc", "def", "ghi", "jkl") if word in kept]
    assert "kept" in kept


@pytest.mark.parametrize(
    ("change", "reason", "code"),
    [
        ({"symbol": "NOSUCHUSDT"}, "unknown ticker NOSUCHUSDT", "unknown_ticker"),
        ({"message": "no such phrase"}, "no strategy knows this phrase", "no_strategy"),
        ({"sent_at": "2026-01-01T00:00:00Z"}, "s ago, the limit is", "stale"),
    ],
)
def test_what_concerns_nobody_is_a_row_with_the_reason(account, change, reason, code) -> None:
    a_trader(account)
    verdict = receive(frame(**change))
    log = SignalLog.objects.get()
    assert (verdict.status, log.status, log.uid) == ("ignored", "ignored", verdict.uid)
    assert reason in log.reason
    assert verdict.reason_code == log.reason_code == code
    assert not SignalLogEntry.objects.exists()
    assert receive(frame(**change)).status == "duplicate"


def test_every_strategy_concerned_has_a_verdict(account) -> None:
    a_trader(account, "able")
    a_trader(account, "bound", use_all_tickers=False)
    a_trader(account, "calm", enabled=False)
    a_trader(account, "gone", archived=True)
    a_trader(account, "late")
    assert outcomes(receive(frame())) == [
        ("opened", ""),
        ("skipped", "BTCUSDT is not among the strategy's tickers"),
        ("skipped", "strategy is switched off"),
        ("skipped", "a long position in BTCUSDT is already live"),
    ]
    assert SignalLogEntry.objects.count() == 4


def test_two_accounts_each_open(account) -> None:
    a_trader(account)
    a_trader(an_account(), "other")
    assert [status for status, _ in outcomes(receive(frame()))] == ["opened", "opened"]
    assert Position.objects.values("account").distinct().count() == 2


def test_a_strategy_that_fails_does_not_undo_the_others(account, caplog) -> None:
    """The failure comes from the database, in the middle of an opening."""
    a_trader(account, "able")
    broken = a_trader(an_account(), "broken")
    a_trader(an_account(), "next")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'disk on fire'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON positions FOR EACH ROW"
            f" WHEN (NEW.strategy_id = {broken.pk}) EXECUTE FUNCTION refuse()"
        )
    verdict = receive(frame())
    assert outcomes(verdict) == [("opened", ""), ("failed", "ProgrammingError"), ("opened", "")]
    assert Position.objects.count() == Order.objects.count() == 2
    assert SignalLogEntry.objects.filter(status=EntryStatus.FAILED).get().strategy == broken
    assert "disk on fire" in caplog.text
    assert "disk on fire" not in str(verdict)


def test_a_strategy_deleted_since_the_tables_were_read_is_left_out(account) -> None:
    a_trader(account, "able")
    gone = a_trader(an_account(), "gone")
    tables = load()
    gone.delete()
    assert outcomes(receive(frame(), tables)) == [("opened", "")]


def test_a_signal_whose_strategies_were_all_deleted_concerns_nobody(account) -> None:
    gone = a_trader(account)
    tables = load()
    gone.delete()
    verdict = receive(frame(), tables)
    assert (verdict.status, verdict.reason_code, verdict.entries) == ("ignored", "no_strategy", ())
    log = SignalLog.objects.get()
    assert (log.status, log.reason) == ("ignored", "its strategies were deleted")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"archived": True}, "strategy_off"),
        ({"enabled": False}, "strategy_off"),
        ({"allow_open": False}, "opening_off"),
    ],
)
def test_what_the_owner_switched_off_since_the_tables_were_read_counts(account, change, code) -> None:
    strategy = a_trader(account)
    tables = load()
    Strategy.objects.update(**change)
    (entry,) = receive(frame(), tables).entries
    assert (entry.strategy_id, entry.status, entry.reason_code) == (strategy.pk, "skipped", code)
    assert not Position.objects.exists()


def test_without_a_price_nothing_opens(account, engine) -> None:
    a_trader(account)
    a_ticker("NEWUSDT")
    an_instrument("NEW")
    assert outcomes(receive(frame(symbol="NEWUSDT"))) == [("skipped", "no fresh price")]


def test_an_exchange_that_is_away_leaves_a_verdict(account, settings) -> None:
    a_trader(account)
    settings.PAPER_EXCHANGE_URL = "http://127.0.0.1:9"
    assert outcomes(receive(frame())) == [("skipped", "no fresh price")]


def held(strategy: Strategy, side: str = "long", **values: Any) -> Position:
    return a_position(account=account_of(strategy), strategy=strategy, position_side=side, **values)


def test_an_opposite_signal_closes_and_opens(account) -> None:
    strategy = a_trader(account)
    position = held(strategy)
    assert outcomes(receive(frame("DOWN"))) == [("opened", "")]
    position.refresh_from_db()
    assert (position.status, position.close_reason) == ("closing", "signal")
    assert position.close_requested_by.startswith("signal ")
    assert Position.objects.get(position_side="short").status == "opening"


def test_an_opposite_signal_closes_even_without_a_price(account) -> None:
    strategy = a_trader(account)
    a_ticker("NEWUSDT")
    position = held(strategy, base="NEW")
    verdict = receive(frame("DOWN", symbol="NEWUSDT"))
    assert outcomes(verdict) == [
        ("closed", "the opposite position is being closed; nothing opened: no fresh price")
    ]
    position.refresh_from_db()
    assert (position.status, verdict.entries[0].position_id) == ("closing", position.pk)


@pytest.mark.parametrize(
    ("policy", "outcome", "before"),
    [("ignore", ("skipped", "an opposite position is open"), "open"), ("hedge", ("opened", ""), "open")],
)
def test_other_policies_leave_the_opposite_position_alone(account, policy, outcome, before) -> None:
    position = held(a_trader(account, opposite_signal=policy))
    assert outcomes(receive(frame("DOWN"))) == [outcome]
    position.refresh_from_db()
    assert position.status == before


def test_an_opposite_position_of_another_strategy_is_not_touched(account) -> None:
    other = held(a_strategy(account))
    a_trader(account)
    receive(frame("DOWN"))
    other.refresh_from_db()
    assert other.status == "open"


def test_a_closing_phrase_asks_for_the_close(account) -> None:
    strategy = a_trader(account, allow_open=False)
    position = held(strategy)
    verdict = receive(frame("EXIT"))
    position.refresh_from_db()
    assert [(e.status, e.position_id) for e in verdict.entries] == [("closed", position.pk)]
    assert (position.status, position.orders.get().purpose) == ("closing", "close")
    assert SignalLog.objects.get().direction == "close_long"


def test_a_closing_phrase_of_the_other_leg_or_of_nothing(account) -> None:
    short = held(a_trader(account), "short")
    assert outcomes(receive(frame("EXIT"))) == [("skipped", "nothing to close")]
    short.refresh_from_db()
    assert short.status == "open"


def test_our_own_failure_is_a_row_that_does_not_stand_in_the_way(account) -> None:
    a_trader(account)
    raw = frame()
    verdict = log_failure(arrival(raw), ZeroDivisionError("secret detail"))
    log = SignalLog.objects.get()
    assert (verdict.status, log.reason, log.uid) == ("ignored", "internal error (ZeroDivisionError)", None)
    assert receive(raw).status == SignalStatus.NEW


def in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(count)

    def one(_: int) -> Any:
        barrier.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def committed(transactional_db: None, engine: Engine) -> ExchangeAccount:
    made = an_account()
    refresh_instruments()
    a_ticker("BTCUSDT")
    return made


def test_eight_senders_of_one_signal_trade_once(committed) -> None:
    a_trader(committed)
    raw, tables = frame(), load()
    verdicts = in_threads(8, lambda: receive(raw, tables))
    assert sorted(verdict.status for verdict in verdicts) == ["duplicate"] * 7 + ["new"]
    assert len({(verdict.uid, verdict.log_id) for verdict in verdicts}) == 1
    assert (SignalLog.objects.count(), SignalAttempt.objects.count()) == (1, 7)
    assert Position.objects.count() == Order.objects.count() == 1


def test_signals_of_many_strategies_and_accounts_never_wait_for_each_other_for_ever(committed) -> None:
    """Without one order of locks, two signals that name two accounts the other way round lose a trade."""
    second = an_account()
    for name, account, phrases in (
        ("a", second, ("X",)), ("b", committed, ("X", "Y")), ("c", second, ("Y",)),
    ):  # fmt: skip
        strategy = a_strategy(account, name=name, notional=Decimal(1000))
        for phrase in phrases:
            strategy.phrases.create(phrase=phrase, direction="long")
    tables, phrases = load(), iter(["X", "Y"] * 8)
    verdicts = in_threads(16, lambda: receive(frame(next(phrases), bar_time=time.time()), tables))
    assert {entry.status for verdict in verdicts for entry in verdict.entries} <= {"opened", "skipped"}
    assert Position.objects.count() == 2


def test_a_fill_report_and_a_closing_signal_do_not_kill_each_other(committed) -> None:
    """The report holds the position and, at its commit, needs the account's row for a foreign key."""
    position = held(a_trader(committed))
    tables, started = load(), time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_position(position.pk)
            signal = pool.submit(in_threads, 1, lambda: receive(frame("DOWN"), tables))
            while not waiting_for_a_lock() and time.monotonic() - started < 10:
                time.sleep(0.01)
            events.record("test", "low", account_id=committed.pk)
        (verdict,) = signal.result(20)
    assert outcomes(verdict) == [("opened", "")]
    position.refresh_from_db()
    assert position.status == "closing"


@pytest.mark.parametrize("change", [{"archived": True}, {"enabled": False}, {"allow_open": False}])
def test_an_owner_who_switches_it_off_at_this_very_moment_is_obeyed(committed, change) -> None:
    """The signal finds the strategy's row locked, waits, and sees what was written."""
    strategy, started = a_trader(committed), time.monotonic()
    tables = load()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Strategy.objects.filter(pk=strategy.pk).update(**change)
            signal = pool.submit(in_threads, 1, lambda: receive(frame(), tables))
            while not waiting_for_a_lock() and time.monotonic() - started < 10:
                time.sleep(0.01)
            assert not signal.done()
        (verdict,) = signal.result(20)
    assert [entry.status for entry in verdict.entries] == ["skipped"]
    assert not Position.objects.exists()
