"""What is in the signal stream becomes rows, in its order and once, whatever becomes of consumers and servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

import django.db
import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection, connections

from ops.own_session import own_session
from signals_app.models import SignalAttempt, SignalLog
from signals_app.registry import load
from signals_app.services.arrivals import Arrival
from signals_app.services.intake import receive_signal, receive_together
from signals_app.sources import redis_stream, stream_consumer
from signals_app.sources.redis_stream import GROUP, SignalStream, stream_client
from signals_app.sources.stream_consumer import MOST_DELIVERIES, StreamConsumer
from signals_app.sources.turns import Turns
from tests.signals_app.stream_senders import Sender, stream_sender

pytestmark = pytest.mark.django_db(transaction=True)
Told = list[tuple[str, str]]


@pytest.fixture
def sender() -> Iterator[Sender]:
    with stream_sender() as made:
        yield made


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this door says that came in, apart from our rows."""
    sources: list[str] = []
    monkeypatch.setattr(stream_consumer, "count_arrival", lambda source, _: sources.append(source))
    return sources


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_stream, "BLOCK_MILLISECONDS", 20)
    monkeypatch.setattr(stream_consumer, "PAUSE_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    heard: Told = []
    for module in (redis_stream, stream_consumer):
        monkeypatch.setattr(
            module, "log_system_event", lambda level, _, message, **__: heard.append((level, message))
        )
    return heard


@pytest.fixture
def consumer() -> Iterator[StreamConsumer]:
    yield from a_consumer("first")


@pytest.fixture
def another() -> Iterator[StreamConsumer]:
    yield from a_consumer("second")


def a_consumer(name: str) -> Iterator[StreamConsumer]:
    with stream_client() as client:
        made = StreamConsumer(SignalStream(client, name), Event(), load)
        yield made
        made.end()


@pytest.fixture
def killed_with(sender: Sender) -> Callable[[int], None]:
    """A consumer was given this many and never heard of again."""

    def read(count: int) -> None:
        with stream_client() as client:
            assert len(SignalStream(client, "killed").read_new(count)) == count

    return read


def messages() -> list[str]:
    return list(SignalLog.objects.order_by("pk").values_list("message", flat=True))


def work_off(sender: Sender, *consumers: StreamConsumer) -> None:
    deadline = time.monotonic() + 20
    while not sender.is_worked_off():
        assert time.monotonic() < deadline, sender.pending()
        for consumer in consumers:
            consumer.take_turn()


def test_entries_become_rows_in_their_order_and_are_acknowledged(
    sender: Sender, consumer: StreamConsumer
) -> None:
    for number in range(250):
        sender.signal(number)
    consumer.take_turn()
    work_off(sender, consumer)
    assert messages() == [f"TREND {number}" for number in range(250)]
    assert set(SignalLog.objects.values_list("source", flat=True)) == {"stream"}


def test_what_was_sent_before_the_first_start_is_taken(sender: Sender, consumer: StreamConsumer) -> None:
    sender.signal(1)
    consumer.take_turn()
    assert messages() == ["TREND 1"]


def test_a_repeat_is_counted_and_makes_no_row(
    sender: Sender, consumer: StreamConsumer, counted: list[str]
) -> None:
    for _ in range(3):
        sender.signal(1, bar_time="2026-01-01T00:00:00Z")
    consumer.take_turn()
    assert (SignalLog.objects.count(), SignalAttempt.objects.count()) == (1, 2)
    assert counted == ["stream"] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {"hello": "world"},
        {"symbol": "BTCUSDT"},
        {"symbol": "", "message": "", "bar_time": ""},
        {"symbol": "BTCUSDT", "message": "UP", "bar_time": "yesterday"},
        {"symbol": b"\xff\xfe", "message": b"\x00", "bar_time": "1748779500"},
        {"symbol": "BTCUSDT", "message": "x" * 100_000, "bar_time": "1748779500"},
        {"payload": '{"symbol": "BTCUSDT", "message": "UP", "bar_time": "1748779500"}'},
    ],
)
def test_what_cannot_be_read_is_a_row_that_says_why_and_holds_up_nobody(
    sender: Sender, consumer: StreamConsumer, fields: dict[str, str]
) -> None:
    sender.add(**fields)
    sender.signal(1)
    consumer.take_turn()
    bad, good = SignalLog.objects.order_by("pk")
    assert (bad.status, bad.uid, good.message) == ("ignored", None, "TREND 1")
    assert bad.reason
    assert bad.reason_code not in ("", "internal_error")
    assert sender.is_worked_off()


def test_a_repeated_field_is_seen(sender: Sender, consumer: StreamConsumer) -> None:
    words = ["symbol", "AUSDT", "symbol", "BUSDT", "message", "UP", "bar_time", "1748779500"]
    sender.redis.execute_command("XADD", sender.stream, "*", *words)
    consumer.take_turn()
    assert "twice" in SignalLog.objects.get().reason


def test_what_a_killed_consumer_had_in_hand_is_taken_at_once_and_first(
    sender: Sender, consumer: StreamConsumer, another: StreamConsumer, killed_with: Callable[[int], None]
) -> None:
    sender.signal(0)
    consumer.take_turn()
    for number in range(1, 20):
        sender.signal(number)
    killed_with(7)
    work_off(sender, another)
    assert messages() == [f"TREND {number}" for number in range(20)]


def test_entries_deleted_while_they_were_pending_hold_up_nobody(
    sender: Sender, consumer: StreamConsumer, killed_with: Callable[[int], None], told: Told
) -> None:
    consumer.take_turn()
    gone = sender.signal(1)
    sender.signal(2)
    killed_with(2)
    sender.redis.xdel(sender.stream, gone)
    work_off(sender, consumer)
    assert messages() == ["TREND 2"]


@pytest.mark.parametrize("vanishes", ["stream", "group"])
def test_a_stream_or_group_that_vanished_is_made_again_from_the_start(
    sender: Sender, consumer: StreamConsumer, told: Told, vanishes: str
) -> None:
    sender.signal(1)
    consumer.take_turn()
    if vanishes == "stream":
        sender.redis.delete(sender.stream)
    else:
        sender.redis.xgroup_destroy(sender.stream, GROUP)
    sender.signal(2)
    consumer.take_turn()
    assert messages() == ["TREND 1", "TREND 2"]
    assert [level for level, _ in told] == ["WARNING"]


def test_a_stream_that_vanishes_while_somebody_waits_for_it(
    sender: Sender, consumer: StreamConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.take_turn()
    monkeypatch.setattr(redis_stream, "BLOCK_MILLISECONDS", 1000)

    def blocked() -> list[dict[str, str]]:
        return [
            one
            for one in sender.redis.client_list()
            if one["cmd"].startswith("xreadgroup") and "b" in one["flags"]
        ]

    with ThreadPoolExecutor(1) as thread:
        turn = thread.submit(consumer.take_turn)
        deadline = time.monotonic() + 10
        while not blocked():
            assert time.monotonic() < deadline
        sender.redis.delete(sender.stream)
        sender.signal(1)
        turn.result(10)
        thread.submit(connections.close_all).result()
    work_off(sender, consumer)
    assert messages() == ["TREND 1"]


# turns


@pytest.fixture
def other_turns(sender: Sender) -> Iterator[Turns]:
    made = Turns(f"{settings.DB_SCHEMA} {sender.stream}")
    yield made
    made.end()


def test_one_consumer_at_a_time(
    sender: Sender, consumer: StreamConsumer, other_turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.signal(1)
    with other_turns.taken() as is_ours:
        assert is_ours
        consumer.take_turn()
        assert messages() == []
    consumer.take_turn()
    assert messages() == ["TREND 1"]


def sessions_with_a_lock() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database AND datname = current_database()"
            " WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in cursor.fetchall()]


def test_the_turn_of_a_session_that_died_is_free_at_once(
    sender: Sender, consumer: StreamConsumer, other_turns: Turns
) -> None:
    sender.signal(1)
    with other_turns.taken():
        (pid,) = sessions_with_a_lock()
        with closing(own_session()) as session:
            session.execute("SELECT pg_terminate_backend(%s)", [pid])
        consumer.take_turn()
        assert messages() == ["TREND 1"]
        assert not other_turns.is_still_ours()


def test_who_lost_the_turn_after_reading_handles_nothing_of_it(
    sender: Sender, consumer: StreamConsumer, another: StreamConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.take_turn()
    for number in range(3):
        sender.signal(number)
    read = SignalStream.read_new

    def read_and_lose_the_turn(stream: SignalStream, count: int) -> Sequence[object]:
        found = read(stream, count)
        with closing(own_session()) as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", [sessions_with_a_lock()]
            )
        return found

    with monkeypatch.context() as patch:
        patch.setattr(SignalStream, "read_new", read_and_lose_the_turn)
        consumer.take_turn()
    assert messages() == []
    another.take_turn()
    assert messages() == ["TREND 0", "TREND 1", "TREND 2"]


def test_what_is_read_waits_for_what_somebody_was_given_before(
    sender: Sender,
    consumer: StreamConsumer,
    killed_with: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when an answer of Redis was lost on its way."""
    consumer.take_turn()
    read = SignalStream.read_new

    def read_after_another(stream: SignalStream, count: int) -> Sequence[object]:
        monkeypatch.setattr(SignalStream, "read_new", read)
        sender.signal(1)
        killed_with(1)
        sender.signal(2)
        return read(stream, count)

    monkeypatch.setattr(SignalStream, "read_new", read_after_another)
    consumer.take_turn()
    assert messages() == []
    consumer.take_turn()
    assert messages() == ["TREND 1", "TREND 2"]


# outages and poison


class Trouble:
    """Raised where the message says so, together and alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        self.tries = 0
        monkeypatch.setattr(stream_consumer, "receive_signal", self._alone)
        monkeypatch.setattr(stream_consumer, "receive_together", self._together)

    def _raise(self, arrivals: Sequence[Arrival]) -> None:
        if self.error is not None and any("POISON" in str(arrival.raw) for arrival in arrivals):
            self.tries += 1
            raise self.error

    def _alone(self, arrival: Arrival, registry: object) -> object:
        self._raise([arrival])
        return receive_signal(arrival, registry)

    def _together(self, arrivals: Sequence[Arrival], registry: object) -> object:
        self._raise(arrivals)
        return receive_together(arrivals, registry)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Trouble:
    return Trouble(monkeypatch)


def three_with_poison(sender: Sender) -> str:
    sender.signal(1)
    poison = sender.signal(message="POISON")
    sender.signal(2)
    return poison


def test_poison_is_put_aside_and_told_and_the_others_are_taken(
    sender: Sender, consumer: StreamConsumer, trouble: Trouble, told: Told
) -> None:
    trouble.error = ValueError("token=abc")
    poison = three_with_poison(sender)
    work_off(sender, consumer)
    rows = list(SignalLog.objects.order_by("pk").values_list("message", "status", "reason_code"))
    assert rows == [
        ("TREND 1", "ignored", "unknown_ticker"),
        ("", "ignored", "given_up"),
        ("TREND 2", "ignored", "unknown_ticker"),
    ]
    (letter,) = sender.dead_letters()
    assert (letter["id"], letter["reason"], letter["deliveries"]) == (
        poison,
        "ValueError",
        str(MOST_DELIVERIES),
    )
    assert [level for level, _ in told] == ["ERROR"]
    assert trouble.tries == MOST_DELIVERIES


def test_an_entry_that_ends_the_process_is_put_aside_without_another_try(
    sender: Sender, consumer: StreamConsumer, killed_with: Callable[[int], None], trouble: Trouble
) -> None:
    trouble.error = AssertionError("it must not be tried")
    consumer.take_turn()
    poison = sender.signal(message="POISON")
    killed_with(1)
    sender.redis.xclaim(sender.stream, GROUP, "killed", 0, [poison], retrycount=MOST_DELIVERIES)
    work_off(sender, consumer)
    assert [letter["id"] for letter in sender.dead_letters()] == [poison]
    assert trouble.tries == 0


def test_killed_while_it_puts_aside_it_makes_no_second_row(
    sender: Sender, consumer: StreamConsumer, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble.error = ValueError()
    sender.signal(message="POISON")
    with monkeypatch.context() as patch:
        patch.setattr(SignalStream, "bury", lambda *_: exit())
        consumer.take_turn()
        with pytest.raises(SystemExit):
            consumer.take_turn()
    work_off(sender, consumer)
    assert SignalLog.objects.get().reason_code == "given_up"
    assert len(sender.dead_letters()) == 1


def test_restarts_while_it_is_handled_are_not_its_fault(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question to an exchange takes longer than a process is given to end."""
    poison = sender.signal(message="POISON")
    for number in range(2 * MOST_DELIVERIES):
        with stream_client() as client:
            consumer = StreamConsumer(SignalStream(client, str(number)), Event(), load)

            def stopped(*_: object, consumer: StreamConsumer = consumer) -> None:
                consumer.let_go()
                exit()

            with monkeypatch.context() as patch:
                patch.setattr(stream_consumer, "receive_signal", stopped)
                patch.setattr(stream_consumer, "receive_together", stopped)
                with pytest.raises(SystemExit):
                    consumer.take_turn()
            consumer.end()
    assert [(row["message_id"], row["times_delivered"]) for row in sender.pending()] == [(poison, 0)]
    assert sender.dead_letters() == []


def test_a_failure_after_the_stop_does_not_count(
    sender: Sender, consumer: StreamConsumer, killed_with: Callable[[int], None], monkeypatch
) -> None:
    def fail(*_: object) -> None:
        consumer._stop.set()
        raise ValueError

    consumer.take_turn()
    sender.signal(1)
    killed_with(1)
    monkeypatch.setattr(stream_consumer, "receive_signal", fail)
    consumer.take_turn()
    assert [row["times_delivered"] for row in sender.pending()] == [1]


@pytest.mark.parametrize("is_repeat", [False, True])
def test_what_was_written_is_not_given_up_but_acknowledged(
    sender: Sender, consumer: StreamConsumer, is_repeat: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis went whenever it was to be told."""
    if is_repeat:
        sender.signal(1, bar_time="2026-01-01T00:00:00Z")
    consumer.take_turn()
    written = sender.signal(1, bar_time="2026-01-01T00:00:00Z")
    with monkeypatch.context() as patch:
        patch.setattr(SignalStream, "acknowledge", lambda *_: exit())
        with pytest.raises(SystemExit):
            consumer.take_turn()
    sender.redis.xclaim(sender.stream, GROUP, "killed", 0, [written], retrycount=MOST_DELIVERIES)
    work_off(sender, consumer)
    assert (SignalLog.objects.count(), SignalAttempt.objects.count()) == (1, int(is_repeat))
    assert sender.dead_letters() == []


def server_gone() -> Exception:
    return django.db.OperationalError("server closed the connection unexpectedly")


def deadlock() -> Exception:
    error = django.db.OperationalError("deadlock detected")
    error.__cause__ = psycopg.errors.DeadlockDetected()
    return error


@pytest.mark.parametrize("error", [server_gone(), deadlock(), redis.ConnectionError(), redis.TimeoutError()])
def test_an_outage_is_nobodys_fault_and_nothing_is_acknowledged(
    sender: Sender, consumer: StreamConsumer, trouble: Trouble, error: Exception, counted: list[str]
) -> None:
    trouble.error = error
    three_with_poison(sender)
    for _ in range(3 * MOST_DELIVERIES):
        with pytest.raises(type(error)):
            consumer.take_turn()
    assert messages() == ["TREND 1"]
    assert [row["times_delivered"] for row in sender.pending()] == [1, 1]
    trouble.error = None
    work_off(sender, consumer)
    assert messages() == ["TREND 1", "POISON", "TREND 2"]
    assert sender.dead_letters() == []
    assert len(counted) == 3  # and not at each try


def test_a_limit_of_the_database_is_the_entrys_fault(
    sender: Sender, consumer: StreamConsumer, trouble: Trouble
) -> None:
    trouble.error = django.db.OperationalError("index row size exceeds maximum")
    trouble.error.__cause__ = psycopg.errors.ProgramLimitExceeded()
    sender.signal(message="POISON")
    work_off(sender, consumer)
    assert len(sender.dead_letters()) == 1


# what is left behind


def test_what_is_over_is_trimmed_and_what_is_not_stays(
    sender: Sender, consumer: StreamConsumer, killed_with: Callable[[int], None], monkeypatch, settings
) -> None:
    settings.SIGNALS_STREAM_KEPT = 10
    monkeypatch.setattr(redis_stream, "FORGOTTEN_AT_ONCE", 5)
    with stream_client() as client:
        stream = SignalStream(client, "first")
        for number in range(40):
            sender.signal(number)
        stream.pending(1)  # makes the group
        assert stream.trim(0) == 0  # nothing was read
        killed_with(20)
        assert stream.trim(0) == 0  # nothing is over
        stream.acknowledge([row["message_id"] for row in sender.pending()[:7]])
        while stream.trim(0):
            pass
        assert len(sender.redis.xrange(sender.stream)) >= 33
        assert sender.pending()[0]["message_id"] == sender.redis.xrange(sender.stream)[-33][0]
    work_off(sender, consumer)
    assert SignalLog.objects.count() == 33
    monkeypatch.setattr(stream_consumer, "TIDY_SECONDS", 0.0)
    consumer._tidy_at = 0.0
    consumer.take_turn()
    assert 10 <= sender.redis.xlen(sender.stream) < 16


def test_what_a_group_beside_ours_still_needs_is_not_trimmed(
    sender: Sender, consumer: StreamConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_stream, "FORGOTTEN_AT_ONCE", 5)
    for number in range(20):
        sender.signal(number)
    consumer.take_turn()
    sender.redis.xgroup_create(sender.stream, "legacy", id="0")
    with stream_client() as client:
        stream = SignalStream(client, "first")
        assert stream.trim(0) == 0, "it has read nothing"
        given = sender.redis.xreadgroup("legacy", "worker", {sender.stream: ">"}, count=10)[0][1]
        assert stream.trim(0) == 0, "it has all of them in hand"
        sender.redis.xack(sender.stream, "legacy", *[entry for entry, _ in given])
        while stream.trim(0):
            pass
    assert sender.redis.xlen(sender.stream) == 12


def test_names_of_processes_that_are_gone_are_forgotten_unless_they_have_something_in_hand(
    sender: Sender, consumer: StreamConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_stream, "FORGET_CONSUMER_MILLISECONDS", -1)
    consumer.take_turn()
    for name in ("run_signals-gone", "run_signals-busy", "of somebody else"):
        sender.redis.xgroup_createconsumer(sender.stream, GROUP, name)
    sender.signal(1)
    sender.redis.xreadgroup(GROUP, "run_signals-busy", {sender.stream: ">"})
    with stream_client() as client:
        SignalStream(client, "first").forget_idle_consumers()
    names = {row["name"] for row in sender.redis.xinfo_consumers(sender.stream, GROUP)}
    assert names == {"run_signals-first", "run_signals-busy", "of somebody else"}
