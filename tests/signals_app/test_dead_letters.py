"""Entries that were given up are shown without secrets and can be put back."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from threading import Event

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command

from signals_app.models import SignalAttempt, SignalLog
from signals_app.registry import load
from signals_app.sources import stream_consumer
from signals_app.sources.redis_stream import SignalStream, stream_client
from signals_app.sources.stream_consumer import StreamConsumer
from tests.signals_app.stream_senders import Sender, stream_sender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sender() -> Iterator[Sender]:
    with stream_sender() as made:
        yield made


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamConsumer]:
    monkeypatch.setattr(stream_consumer, "count_arrival", lambda *_: None)
    with stream_client() as client:
        made = StreamConsumer(SignalStream(client, "tests"), Event(), load)
        yield made
        made.end()


@pytest.fixture
def given_up(sender: Sender, consumer: StreamConsumer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three entries on which we failed: one of bytes that are no text, one with a repeated field, one that is well."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError

    odd = [b"symbol", b"\xff\xfe", b"message", b"UP"]
    entries = [sender.redis.execute_command("XADD", sender.stream, "*", *odd)]
    twice = ["symbol", "A", "symbol", "B", "token", "s3cr3t"]
    entries += [sender.redis.execute_command("XADD", sender.stream, "*", *twice), sender.signal(1)]
    with monkeypatch.context() as patch:
        patch.setattr(stream_consumer, "PAUSE_SECONDS", 0.0)
        for name in ("receive_signal", "receive_together"):
            patch.setattr(stream_consumer, name, fail)
        while not sender.redis.exists(sender.stream) or not sender.is_worked_off():
            consumer.take_turn()
    return entries


def run(*words: str) -> str:
    out = StringIO()
    call_command("dead_letters", *words, stdout=out)
    return out.getvalue()


def ids() -> list[str]:
    return [line.split()[0] for line in run("list").splitlines()[:-1]]


def test_they_are_shown_with_reason_and_without_secrets(given_up: list[str]) -> None:
    told = run("list")
    assert [f"entry {entry}," in line for entry, line in zip(given_up, told.splitlines(), strict=False)] == [
        True
    ] * 3
    assert "4 deliveries, ValueError" in told
    assert "s3cr3t" not in told
    assert told.endswith("3 dead letters\n")


def test_what_is_put_back_is_what_it_was(
    given_up: list[str], sender: Sender, consumer: StreamConsumer
) -> None:
    assert "3 put back" in run("redrive", "--all")
    with redis.Redis.from_url(settings.REDIS_URL) as raw:
        before, after = (
            [fields for _, fields in raw.xrange(sender.stream)][part] for part in (slice(3), slice(3, 6))
        )
    assert [(b[b"symbol"], a[b"symbol"]) for b, a in zip(before, after, strict=True)] == [
        (b"\xff\xfe", b"\xff\xfe"), (b"B", b"B"), (b"NOSUCHUSDT", b"NOSUCHUSDT"),
    ]  # fmt: skip
    while not sender.is_worked_off():
        consumer.take_turn()
    assert ids() == []
    reasons = list(
        SignalLog.objects.exclude(reason_code="given_up").order_by("pk").values_list("message", "reason")
    )
    assert "twice" in reasons[1][1]
    assert reasons[2][0] == "TREND 1"


def test_one_of_them(given_up: list[str], sender: Sender, consumer: StreamConsumer) -> None:
    chosen = ids()[2]
    run("redrive", chosen)
    assert chosen not in ids()
    assert len(ids()) == 2


def test_killed_between_there_and_here_it_is_a_repeat(
    given_up: list[str], sender: Sender, consumer: StreamConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ids()[2]
    with monkeypatch.context() as patch:
        patch.setattr(redis.Redis, "xdel", lambda *_: exit())
        with pytest.raises(SystemExit):
            run("redrive", chosen)
    run("redrive", chosen)
    while not sender.is_worked_off():
        consumer.take_turn()
    assert SignalLog.objects.filter(message="TREND 1").count() == 1
    assert SignalAttempt.objects.count() == 1


@pytest.mark.parametrize("words", [[], ["--all", "1-1"], ["1-1"], ["+"], ["nonsense"]])
def test_what_makes_no_sense_changes_nothing(given_up: list[str], words: list[str]) -> None:
    with pytest.raises(CommandError):
        run("redrive", *words)
    assert len(ids()) == 3


def test_a_redis_that_is_away_is_one_sentence(settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(CommandError, match="Redis does not answer"):
        run("list")
