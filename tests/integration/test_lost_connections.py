"""Every connection to the database is taken away under running processes: nothing is lost."""

from __future__ import annotations

import signal
from decimal import Decimal as D

import pytest
from django.db import connection, transaction

from exchanges.types import Book
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.models import Fill, Order, Position
from signals_app.models import StrategySignal, Ticker
from tests.builders import an_order
from tests.integration.stack import Trader
from tests.integration.visitor import Visitor, next_message
from tests.locks import waiting_for_a_lock
from tests.ops.waiting import until

OTHERS = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"


def column(query: str, *values: object) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_clear_snapshot()"
        )  # a transaction would see the activity of its beginning
        cursor.execute(query, values)
        return [row[0] for row in cursor.fetchall()]


def lose_backends() -> None:
    pids = column(f"SELECT pid {OTHERS}")
    column("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", pids)
    until(lambda: not column("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", pids), "their end")


@pytest.mark.soak
def test_signals_are_taken_and_traded_after_every_backend_was_lost(trader: Trader) -> None:
    trader.open(symbol="ETHUSDT")  # every process has its connections now
    for symbol in ("BTCUSDT", "SOLUSDT", "BNBUSDT"):  # several times: each thread must notice its own
        lose_backends()
        position = trader.open(symbol=symbol)
        assert position.status == "open"
    assert len(trader.ask(lambda client: client.positions())) == 4


@pytest.mark.soak
def test_private_events_are_applied_after_every_backend_was_lost(trader: Trader) -> None:
    """Without beat here, so only the stream can tell of the close."""
    position = trader.open()
    for price in (97_000, 96_900):
        lose_backends()
        trader.set_price(price)
    lose_backends()
    trader.set_price(90_000)
    until(lambda: Position.objects.get(pk=position.pk).status == "closed", "the close")


def test_an_event_whose_transaction_was_cut_off_is_applied_at_once(trader: Trader) -> None:
    """Without beat here as well: not the next reconciliation, the stream itself does it again."""
    position = trader.open()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Fill._meta.db_table} IN SHARE MODE")
        trader.set_price(90_000)
        until(waiting_for_a_lock, "the execution to be on its way into the table")
        lose_backends()
    until(lambda: Position.objects.get(pk=position.pk).status == "closed", "the close")
    until(lambda: Fill.objects.filter(position=position).count() == 2, "its execution")


def test_page_admin_and_live_socket_answer_after_every_backend_was_lost(trader: Trader) -> None:
    owner = Visitor(trader.stack.port)
    with owner.watch() as live:
        assert next_message(live, "hello")
        lose_backends()
        assert "ETHUSDT" in owner.read("/admin/signals_app/ticker/")
        lose_backends()
        no_aliases = {"aliases-TOTAL_FORMS": "0", "aliases-INITIAL_FORMS": "0"}
        owner.submit("/admin/signals_app/ticker/add/", symbol="DOTUSDT", enabled="on", **no_aliases)
        assert Ticker.objects.filter(symbol="DOTUSDT").exists()
        lose_backends()
        assert owner.read("/")
        lose_backends()
        trader.open()
        assert next_message(live, "update", "snapshot")


@pytest.mark.soak
def test_new_phrases_are_known_after_the_listening_connection_was_lost(trader: Trader) -> None:
    trader.open(symbol="ETHUSDT")
    lose_backends()
    StrategySignal.objects.create(strategy=trader.strategy, phrase="FRESH WORDS", direction="long")
    until(lambda: trader.send("FRESH WORDS").get("entries"), "the new phrase to be followed")


def test_sweeps_run_after_every_backend_was_lost(trader: Trader, beat: None) -> None:
    position = trader.open()
    for generation in (2, 3):
        lose_backends()
        better = an_order(
            position,
            purpose=OrderPurpose.PROTECT,
            status=OrderStatus.INITIALIZED,
            quantity=position.quantity,
            trigger_price=D(96_000 + generation),
            generation=generation,
            book=Book.ALGO,
            client_order_id=f"tb-{position.token}-p{generation}",
        )  # nobody was told of this row: only a sweep finds it
        until(lambda pk=better.pk: Order.objects.get(pk=pk).status == "accepted", "the sweep", seconds=10)


def test_beat_ends_when_it_is_told_to_amid_a_question(trader: Trader, beat: None) -> None:
    """Celery would have it write its memory from the signal handler: on the very connection that is asking."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE django_celery_beat_periodictasks IN ACCESS EXCLUSIVE MODE")
        until(waiting_for_a_lock, "beat's question")
        trader.stack.beat.signal(signal.SIGTERM)
        until(lambda: not waiting_for_a_lock(), "beat to leave its question")
    trader.stack.beat.stop()
