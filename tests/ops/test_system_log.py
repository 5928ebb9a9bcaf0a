"""Events become rows without their callers ever waiting, whatever becomes of the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from ops import system_log
from ops.models import LogLevel, SystemLog
from ops.services import SystemEvent, forget_old_system_events, write_system_events
from ops.system_log import OWN_NAME, Writer, log_system_event
from tests.browser.server import _environment
from tests.forking import run
from tests.ops.waiting import until

OURS = ("tests", OWN_NAME)  # what other tests left to be written may come amid
WAITING_FOR_A_LOCK = """
    SELECT pid FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database() AND query ILIKE '%%system_logs%%'
"""


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    yield from a_writer(monkeypatch, Writer(write_system_events))


@pytest.fixture
def small_writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    yield from a_writer(monkeypatch, Writer(write_system_events, kept=3))


def a_writer(monkeypatch: pytest.MonkeyPatch, made: Writer) -> Iterator[Writer]:
    monkeypatch.setattr(system_log, "writer", made)
    yield made
    made.end()


def messages() -> list[str]:
    return list(SystemLog.objects.filter(module__in=OURS).order_by("pk").values_list("message", flat=True))


def ask(query: str, *values: object) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(query, values)
        return [row[0] for row in cursor.fetchall()]


def hang() -> None:
    """Until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE system_logs IN ACCESS EXCLUSIVE MODE")


def test_events_become_rows_in_their_order(transactional_db, writer: Writer) -> None:
    for number in range(500):
        log_system_event("info", "tests", f"event {number}", number=number)
    assert writer.flush(10)
    ours = SystemLog.objects.filter(module="tests").order_by("pk")
    rows = list(ours.values_list("message", "details", "level"))
    assert rows == [(f"event {n}", {"number": n}, "INFO") for n in range(500)]


def test_secrets_are_not_kept(transactional_db, writer: Writer) -> None:
    log_system_event("ERROR", "tests", "refused: token=abc123", headers={"Authorization": "abc123"})
    assert writer.flush(10)
    row = SystemLog.objects.get(module="tests")
    assert "abc123" not in f"{row.message} {row.details}"


@pytest.mark.parametrize("level", ["LOUD", "", None, 5])
def test_nonsense_never_raises(writer: Writer, level: object) -> None:
    log_system_event(level, "tests", "what?")  # type: ignore[arg-type]
    log_system_event("INFO", None, object())  # type: ignore[arg-type]


def test_the_caller_does_not_wait_for_a_database_that_hangs(transactional_db, writer: Writer) -> None:
    with transaction.atomic():
        hang()
        log_system_event("INFO", "tests", "first")
        until(lambda: ask(WAITING_FOR_A_LOCK), "the writer to wait")
        log_system_event("INFO", "tests", "second")
        assert not writer.flush(0)
    assert writer.flush(10)
    assert messages() == ["first", "second"]


def test_events_outlive_a_lost_connection(transactional_db, writer: Writer) -> None:
    with transaction.atomic():
        hang()
        log_system_event("INFO", "tests", "cut off")
        until(lambda: ask(WAITING_FOR_A_LOCK), "the writer to wait")
        ask("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", ask(WAITING_FOR_A_LOCK))
    assert writer.flush(10)
    assert messages() == ["cut off"]


def test_what_did_not_fit_is_counted_and_told(transactional_db, small_writer: Writer) -> None:
    with transaction.atomic():
        hang()
        for number in range(10):
            log_system_event("INFO", "tests", f"event {number}")
    assert small_writer.flush(10)
    assert messages() == ["event 0", "event 1", "event 2", "7 events did not fit while the database was away"]
    assert SystemLog.objects.latest("pk").details == {"dropped": 7}


def test_an_event_the_database_refuses_does_not_hold_up_the_others(transactional_db, writer: Writer) -> None:
    good, bad = (SystemEvent(LogLevel.INFO, name, name, {}, timezone.now()) for name in ("tests", "x" * 500))
    with transaction.atomic():
        hang()
        for event in (good, bad, good):
            writer.add(event)
    assert writer.flush(10)
    assert messages() == ["tests", "tests"]


def test_several_threads_lose_nothing(transactional_db, writer: Writer) -> None:
    def tell(thread: int) -> None:
        for number in range(100):
            log_system_event("INFO", "tests", f"{thread}-{number}")

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(10)
    assert len(set(messages())) == 500


def test_a_process_that_ends_writes_what_waits(transactional_db) -> None:
    script = (
        "import django; django.setup()\n"
        "from ops.system_log import log_system_event\n"
        "for number in range(50): log_system_event('INFO', 'tests', f'last words {number}')\n"
    )
    given = _environment() | {"DJANGO_SETTINGS_MODULE": "tradingbot.settings"}
    assert run(["-c", script], given).returncode == 0
    assert len(messages()) == 50


def test_a_forked_child_has_a_writer_of_its_own() -> None:
    written: list[SystemEvent] = []

    def write(events: Sequence[SystemEvent]) -> None:
        written.extend(events)

    writer = Writer(write)
    event = SystemEvent(LogLevel.INFO, "tests", "hello", {}, timezone.now())
    writer.add(event)
    assert writer.flush(5)
    writer._pid = -1  # as a child finds it after a fork: the parent's
    writer._thread = None
    writer.add(event)
    assert writer.flush(5)
    assert len(written) == 2
    writer.end()


def test_old_rows_are_forgotten(db, settings) -> None:
    settings.SYSTEM_LOG_DAYS = 30
    now = timezone.now()
    for days in (29, 31, 400):
        SystemLog.objects.create(
            level="INFO", module="tests", message=f"{days} days", created_at=now - timedelta(days=days)
        )
    assert forget_old_system_events() == 2
    # what other tests left to the writer's thread may still come
    assert [message for message in messages() if message.endswith(" days")] == ["29 days"]


def test_the_admin_shows_and_filters_and_changes_nothing(admin_client, db) -> None:
    row = SystemLog.objects.create(
        level="ERROR", module="signals.stream", message="Redis is away", created_at=timezone.now()
    )
    page = admin_client.get("/admin/ops/systemlog/", {"level__exact": "ERROR"})
    assert "Redis is away" in page.content.decode()
    assert "Redis is away" not in admin_client.get("/admin/ops/systemlog/?level__exact=INFO").content.decode()
    assert admin_client.get(f"/admin/ops/systemlog/{row.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/ops/systemlog/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get("/admin/ops/systemlog/add/").status_code == 403
