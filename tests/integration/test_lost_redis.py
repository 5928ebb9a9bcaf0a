"""Redis is killed and started again at its place: hints flow again, and those that got lost are swept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from positions.models import Position
from tests.integration.parts import Redis
from tests.integration.stack import Stack, Trader
from tests.integration.visitor import Visitor, next_message
from tests.ops.waiting import until
from tradingbot.redis_urls import broker_url


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")).running() as made:
        yield made


@pytest.fixture
def lonely(
    stack: Stack, redis: Redis, django_db_blocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack with a Redis of its own; the other one rests."""
    folder = tmp_path_factory.mktemp("lonely")
    with django_db_blocker.unblock(), stack.resting(), Stack(folder, redis.url).running() as made:
        yield made


@pytest.fixture
def trader(transactional_db, lonely: Stack) -> Iterator[Trader]:
    made = Trader(lonely)
    yield made
    made.lines.close()


def test_a_hint_to_a_redis_that_hangs_is_given_up(redis: Redis) -> None:
    """Twice: on a connection that was in use, and on a new one. It is given after a commit, by threads that trade."""
    app = Celery(broker=broker_url(redis.url), set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    hint = partial(app.send_task, "positions.tasks.submit_order", queue="orders", retry=False)
    hint()
    with ThreadPoolExecutor(1) as thread, redis.hanging():
        for _ in range(2):
            assert isinstance(thread.submit(hint).exception(15), OperationalError)


def test_redis_may_be_lost_whoever_needs_it(trader: Trader, redis: Redis) -> None:
    """One stack for the three, for it takes its time to start."""
    hints_flow_again_at_once(trader, redis)
    prices_are_published_again_and_pages_hear_of_changes(trader, redis)
    trader.stack.beat.start()
    try:
        signals_without_redis_are_taken_and_swept_after_it_is_back(trader, redis)
    finally:
        trader.stack.beat.stop()


def hints_flow_again_at_once(trader: Trader, redis: Redis) -> None:
    """Without beat: only hints can bring the orders to the exchange."""
    trader.open(symbol="ETHUSDT")
    for symbol in ("BTCUSDT", "SOLUSDT"):
        with redis.gone():
            pass
        trader.open(symbol=symbol)
    assert len(trader.ask(lambda client: client.positions())) == 3


def signals_without_redis_are_taken_and_swept_after_it_is_back(trader: Trader, redis: Redis) -> None:
    trader.open(symbol="XRPUSDT")
    with redis.gone():
        position = trader.position_of(trader.send("GO LONG", symbol="DOGEUSDT"))
        assert position.status == "opening"
    until(lambda: Position.objects.get(pk=position.pk).status == "open", "the sweep", seconds=45)
    until(lambda: trader.stops(position, "accepted"), "the stop", seconds=30)


def told_of(message: dict[str, Any]) -> set[int]:
    """A change may come by itself, or with the whole picture that is due just then."""
    return {row["id"] for row in message.get("snapshot", message).get("positions", ())}


def prices_are_published_again_and_pages_hear_of_changes(trader: Trader, redis: Redis) -> None:
    with Visitor(trader.stack.port).watch() as live:
        next_message(live, "hello")
        with redis.gone():
            pass
        trader.set_price(98_765)
        until(lambda: redis.marks().get("BTCUSDT", "").startswith("98765"), "the price")
        position = trader.open(symbol="BNBUSDT")
        until(lambda: position.pk in told_of(next_message(live, "update", "snapshot")), "the page to know")
