"""The ledger's sums: what came in, what became of it, and what the doors counted by themselves."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from positions import invariants
from signals_app.balance import Line, contradictions, lines_of, reasons_of, sources_of, sums
from signals_app.models import SignalAttempt, SignalLog
from signals_app.sender_models import SignalArrivals
from signals_app.services.counting import ArrivalCounter, hour_of, write_totals
from tests.builders import a_log_entry, a_signal_log
from tests.ops.waiting import until
from tests.signals_app.test_intake import a_trader, frame, receive

DAY = datetime(2026, 3, 1, tzinfo=UTC)
TEN, ELEVEN = DAY.replace(hour=10), DAY.replace(hour=11)
SOURCE = "websocket:tv"


def a_log(at: datetime = TEN, source: str = SOURCE, **values: object) -> SignalLog:
    return a_signal_log(received_at=at + timedelta(minutes=5), source=source, **values)


def a_repeat(at: datetime = TEN, source: str = SOURCE) -> None:
    SignalAttempt.objects.create(uid="1" * 64, source=source, received_at=at + timedelta(minutes=59))


def counted(count: int, at: datetime = TEN, source: str = SOURCE, process: str = "one") -> None:
    SignalArrivals.objects.create(source=source, hour=at, process=process, count=count)


def a_mixed_hour() -> None:
    """Eight arrivals: two acted on, two skipped, one waits, one ignored, two repeats."""
    opened = a_log()
    a_log_entry(opened, status="opened")
    a_log_entry(opened, status="skipped", reason_code="cooldown")
    a_log_entry(a_log(), status="protected")
    for code in ("cooldown", "market"):
        a_log_entry(a_log(), status="skipped", reason_code=code)
    a_log(dispatched_at=None)
    a_log(status="ignored", reason_code="stale")
    a_repeat()
    a_repeat()


@pytest.mark.django_db
def test_an_hour_of_one_source_closes() -> None:
    a_mixed_hour()
    counted(5)
    counted(3, process="two")
    (line,) = lines_of(DAY)
    assert (line.hour, line.source, line.received, line.counted) == (TEN, SOURCE, 8, 8)
    assert (line.new, line.duplicate, line.ignored) == (5, 2, 1)
    assert (line.dispatched, dict(line.skipped), line.waiting) == (2, {"cooldown": 1, "market": 1}, 1)
    assert line.closes
    assert line.difference == 0


@pytest.mark.django_db
def test_hours_and_sources_stand_apart_newest_first_and_only_those_of_the_day() -> None:
    for at in (TEN, ELEVEN):
        a_log_entry(a_log(at))
    a_log_entry(a_log(TEN, "stream"))
    for outside in (DAY - timedelta(hours=1), DAY + timedelta(days=1)):
        a_log(outside)
        a_repeat(outside)
        counted(1, outside)
    found = lines_of(DAY)
    assert [(line.hour, line.source) for line in found] == [(ELEVEN, SOURCE), (TEN, "stream"), (TEN, SOURCE)]
    assert [line.source for line in lines_of(DAY, "stream")] == ["stream"]
    assert sources_of(DAY) == ["stream", SOURCE]
    total = sums(found)
    assert total is not None
    assert (total.new, total.dispatched, total.counted, total.closes) == (3, 3, None, True)
    assert sums([]) is None


@pytest.mark.django_db
def test_what_only_the_door_counted_is_a_line_too() -> None:
    counted(4)
    (line,) = lines_of(DAY)
    assert (line.received, line.counted, line.difference) == (0, 4, 4)


@pytest.mark.django_db
def test_a_new_signal_that_nothing_became_of_does_not_close() -> None:
    lost = a_log()
    both = a_log(dispatched_at=None)
    a_log_entry(both)
    (line,) = lines_of(DAY)
    assert (line.gap, line.closes) == (2, False)
    said = set(contradictions(DAY, DAY + timedelta(days=1)))
    assert said == {
        f"nothing became of signal {lost.pk}",
        f"signal {both.pk} waits although it was decided",
    }


@pytest.mark.django_db
def test_reasons_count_signals_and_strategies_apart() -> None:
    a_mixed_hour()
    assert reasons_of(DAY) == [("cooldown", 0, 2), ("market", 0, 1), ("stale", 1, 0)]
    assert reasons_of(DAY, "stream") == []


def test_the_invariant_hears_of_a_signal_that_waits_for_ever(account) -> None:
    a_trader(account)
    receive(frame())
    receive(frame("nobody knows this"))
    later = timezone.now() + timedelta(minutes=5)
    ask = invariants.SENTENCES["the ledger of signals closes"]
    assert list(ask(later)) == []
    SignalLog.objects.filter(status="new").update(dispatched_at=None)
    found = list(ask(later))
    assert found == [f"signal {SignalLog.objects.get(status='new').pk} waits although it was decided"]
    assert list(ask(timezone.now())) == [], "what is still moving is left out"


def test_a_line_of_nothing_closes() -> None:
    assert Line(TEN, SOURCE).closes


# the count at the door

Told = dict[tuple[str, datetime], int]


class Written:
    """Stands for the table: totals by key, and a database that can be away."""

    def __init__(self) -> None:
        self.rows: Told = {}
        self.is_away = False
        self.calls = 0

    def __call__(self, process: str, totals: Mapping[tuple[str, datetime], int]) -> None:
        self.calls += 1
        if self.is_away:
            raise OperationalError("away")
        self.rows |= totals


def test_arrivals_are_written_by_themselves() -> None:
    written = Written()
    counter = ArrivalCounter(written)
    for source in ("stream", "stream", SOURCE):
        counter.count(source, TEN + timedelta(minutes=7))
    until(lambda: written.rows == {("stream", TEN): 2, (SOURCE, TEN): 1}, "the counts to be written")
    counter.count("stream", ELEVEN)
    counter.end()
    assert written.rows == {("stream", TEN): 2, (SOURCE, TEN): 1, ("stream", ELEVEN): 1}


def test_counts_wait_for_a_database_that_is_away() -> None:
    written = Written()
    written.is_away = True
    counter = ArrivalCounter(written)
    counter.count(SOURCE, TEN)
    until(lambda: written.calls > 0, "the first try")
    counter.count(SOURCE, TEN)
    written.is_away = False
    until(lambda: written.rows == {(SOURCE, TEN): 2}, "the counts to be written")
    counter.end()


def test_a_count_never_waits_for_the_database() -> None:
    released = threading.Event()
    counter = ArrivalCounter(lambda process, totals: released.wait(20) and None)
    for _ in range(1000):
        counter.count(SOURCE, TEN)
    released.set()
    counter.end()


def test_many_threads_lose_no_count() -> None:
    written = Written()
    counter = ArrivalCounter(written)

    def arrive() -> None:
        for _ in range(500):
            counter.count(SOURCE, TEN)

    threads = [threading.Thread(target=arrive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counter.end()
    assert written.rows == {(SOURCE, TEN): 4000}


@pytest.mark.django_db
def test_the_same_totals_written_twice_change_nothing() -> None:
    write_totals("one", {(SOURCE, TEN): 3})
    write_totals("one", {(SOURCE, TEN): 3})
    write_totals("one", {(SOURCE, TEN): 5, ("stream", TEN): 1})
    write_totals("two", {(SOURCE, TEN): 2})
    rows = SignalArrivals.objects.order_by("source", "process").values_list("source", "process", "count")
    assert list(rows) == [("stream", "one", 1), (SOURCE, "one", 5), (SOURCE, "two", 2)]


def test_an_hour_is_a_clock_hour() -> None:
    assert hour_of(datetime(2026, 3, 1, 10, 59, 59, 999999, UTC)) == TEN
