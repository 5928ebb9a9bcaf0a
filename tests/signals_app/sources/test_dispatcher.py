"""What was only accepted is decided as soon as it is told, also after the listening connection was lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from django.db import connection, connections

from ops.safe_loop import run_safe_loop
from signals_app.models import SignalLog
from signals_app.registry import load
from signals_app.services.intake import accept
from signals_app.sources import dispatcher
from tests.builders import a_ticker, an_account
from tests.ops.waiting import until
from tests.signals_app.test_intake import a_trader, arrival, frame

pytestmark = pytest.mark.django_db(transaction=True)
LISTENS = (
    "FROM pg_stat_activity WHERE query LIKE 'LISTEN tradingbot_accepted%%' AND datname = current_database()"
)


@contextmanager
def at_work() -> Iterator[None]:
    stop = Event()
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(
            run_safe_loop, "tests", lambda: dispatcher.dispatch_on(stop, load), stop=stop, longest_delay=0.1
        )
        until(listeners, "it to listen")
        yield
        stop.set()
        running.result(10)
        thread.submit(connections.close_all).result(10)


def nudge() -> None:
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY tradingbot_accepted")


def listeners() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(f"SELECT pid {LISTENS}")
        return [pid for (pid,) in cursor.fetchall()]


def take_in(message: str = "EXIT") -> int:
    verdict = accept(arrival(frame(message)), load())
    assert verdict.status == "new"
    assert verdict.log_id
    return verdict.log_id


def is_decided(log_id: int) -> bool:
    return SignalLog.objects.filter(pk=log_id, dispatched_at__isnull=False).exists()


@pytest.fixture
def trader() -> None:
    account = an_account()
    a_ticker("BTCUSDT")
    a_trader(account)


def test_it_is_decided_when_it_is_told_and_not_when_the_poll_comes(
    trader: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 600.0)
    with at_work():
        log_id = take_in()
        until(lambda: is_decided(log_id), "the decision", 10)
        monkeypatch.setattr(dispatcher, "POLL_SECONDS", 0.1)
        nudge()


def test_what_was_accepted_before_it_began_is_decided(trader: None) -> None:
    log_id = take_in()
    with at_work():
        until(lambda: is_decided(log_id), "the decision", 10)
    assert SignalLog.objects.get().entries.get().reason_code == "nothing_to_close"


def test_it_is_decided_after_the_listening_connection_was_lost(trader: None) -> None:
    with at_work():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid) {LISTENS}")
        log_id = take_in()
        until(lambda: is_decided(log_id), "the decision", 10)
        until(listeners, "it to listen again")
