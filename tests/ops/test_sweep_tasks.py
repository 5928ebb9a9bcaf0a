"""Sweeps run alone, in queues that somebody works on, and a wake-up that comes too late is thrown away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import connection, connections
from django_celery_beat.schedulers import ModelEntry

from ops.children import Children
from positions import tasks
from positions.services import lookups, modifying
from tradingbot.schedule import SCHEDULE

UNKNOWN, WAITING = tasks.resolve_unknown, tasks.tend_waiting


class SlowExchange:
    """A sweep that waits for an answer."""

    def __init__(self) -> None:
        self.runs = 0
        self.asked, self.answered = threading.Event(), threading.Event()

    def __call__(self, *_: object) -> None:
        self.runs += 1
        self.asked.set()
        assert self.answered.wait(60)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowExchange:
    made = SlowExchange()
    monkeypatch.setattr(lookups, "resolve_unknown", made)
    return made


@pytest.fixture
def thread(transactional_db) -> Iterator[ThreadPoolExecutor]:
    """As a worker has them: each with a database session of its own."""
    with ThreadPoolExecutor(1) as made:
        yield made
        made.submit(connections.close_all).result(10)


def test_a_sweep_at_work_is_not_begun_again_and_others_go_on(slow, thread, monkeypatch) -> None:
    tended: list[Any] = []
    monkeypatch.setattr(modifying, "tend_waiting", tended.append)
    first = thread.submit(UNKNOWN)
    assert slow.asked.wait(60)
    UNKNOWN()
    WAITING()
    assert (slow.runs, len(tended)) == (1, 1)
    slow.answered.set()
    first.result(10)
    UNKNOWN()
    assert slow.runs == 2


def test_a_sweep_that_failed_may_come_again(thread, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(lookups, "resolve_unknown", fail)
    assert isinstance(thread.submit(UNKNOWN).exception(10), ValueError)
    monkeypatch.setattr(lookups, "resolve_unknown", (again := SlowExchange()))
    again.answered.set()
    UNKNOWN()
    assert again.runs == 1


def test_a_sweep_whose_session_died_holds_up_nobody(slow, thread) -> None:
    number = thread.submit(_session_number).result(10)
    first = thread.submit(UNKNOWN)
    assert slow.asked.wait(60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
    slow.answered.set()
    UNKNOWN()
    assert slow.runs == 2
    first.result(10)


def _session_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize("name", SCHEDULE)
def test_beat_lets_a_wake_up_expire(name: str) -> None:
    """Through the database scheduler, which has a word of its own for it."""
    entry = SCHEDULE[name]
    options = ModelEntry.from_entry(name, app=current_app, **entry).options
    assert 10 <= options["expires"] <= max(10, entry["schedule"])
    assert options["queue"] == entry["options"]["queue"]


def test_every_queue_has_a_worker_and_questions_have_their_own() -> None:
    commands = [program.argv() for program in Children(Path(), {}).workers()]
    queues = [set(command[command.index("-Q") + 1].split(",")) for command in commands]
    assert {entry["options"]["queue"] for entry in SCHEDULE.values()} <= set.union(*queues)
    assert {"reconcile", "forecasts"} in queues
    asking = {entry["task"] for entry in SCHEDULE.values() if entry["options"]["queue"] == "reconcile"}
    assert asking == {
        "positions.tasks.resolve_unknown",
        "positions.tasks.reconcile",
        "positions.tasks.collect_funding",
        "positions.tasks.prove_flat",
        "positions.tasks.watch_pairs",
        "positions.tasks.refresh_instruments",
        "positions.tasks.run_canary",
        "trailing.tasks.refresh_true_ranges",
        "trailing.tasks.ask",
        "trailing.tasks.catch_up",
        "ops.tasks.take_over_what_waits",
    }
