"""A legacy signal server, our processes, PostgreSQL and the paper exchange: a wave is traded once, whoever dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from positions.models import Order, Position
from signals_app.models import SignalAttempt, SignalLog, SignalServerLink, Wave, WaveSignal
from signals_app.sources.demo_server import DemoServer
from signals_app.waves import expected_wave
from tests.integration.parts import Part
from tests.integration.stack import START_SECONDS, Trader
from tests.integration.test_lost_connections import lose_backends
from tests.ops.waiting import until

TOKEN = "t0ken-of-the-owner"
COINS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")
LIMIT = 3
HELD_UP = 7_071_067  # an advisory lock of this test
GATE = f"""
    CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock({HELD_UP}); RETURN NEW; END $$;
    CREATE TRIGGER gate BEFORE UPDATE ON wave_signals FOR EACH ROW WHEN (NEW.place = 1)
        EXECUTE FUNCTION wait_at_the_gate();
"""
pytestmark = pytest.mark.timeout(240)


class Waves:
    """What the server tells: five coins for the wave that is expected now and the one after it."""

    def __init__(self) -> None:
        self.is_told = False

    def __call__(self) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        expected = {expected_wave(now), expected_wave(now + timedelta(minutes=1))}
        places = list(enumerate(COINS)) if self.is_told else []
        return [self._record(wave, coin, place) for wave in sorted(expected) for place, coin in places]

    def _record(self, wave: datetime, coin: str, place: int) -> dict[str, Any]:
        return {
            "id": f"w-{wave:%H%M}-{coin}",
            "pair_symbol": coin,
            "recommended_action": "BUY",
            "score_week": 90 - place,
            "score_month": 90 - place,
            "timestamp": wave.isoformat(),
            "created_at": datetime.now(UTC).isoformat(),
            "exchange_id": 1,
            "max_trades_filter": LIMIT,
            "stop_loss_filter": 3.5,
        }


@pytest.fixture
def told() -> Waves:
    return Waves()


@pytest.fixture
def server(told: Waves) -> Iterator[DemoServer]:
    with DemoServer(TOKEN, told, repeat_seconds=0.5).running() as made:
        yield made


@pytest.fixture
def buyer(trader: Trader) -> Trader:
    trader.strategy.phrases.create(phrase="BUY", direction="long")
    return trader


@pytest.fixture
def process(buyer: Trader, server: DemoServer, tmp_path: Path) -> Iterator[Part]:
    made = a_process(buyer, server, tmp_path / "log")
    made.start()
    yield made
    made.stop()


def a_process(trader: Trader, server: DemoServer, log: Path) -> Part:
    return Part(
        log,
        "manage.py",
        "run_signals",
        SIGNAL_WS_URL=f"ws://127.0.0.1:{server.port}",
        SIGNAL_WS_TOKEN=TOKEN,
        SIGNAL_WS_RECONNECT_INTERVAL="0.1",
        WAVE_CHECK_MINUTES=",".join(map(str, range(60))),
        WAVE_CHECK_DURATION_SECONDS="60",
        WAVE_CHECK_INTERVAL_SECONDS="0.1",
        PAPER_EXCHANGE_URL=trader.stack.paper.url,
    )


def is_signed_in() -> bool:
    return SignalServerLink.objects.filter(state="authenticated").exists()


def is_over() -> bool:
    return Wave.objects.filter(status="completed").exists()


def check_books(trader: Trader) -> None:
    """Of each wave as many as it may, each uid once, and as many orders on the exchange as rows here."""
    waves = Wave.objects.filter(status="completed").order_by(
        "wave_time"
    )  # two, if a quarter of an hour just began
    opened = [wave.candidates.filter(outcome="opened").count() for wave in waves]
    assert opened[0] == max(opened) == LIMIT
    assert Position.objects.count() == sum(opened)
    uids = list(SignalLog.objects.values_list("uid", flat=True))
    assert len(uids) == len(set(uids)) == WaveSignal.objects.count()
    entries = Order.objects.filter(purpose="entry")
    until(lambda: entries.filter(status="filled").count() == sum(opened), "the entries to be filled")
    bought = [one for one in trader.order_requests() if one["params"].get("side") == "BUY"]
    assert len(bought) == entries.count()


def test_a_wave_is_traded_with_the_signals_own_stop(process: Part, buyer: Trader, told: Waves) -> None:
    until(is_signed_in, "the sign-in", START_SECONDS)
    told.is_told = True
    until(is_over, "the wave", START_SECONDS)
    check_books(buyer)
    assert {one.plan.body["stop_loss"]["percent"] for one in Position.objects.select_related("plan")} == {
        "3.5"
    }
    position = Position.objects.order_by("pk").first()
    until(lambda: buyer.stops(position, "accepted"), "its stop")
    position.refresh_from_db()
    (stop,) = buyer.stops(position, "accepted")
    away = 100 * (1 - stop.trigger_price / position.average_entry_price)
    assert abs(away - Decimal("3.5")) < Decimal("0.01")
    process.stop()
    assert SignalServerLink.objects.get().state == "disconnected"


@pytest.mark.soak
def test_a_wave_is_traded_once_by_two_processes(
    process: Part, buyer: Trader, server: DemoServer, told: Waves, tmp_path: Path
) -> None:
    second = a_process(buyer, server, tmp_path / "second-log")
    second.start()
    try:
        until(lambda: server.seen["signed in"] == 2, "both sign-ins", START_SECONDS)
        told.is_told = True
        until(is_over, "the wave", START_SECONDS)
        check_books(buyer)
        assert SignalAttempt.objects.count() == 0
    finally:
        second.stop()


def test_a_wave_whose_process_is_killed_in_the_midst_is_finished_by_the_next(
    process: Part, buyer: Trader, server: DemoServer, told: Waves
) -> None:
    """Killed when the second signal has its position, and the wave does not know it yet."""
    until(is_signed_in, "the sign-in", START_SECONDS)
    with held_up() as backends:
        told.is_told = True
        until(backends, "the process at the gate", START_SECONDS)
        process.kill()
        assert (Position.objects.count(), WaveSignal.objects.filter(outcome="opened").count()) == (2, 1)
        for backend in backends():
            ask("SELECT pg_terminate_backend(%s)", backend)
        told.is_told = False  # and the server has forgotten it
    process.start()
    until(is_over, "the wave", START_SECONDS)
    check_books(buyer)
    # of the signal that was handed on again; once more where that step met the trouble, too
    assert SignalAttempt.objects.count() in (1, 2)


@pytest.mark.soak
def test_a_wave_that_loses_the_database_in_the_midst_is_finished_by_the_same_process(
    process: Part, buyer: Trader, told: Waves
) -> None:
    until(is_signed_in, "the sign-in", START_SECONDS)
    with held_up() as backends:
        told.is_told = True
        until(backends, "the process at the gate", START_SECONDS)
        for backend in backends():
            ask("SELECT pg_terminate_backend(%s)", backend)
        until(lambda: not backends(), "the end of its session")
    until(is_over, "the wave", START_SECONDS)
    check_books(buyer)
    assert process.is_running


@pytest.mark.soak
def test_a_wave_is_traded_after_every_session_was_lost(process: Part, buyer: Trader, told: Waves) -> None:
    until(lambda: Wave.objects.filter(status="processing").exists(), "the claim", START_SECONDS)
    lose_backends()
    told.is_told = True
    until(is_over, "the wave", START_SECONDS)
    check_books(buyer)
    assert process.is_running


@pytest.mark.soak
def test_a_wave_whose_process_is_killed_while_it_looks_is_taken_over(
    process: Part, buyer: Trader, server: DemoServer, told: Waves
) -> None:
    until(lambda: Wave.objects.filter(status="processing").exists(), "the claim", START_SECONDS)
    process.kill()
    told.is_told = True
    process.start()
    until(is_over, "the wave", START_SECONDS)
    check_books(buyer)


def test_a_link_that_is_lost_comes_back_and_trades(
    process: Part, buyer: Trader, server: DemoServer, told: Waves
) -> None:
    until(is_signed_in, "the sign-in", START_SECONDS)
    server.drop_all()
    until(lambda: server.seen["signed in"] == 2, "the second sign-in")
    told.is_told = True
    until(is_over, "the wave", START_SECONDS)
    check_books(buyer)


@contextmanager
def held_up() -> Iterator[Any]:
    """Whoever notes the outcome of a second candidate waits; the backends that do."""
    ask(GATE)
    ask("SELECT pg_advisory_lock(%s)", HELD_UP)
    try:
        yield lambda: ask(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", HELD_UP
        )
    finally:
        ask("SELECT pg_advisory_unlock(%s)", HELD_UP)
        ask("DROP FUNCTION wait_at_the_gate() CASCADE")


def ask(query: str, *values: object) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []
