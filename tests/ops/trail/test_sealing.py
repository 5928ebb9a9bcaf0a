"""Entries become visible in the order of commits, not of ids; the sealer misses none and seals none twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from ops.models import TrailEntry, TrailSeal, UnsealedEntry
from ops.tasks import seal_trail
from ops.trail.services import ONE_SEALER, seal_waiting
from ops.trail.verification import chains, other_faults
from positions.models import RiskEvent
from tests.builders import an_account
from tests.ops.waiting import until
from tradingbot.schedule import SCHEDULE

pytestmark = pytest.mark.django_db(transaction=True)

NOTE = """
    INSERT INTO risk_events (account_id, event_type, risk_level, details, created_at)
    VALUES (%s, %s, 'low', '{}', now())
"""


@contextmanager
def another_session() -> Iterator[psycopg.Connection]:
    options = f"-c search_path={settings.DB_SCHEMA}"
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=name, options=options) as session:
        yield session


def all_is_sealed_once() -> None:
    seqs: dict[int, list[int]] = {}
    for seal in TrailSeal.objects.order_by("account_id", "seq"):
        seqs.setdefault(seal.account_id, []).append(seal.seq)
    assert all(found == list(range(1, len(found) + 1)) for found in seqs.values())
    entries = set(TrailEntry.objects.values_list("pk", flat=True))
    assert set(TrailSeal.objects.values_list("entry_id", flat=True)) == entries
    assert not UnsealedEntry.objects.exists()
    assert [fault for chain in chains({}) for fault in chain.faults(lambda: None)] == []
    assert [*other_faults()] == []


def test_an_entry_that_commits_after_younger_ones_were_sealed_is_not_missed() -> None:
    account = an_account()
    with another_session() as slow:
        slow.execute(NOTE, [account.pk, "slow"])
        RiskEvent.objects.create(account=account, event_type="quick", risk_level="low")
        seal_waiting()
        slow.commit()
    seal_waiting()
    by_id = [
        e.content["event_type"] for e in TrailEntry.objects.filter(subject_table="risk_events").order_by("pk")
    ]
    seals = TrailSeal.objects.filter(account_id=account.pk).order_by("seq").values_list("entry_id", flat=True)
    sealed = [TrailEntry.objects.get(pk=pk).content.get("event_type") for pk in seals]
    assert (by_id, sealed) == (["slow", "quick"], [None, "quick", "slow"])
    all_is_sealed_once()


def test_many_writers_and_sealers_at_once_lose_nothing() -> None:
    accounts = [an_account().pk for _ in range(3)]
    done = Event()

    def write(number: int) -> None:
        with another_session() as session:
            for step in range(40):
                session.execute(NOTE, [accounts[(number + step) % 3], f"{number}-{step}"])
                if step % 3 == number % 3:
                    session.commit()

    def seal() -> int:
        try:
            found = 0
            while not done.is_set():
                found += seal_waiting()
            return found
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as threads:
        sealers = [threads.submit(seal) for _ in range(3)]
        list(threads.map(write, range(4)))
        done.set()
        assert sum(sealer.result() for sealer in sealers) > 0
    seal_waiting()
    assert RiskEvent.objects.count() == 4 * 40
    assert TrailEntry.objects.count() == 3 + 4 * 40
    all_is_sealed_once()


@contextmanager
def a_sealer_at_work() -> Iterator[psycopg.Connection]:
    with another_session() as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_SEALER])
        yield other


def test_a_second_sealer_goes_away_and_the_next_one_finds_what_waits() -> None:
    an_account()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
    with a_sealer_at_work():
        seal_trail()
        assert not TrailSeal.objects.exists()
    seal_trail()
    all_is_sealed_once()


def test_who_verifies_waits_for_the_sealer_at_work() -> None:
    an_account()

    def verify() -> int:
        try:
            return seal_waiting(until_all=True)
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as threads, a_sealer_at_work() as other:
        sealed = threads.submit(verify)
        waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until(lambda: other.execute(waits).fetchone() is not None, "somebody to wait for the sealer")
        other.rollback()
        assert sealed.result() == 1
    all_is_sealed_once()


def test_beat_has_it_done() -> None:
    an_account()
    assert SCHEDULE["seal the trail"]["task"] == seal_trail.name
    seal_trail()
    all_is_sealed_once()


def test_a_writer_does_not_wait_for_the_sealer() -> None:
    account = an_account()
    seal_waiting()
    with transaction.atomic():
        RiskEvent.objects.create(account=account, event_type="x", risk_level="low")
        seal_waiting()  # its lock and its rows are held until this block ends
        with another_session() as writer:
            writer.execute("SET lock_timeout = '2s'")
            writer.execute(NOTE, [account.pk, "meanwhile"])
    seal_waiting()
    all_is_sealed_once()
