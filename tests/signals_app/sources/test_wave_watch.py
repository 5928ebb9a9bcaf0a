"""Waves from a snapshot to positions: real rows, the ordinary intake, and a server that says what it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Event
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, connections

from exchanges.models import ExchangeAccount, Venue
from positions.models import Position
from signals_app.models import SignalAttempt, SignalLog, Wave, WaveSignal
from signals_app.registry import load
from signals_app.selection import WaveRules
from signals_app.services import waves
from signals_app.sources.server_client import Received
from signals_app.sources.steady_watch import SteadyWatch
from signals_app.sources.wave_watch import Timetable, WaveWatch
from signals_app.symbol_rules import SymbolRules
from tests.builders import a_balance, a_strategy, a_ticker, an_account
from tests.signals_app.wave_records import BYBIT, WAVE, a_record
from trailing.plan import read_plan

COINS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "ADAUSDT")
CHECK = WAVE + timedelta(minutes=20)
TABLE = Timetable((5, 20, 35, 50), timedelta(seconds=120), 0.0)


class Told:
    """Stands where the client of a server would."""

    def __init__(self) -> None:
        self.records: tuple[dict[str, Any], ...] = ()
        self.number = 0
        self.asked = 0

    def tell(self, *records: dict[str, Any]) -> None:
        self.records, self.number = records, self.number + 1

    def ask_for_signals(self) -> bool:
        """It repeats what it knows."""
        self.asked += 1
        self.number += bool(self.number)
        return True

    def wait_for_snapshot(self, after: int, seconds: float) -> Received:
        return Received(self.number, self.records, datetime.now(UTC) if self.number else None)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(CHECK + timedelta(seconds=1), tick=False) as traveller:
        yield traveller


@pytest.fixture
def account(clock, account: ExchangeAccount) -> ExchangeAccount:
    """A strategy on it follows BUY and SELL in six coins."""
    strategy = a_strategy(account, notional=Decimal(1000), max_open_positions=50)
    for phrase, direction in (("BUY", "long"), ("SELL", "short")):
        strategy.phrases.create(phrase=phrase, direction=direction)
    for coin in COINS:
        a_ticker(coin)
    type(account).objects.update(max_open_positions=50)
    return account


@pytest.fixture
def server() -> Told:
    return Told()


def a_watch(server: Told, rules: WaveRules | None = None) -> WaveWatch:
    return WaveWatch(server, TABLE, rules or WaveRules(max_trades=2, buffer_fixed=1), load)  # type: ignore[arg-type]


def step(watch: WaveWatch | SteadyWatch) -> None:
    """As often as a wave needs to be told until it is taken for whole."""
    watch.step(Event())
    watch.step(Event())


def a_wave(*coins: str, **fields: Any) -> list[dict[str, Any]]:
    """The first coin has the best scores."""
    return [a_record(coin, 190 - place, **fields) for place, coin in enumerate(coins)]


def opened() -> list[str]:
    return list(Position.objects.order_by("pk").values_list("instrument__exchange_symbol", flat=True))


def ledger() -> dict[str, tuple[str, str]]:
    return {log.symbol: (log.status, log.reason_code) for log in SignalLog.objects.all()}


def the_wave(**which: Any) -> Wave:
    return Wave.objects.get(**which)


def test_the_best_of_a_wave_open_and_the_others_have_a_row_that_says_why_not(account, server) -> None:
    server.tell(*a_wave(*COINS[:5], wave=WAVE), a_record("ADAUSDT", 80))
    step(a_watch(server))
    assert opened() == ["BTCUSDT", "ETHUSDT"]
    assert ledger() == {
        "BTCUSDT": ("new", ""), "ETHUSDT": ("new", ""),
        "SOLUSDT": ("ignored", "wave_limit"), "BNBUSDT": ("ignored", "wave_limit"),
        "XRPUSDT": ("ignored", "wave_limit"), "ADAUSDT": ("ignored", "below_score"),
    }  # fmt: skip
    wave = the_wave()
    assert (wave.status, wave.exchange, wave.wave_time, wave.found) == ("completed", "binance", WAVE, 6)
    assert wave.reason == "the wave has opened its 2"
    assert list(wave.candidates.values_list("outcome", flat=True)) == [
        "opened",
        "opened",
        "left",
        "left",
        "left",
    ]


def test_repeats_of_the_snapshot_change_nothing_and_are_not_counted(account, server) -> None:
    watch = a_watch(server)
    for _ in range(4):
        server.tell(*a_wave(*COINS))
        step(watch)
    step(a_watch(server))  # a process that has just started
    assert (opened(), SignalLog.objects.count(), SignalAttempt.objects.count()) == (
        ["BTCUSDT", "ETHUSDT"],
        6,
        0,
    )
    assert Wave.objects.count() == 1


def test_the_signals_own_limit_and_percents_win(account, server) -> None:
    wishes = {"stop_loss_filter": 3.5, "trailing_activation_filter": 2.0, "trailing_distance_filter": 0.4}
    server.tell(*a_wave(*COINS, max_trades_filter=1, **wishes))
    step(a_watch(server))
    assert opened() == ["BTCUSDT"]
    plan = read_plan(Position.objects.get().plan.body)
    assert (plan.stop_loss.percent, plan.trailing.activation_percent, plan.trailing.callback_percent) == (
        Decimal("3.5"), Decimal(2), Decimal("0.4"),
    )  # fmt: skip


def test_where_candidates_are_refused_others_are_tried(account, server) -> None:
    """One is open already, one has no ticker: the reserve and some of the rest take their place."""
    server.tell(*a_wave("NONEUSDT", "NOUSDT", *COINS))
    step(a_watch(server, WaveRules(max_trades=2, buffer_fixed=0)))
    assert opened() == ["BTCUSDT", "ETHUSDT"]
    assert ledger()["NONEUSDT"] == ("ignored", "unknown_ticker")
    assert the_wave().candidates.filter(outcome="refused").count() == 2


def test_too_many_refusals_end_the_wave(account, server) -> None:
    server.tell(*a_wave("N1USDT", "N2USDT", "N3USDT", "N4USDT", *COINS))
    step(a_watch(server, WaveRules(max_trades=1, buffer_fixed=1)))
    assert opened() == []
    assert the_wave().reason == "too many candidates were refused"
    assert ledger()["BTCUSDT"] == ("ignored", "beyond_buffer")


def test_an_account_without_funds_ends_the_wave(account, server) -> None:
    a_balance(account, available_balance=Decimal(10))
    server.tell(*a_wave(*COINS[:3]))
    step(a_watch(server))
    assert opened() == []
    assert [one.outcome for one in the_wave().candidates.order_by("place")] == ["no_funds", "left", "left"]
    assert ledger() == {
        "BTCUSDT": ("new", ""), "ETHUSDT": ("ignored", "no_funds"), "SOLUSDT": ("ignored", "no_funds"),
    }  # fmt: skip


def test_each_exchange_has_its_own_wave_and_limit(account, server) -> None:
    other = an_account(venue=Venue.BYBIT)
    strategy = a_strategy(other, notional=Decimal(1000))
    strategy.phrases.create(phrase="BUY", direction="long")
    server.tell(
        *a_wave(*COINS[:3], max_trades_filter=1),
        *a_wave(*COINS[:3], max_trades_filter=2, exchange_id=BYBIT),
    )
    step(a_watch(server))
    assert {(wave.exchange, wave.target, wave.status) for wave in Wave.objects.all()} == {
        ("binance", 1, "completed"), ("bybit", 2, "completed"),
    }  # fmt: skip
    assert SignalLog.objects.count() == 6
    assert {one.account.venue for one in Position.objects.all()} <= {
        "binance"
    }  # bybit has no instruments here


def test_what_no_exchange_takes_up_is_a_row_once(account, server) -> None:
    odd = (
        a_record("ETHUSDT", exchange_id=9),
        a_record("SOLUSDT", exchange_id=BYBIT),
        a_record("XRPUSDT", score_week="x"),
    )
    watch = a_watch(server)
    for _ in range(3):
        server.tell(a_record(), *odd, {"type": "nonsense"})
        step(watch)
    rows = SignalLog.objects.order_by("symbol", "reason_code").values_list("symbol", "status", "reason_code")
    assert list(rows) == [
        ("", "ignored", "bad_field"), ("", "ignored", "bad_field"), ("", "ignored", "missing_field"),
        ("BTCUSDT", "new", ""), ("SOLUSDT", "ignored", "exchange_not_traded"),
    ]  # fmt: skip


def test_a_wave_of_which_nothing_can_be_read_is_not_found_and_says_why(account, server, clock) -> None:
    watch = a_watch(server)
    server.tell(a_record(score_month="?"))
    step(watch)
    clock.move_to(CHECK + timedelta(seconds=120))
    step(watch)
    assert (the_wave().status, SignalLog.objects.get().reason_code) == ("not_found", "bad_field")


def test_a_wave_that_does_not_come_is_looked_for_until_its_time_is_over(account, server, clock) -> None:
    watch = a_watch(server)
    server.tell(*a_wave(*COINS, wave=WAVE - timedelta(minutes=15)))
    for seconds in (1, 60, 119):
        clock.move_to(CHECK + timedelta(seconds=seconds))
        step(watch)
        assert the_wave().status == "processing"
    clock.move_to(CHECK + timedelta(seconds=120))
    step(watch)
    assert (the_wave().status, the_wave().reason, opened()) == ("not_found", "no signal came in time", [])
    asked = server.asked
    step(watch)
    assert server.asked == asked


def test_a_signal_that_comes_when_its_wave_is_over_is_told_and_not_traded(account, server) -> None:
    watch = a_watch(server)
    server.tell(*a_wave("BTCUSDT"))
    step(watch)
    for _ in range(3):
        server.tell(*a_wave("BTCUSDT", "ETHUSDT"))
        step(watch)
    assert opened() == ["BTCUSDT"]
    assert (ledger()["ETHUSDT"], SignalAttempt.objects.count()) == (("ignored", "wave_over"), 0)


def test_outside_its_minutes_nothing_is_asked_or_traded(account, server, clock) -> None:
    clock.move_to(CHECK - timedelta(seconds=1))
    server.tell(*a_wave(*COINS))
    step(a_watch(server))
    assert (server.asked, opened(), Wave.objects.count()) == (0, [], 0)


def test_a_wave_that_is_still_being_written_is_waited_for(account, server) -> None:
    """Its best signals come last."""
    watch, whole = a_watch(server), a_wave(*COINS[:4])
    for known in (1, 2, 3, 4):
        server.tell(*whole[-known:])
        watch.step(Event())
        assert opened() == []
    watch.step(Event())
    assert opened() == ["BTCUSDT", "ETHUSDT"]


def test_a_wave_that_does_not_come_to_rest_is_taken_when_its_time_is_over(account, server, clock) -> None:
    watch = a_watch(server)
    server.tell(*a_wave("BTCUSDT"))
    watch.step(Event())
    clock.move_to(CHECK + timedelta(seconds=120))
    server.tell(*a_wave("BTCUSDT", "ETHUSDT"))
    watch.step(Event())
    assert opened() == ["BTCUSDT", "ETHUSDT"]


def test_over_midnight_the_wave_is_of_the_day_before(account, server, clock) -> None:
    clock.move_to(datetime(2025, 10, 15, 0, 5, 30, tzinfo=UTC))
    last = datetime(2025, 10, 14, 23, 45, tzinfo=UTC)
    server.tell(*a_wave("BTCUSDT", wave=last))
    step(a_watch(server))
    assert (the_wave().wave_time, the_wave().status, opened()) == (last, "completed", ["BTCUSDT"])


def test_a_wave_that_was_claimed_by_a_process_that_died_is_looked_for_by_the_next(account, server) -> None:
    assert waves.claim("binance", WAVE, CHECK + timedelta(seconds=120))
    server.tell(*a_wave(*COINS))
    step(a_watch(server))
    assert (opened(), the_wave().status) == (["BTCUSDT", "ETHUSDT"], "completed")


def test_a_start_just_after_its_time_still_takes_the_wave(account, server, clock) -> None:
    """It was looked for when its process was killed; the next one is not signed in yet."""
    waves.claim("binance", WAVE, CHECK + timedelta(seconds=120))
    clock.move_to(CHECK + timedelta(seconds=123))
    watch = a_watch(server)
    step(watch)
    assert the_wave().status == "processing"
    server.tell(*a_wave(*COINS, created_at=(CHECK + timedelta(seconds=60)).isoformat()))
    step(watch)
    assert (opened(), the_wave().status) == (["BTCUSDT", "ETHUSDT"], "completed")


def test_a_start_that_hears_nothing_gives_the_wave_up_when_its_signals_are_too_old(
    account, server, clock, settings
) -> None:
    settings.MAX_SIGNAL_AGE = timedelta(seconds=300)
    waves.claim("binance", WAVE, CHECK + timedelta(seconds=120))
    watch = a_watch(server)
    for seconds, status in ((121, "processing"), (419, "processing"), (420, "not_found")):
        clock.move_to(CHECK + timedelta(seconds=seconds))
        step(watch)
        assert the_wave().status == status


class Killed(BaseException):
    pass


@pytest.mark.parametrize("handed_on", range(4))
def test_a_wave_left_half_done_is_finished_and_opens_no_more_than_its_limit(
    account, server, handed_on
) -> None:
    """Killed after a signal was handed on and before that was noted, which is the worst moment."""
    server.tell(*a_wave(*COINS))
    _die_after(server, handed_on)
    server.tell()  # the server has forgotten them
    step(a_watch(server))
    assert opened() == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert (the_wave().status, SignalLog.objects.count()) == ("completed", 6)
    assert SignalAttempt.objects.count() <= 1


def _die_after(server: Told, handed_on: int) -> None:
    class Dying(Event):
        def is_set(self) -> bool:
            return WaveSignal.objects.exclude(outcome="").count() >= handed_on + 1 or (
                handed_on == 0 and WaveSignal.objects.exists()
            )

    watch = a_watch(server, WaveRules(max_trades=3))
    watch.step(Dying())
    watch.step(Dying())
    last = WaveSignal.objects.exclude(outcome="").order_by("-place").first()
    if last is not None:
        WaveSignal.objects.filter(pk=last.pk).update(outcome="")


def test_a_wave_that_nobody_finished_for_two_hours_trades_no_more(account, server, clock) -> None:
    server.tell(*a_wave(*COINS))
    _die_after(server, 0)
    clock.move_to(WAVE + timedelta(hours=2, seconds=1))
    step(a_watch(server))
    assert opened() == []
    assert set(ledger().values()) == {("ignored", "wave_stale")}
    assert the_wave(wave_time=WAVE).status == "completed"


def test_a_database_that_fails_in_the_midst_leaves_the_wave_for_the_next_step(account, server) -> None:
    server.tell(*a_wave(*COINS))
    watch = a_watch(server)
    with candidates_refused(), pytest.raises(DatabaseError):
        step(watch)
    assert (the_wave().status, ledger()) == ("processing", {})
    step(watch)
    assert opened() == ["BTCUSDT", "ETHUSDT"]


@contextmanager
def candidates_refused() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_candidates() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'disk on fire'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse_candidates BEFORE INSERT ON wave_signals"
            " FOR EACH ROW EXECUTE FUNCTION refuse_candidates()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION refuse_candidates() CASCADE")


def test_of_many_processes_one_runs_a_wave(transactional_db, account, server) -> None:
    server.tell(*a_wave(*COINS))
    tables, barrier = load(), Barrier(6)

    def one(_: int) -> None:
        watch = WaveWatch(server, TABLE, WaveRules(max_trades=2), lambda: tables)  # type: ignore[arg-type]
        barrier.wait()
        try:
            for _ in range(5):
                step(watch)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(6)))
    assert opened() == ["BTCUSDT", "ETHUSDT"]
    assert (Wave.objects.count(), SignalLog.objects.count(), SignalAttempt.objects.count()) == (1, 6, 0)
    assert the_wave().status == "completed"


def test_without_waves_every_signal_is_handed_on_once(account, server) -> None:
    watch = SteadyWatch(server, SymbolRules(stoplist=("SOLUSDT",)), load)  # type: ignore[arg-type]
    server.tell(*a_wave(*COINS[:3]))
    step(watch)
    assert opened() == ["BTCUSDT", "ETHUSDT"]
    server.tell(*a_wave(*COINS[:4]))
    step(watch)
    step(watch)
    assert opened() == ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    assert ledger()["SOLUSDT"] == ("ignored", "stop_listed")
    step(SteadyWatch(server, SymbolRules(), load))  # type: ignore[arg-type]
    assert (SignalAttempt.objects.count(), SignalLog.objects.count(), Wave.objects.count()) == (0, 4, 0)
