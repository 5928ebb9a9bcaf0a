"""What health says of the signal stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from signals_app.sources.redis_stream import GROUP, SignalStream, stream_client
from signals_app.sources.stream_figures import StreamFigures, objections
from signals_app.stream_health import read_figures, signal_stream
from tests.signals_app.stream_senders import Sender, stream_sender

PATIENCE = timedelta(seconds=30)


@pytest.fixture
def sender() -> Iterator[Sender]:
    with stream_sender() as made:
        yield made


def add(sender: Sender, seconds_ago: float) -> str:
    return sender.redis.xadd(sender.stream, {"a": "b"}, id=f"{int((time.time() - seconds_ago) * 1000)}-0")


def read(count: int) -> list[str]:
    with stream_client() as client:
        return [entry.id for entry in SignalStream(client, "reader").read_new(count)]


def test_no_stream_is_nothing_to_worry_about(sender: Sender) -> None:
    assert read_figures() == StreamFigures()


def test_what_nobody_has_ever_read_waits(sender: Sender) -> None:
    add(sender, 90)
    figures = read_figures()
    assert (figures.length, figures.unread, figures.pending, figures.consumers) == (1, 1, 0, 0)
    assert figures.oldest_seconds == pytest.approx(90, abs=5)
    assert ["waits" in one for one in objections(figures, PATIENCE)] == [True]


def test_what_was_read_and_not_written_is_told_apart_from_what_was_not_read(sender: Sender) -> None:
    for seconds_ago in (100, 80, 10):
        add(sender, seconds_ago)
    first, _ = read(2)
    with stream_client() as client:
        SignalStream(client, "reader").acknowledge([first])
    figures = read_figures()
    assert (figures.length, figures.unread, figures.pending, figures.consumers) == (3, 1, 1, 1)
    assert figures.oldest_pending_seconds == pytest.approx(80, abs=5)
    assert figures.oldest_unread_seconds == pytest.approx(10, abs=5)
    assert ["given to a consumer" in one for one in objections(figures, PATIENCE)] == [True]


def test_what_is_worked_off_or_young_is_well(sender: Sender) -> None:
    add(sender, 100)
    with stream_client() as client:
        SignalStream(client, "reader").acknowledge(read(1))
    add(sender, 1)
    figures = read_figures()
    assert (figures.length, figures.unread) == (2, 1)
    assert list(objections(figures, PATIENCE)) == []


def test_numbers_that_tell_no_time_have_no_age(sender: Sender) -> None:
    sender.redis.xadd(sender.stream, {"a": "b"}, id="5-1")
    assert read_figures().oldest_seconds is None


def test_dead_letters_and_foreign_names(sender: Sender) -> None:
    sender.redis.xadd(sender.dead, {"id": "1-1"})
    add(sender, 1)
    sender.redis.xgroup_create(sender.stream, GROUP, id="0")
    sender.redis.xgroup_createconsumer(sender.stream, GROUP, "worker-1")
    figures = read_figures()
    assert (figures.dead_letters, figures.consumers) == (1, 0)


def test_the_page_tells_and_outlives_a_redis_that_is_away(sender: Sender, admin_client, settings) -> None:
    add(sender, 1)
    assert admin_client.get("/health/").json()["signal_stream"]["length"] == 1
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert signal_stream()["error"] == "Redis does not answer"
