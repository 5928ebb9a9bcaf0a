"""Signals by the Redis stream while consumers, Redis and PostgreSQL are taken away: none lost, doubled or overtaken."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.parts import Part
from tests.integration.stream_ground import Ground, a_ground, kill
from tests.ops.waiting import until

SOON = 8.0  # five seconds, and what a machine that is busy with other tests adds


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """In a folder that another account may walk through: PostgreSQL does not run as root."""
    with TemporaryDirectory(prefix="tb-stream-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with a_ground(Path(folder)) as made:
            yield made


@pytest.mark.soak
def test_signals_sent_before_anybody_listens_are_taken(ground: Ground) -> None:
    first = ground.next_number
    ground.send(30, "early")
    with ground.consumers(1):
        ground.await_all("early", first, 30)


def test_what_a_consumer_had_in_hand_when_it_was_killed_is_taken_at_once(ground: Ground) -> None:
    with ground.consumers(2) as parts:
        first = ground.next_number
        for _ in range(3):
            with ground.postgres.ledger_locked():
                ground.send(20, "amid")
                until(ground.postgres.writers_waiting, "a consumer to be amid a batch")
                busy = ground.busy_consumer()
                kill(busy)
            ground.await_all("amid", first, ground.next_number - first, seconds=10)
            revive(parts)
            ground.await_consumers(2)


def revive(parts: list[Part]) -> None:
    for part in parts:
        if not part.is_running:
            part.kill()
            part.start()


@pytest.mark.soak
def test_the_order_of_each_symbol_is_kept_while_consumers_are_killed(ground: Ground) -> None:
    with ground.consumers(3) as parts:
        first = ground.next_number
        for number in range(9):
            ground.send(40, "order")
            part = parts[number % 3]
            part.kill()
            ground.send(10, "order")
            part.start()
        ground.await_all("order", first, 450)


@pytest.mark.soak
def test_redis_may_be_away(ground: Ground) -> None:
    with ground.consumers(2):
        first = ground.next_number
        for _ in range(3):
            ground.send(50, "redis")
            with ground.redis.gone():
                pass
        ground.await_all("redis", first, 150)


@pytest.mark.soak
def test_postgresql_may_be_away(ground: Ground) -> None:
    with ground.consumers(2):
        first = ground.next_number
        ground.send(10, "postgres")
        for _ in range(2):
            with ground.postgres.gone():
                ground.send(50, "postgres")
        ground.await_all("postgres", first, 110)
        until(lambda: "INFO" in told_of_the_stream(ground), "the end of the trouble to be told")
    assert 1 <= told_of_the_stream(ground).count("ERROR") <= 12  # not one for each try


def told_of_the_stream(ground: Ground) -> list[str]:
    rows = ground.postgres.ask(
        "SELECT level FROM system_logs WHERE module = 'signals.stream' ORDER BY created_at"
    )
    return [level for (level,) in rows]


@pytest.mark.soak
def test_nothing_is_acknowledged_that_was_cut_off(ground: Ground) -> None:
    """PostgreSQL dies, and with it the turn, while a batch is on its way."""
    with ground.consumers(2):
        first = ground.next_number
        with ground.postgres.ledger_locked():
            ground.send(20, "cut")
            until(ground.postgres.writers_waiting, "a consumer to be amid a batch")
            with ground.postgres.gone(), ground.client() as client:
                assert client.xpending(ground.stream, "signal_processor")["pending"]
        ground.await_all("cut", first, 20)


@pytest.mark.soak
def test_a_turn_is_lost_with_its_session_and_nothing_is_doubled_or_overtaken(ground: Ground) -> None:
    """Two are at work then: the old one amid its batch, and the one that took the turn over."""
    with ground.consumers(2):
        first = ground.next_number
        with ground.postgres.ledger_locked():
            ground.send(20, "turn")
            until(ground.postgres.writers_waiting, "a consumer to be amid a batch")
            before = ground.postgres.whose_turn()
            assert before
            ground.postgres.ask("SELECT pg_terminate_backend(%s)", before)
            until(lambda: ground.postgres.whose_turn() not in (before, None), "another to take the turn")
            ground.send(20, "turn")
        ground.await_all("turn", first, 40)


@pytest.mark.soak
def test_an_entry_that_ends_its_process_each_time_is_put_aside_and_can_be_put_back(ground: Ground) -> None:
    first = ground.next_number
    part = ground.consumer()
    with ground.postgres.ledger_locked():
        for life in range(4):
            part.start()
            if not life:
                ground.await_consumers(1)
                ground.send(6, "ends")
            until(
                lambda tries=life + 1: ground.postgres.writers_waiting() == tries,
                "the entry to be amid its work",
            )
            part.kill()
    with ground.consumers(1):
        until(ground.is_worked_off, "the end of the work")
        assert [number for _, number in ground.rows("ends")] == list(range(first + 1, first + 6))
        given_up = "SELECT reason FROM signals_v2_log WHERE reason_code = 'given_up'"
        assert len(ground.postgres.ask(given_up)) == 1
        assert "1 put back" in ground.run("dead_letters", "redrive", "--all")
        until(lambda: len(ground.rows("ends")) == 6, "the one that was put back")


@pytest.mark.soak
def test_an_emptied_redis_is_no_end(ground: Ground) -> None:
    with ground.consumers(2):
        ground.send(10, "before")
        until(ground.is_worked_off, "the end of the work")
        with ground.client() as client:
            client.flushall()
        first = ground.next_number
        ground.send(20, "after")
        ground.await_all("after", first, 20)
        told = "SELECT 1 FROM system_logs WHERE level = 'WARNING' AND message LIKE '%%made anew%%'"
        until(lambda: ground.postgres.ask(told), "the owner to be told")


@pytest.mark.soak
@pytest.mark.parametrize("trouble", ["none", "redis hangs", "postgresql is locked"])
def test_it_ends_soon_whatever_hangs(ground: Ground, trouble: str) -> None:
    first = ground.next_number
    part = ground.consumer()
    part.start()
    ground.await_consumers(1)
    if trouble == "redis hangs":
        with ground.redis.hanging():
            assert seconds_to_end(part) < SOON
    elif trouble == "postgresql is locked":
        with ground.postgres.ledger_locked():
            ground.send(5, trouble)
            until(ground.postgres.writers_waiting, "a consumer to be amid a batch")
            assert seconds_to_end(part) < SOON
        with ground.consumers(1):
            ground.await_all(trouble, first, 5)
    else:
        assert seconds_to_end(part) < SOON


def seconds_to_end(part: Part) -> float:
    began = time.monotonic()
    part.signal(signal.SIGTERM)
    try:
        until(lambda: not part.is_running, "the end")
    finally:
        part.stop()
    return time.monotonic() - began
