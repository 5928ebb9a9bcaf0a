from __future__ import annotations

import asyncio
import logging
import time

import pytest
from channels.layers import channel_layers, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import connections, transaction

from positions import broadcast


async def heard_while(act, count=1):
    """The messages that reach the group while `act` runs in a thread."""
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.group_add(broadcast.GROUP, name)
    try:
        await asyncio.to_thread(_and_leave_no_connection, act)
        return [await asyncio.wait_for(layer.receive(name), 30) for _ in range(count)]
    finally:
        await layer.flush()


def _and_leave_no_connection(act):
    try:
        act()
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_each_change_names_what_changed():
    def act():
        broadcast.position_changed(7)
        broadcast.order_changed("b6f0")
        broadcast.signals_logged([3])

    messages = asyncio.run(heard_while(act, 3))
    assert [(m["type"], m["kind"], m["ids"]) for m in messages] == [
        ("live.changed", "position", [7]),
        ("live.changed", "order", ["b6f0"]),
        ("live.changed", "signal", [3]),
    ]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_before_the_commit_and_nothing_after_a_rollback():
    told: list[int] = []

    def act():
        with transaction.atomic():
            broadcast.position_changed(1)
            told.append(broadcast._sender.unsent)
        assert broadcast.drain()
        with transaction.atomic():
            broadcast.position_changed(2)
            transaction.set_rollback(True)
        broadcast.position_changed(3)

    messages = asyncio.run(heard_while(act, 2))
    assert told == [0]
    assert [m["ids"] for m in messages] == [[1], [3]]


def test_prices_are_told_at_once_even_inside_a_running_loop():
    async def scene():
        layer = get_channel_layer()
        name = await layer.new_channel()
        await layer.group_add(broadcast.GROUP, name)
        broadcast.prices_changed({"BTCUSDT": "97250.4"})
        message = await asyncio.wait_for(layer.receive(name), 30)
        await layer.flush()
        return message

    assert asyncio.run(scene()) == {
        "type": "live.prices",
        "venue": "binance",
        "prices": {"BTCUSDT": "97250.4"},
    }


@pytest.fixture
def redis_is_away():
    before = channel_layers.backends.get("default")
    hosts = [{"address": "redis://127.0.0.1:9", "socket_timeout": None}]
    channel_layers.backends["default"] = RedisPubSubChannelLayer(hosts=hosts, prefix="away")
    yield
    broadcast.drain(5)
    if before is None:
        del channel_layers.backends["default"]
    else:
        channel_layers.backends["default"] = before


@pytest.fixture
def sender(monkeypatch):
    sender = broadcast._Sender()
    monkeypatch.setattr(broadcast, "_sender", sender)
    return sender


@pytest.mark.django_db(transaction=True)
def test_without_redis_nothing_raises_nothing_waits_and_one_line_is_logged(redis_is_away, sender, caplog):
    started = time.perf_counter()
    with caplog.at_level(logging.WARNING, "positions.broadcast"):
        for number in range(20):
            broadcast.position_changed(number)
            broadcast.prices_changed({"BTCUSDT": "1"})
        assert time.perf_counter() - started < 5, "forty words, none of which waits"
        assert broadcast.drain(10)
    assert len([r for r in caplog.records if r.name == "positions.broadcast"]) == 1


def test_a_full_queue_drops_and_does_not_block(sender, monkeypatch, caplog):
    monkeypatch.setattr(sender, "_ensure_running", lambda: None)
    for _ in range(broadcast.WAITING + 5):
        broadcast.prices_changed({})
    assert sender.unsent == broadcast.WAITING
    assert not broadcast.drain(0.02)


def test_a_child_of_a_fork_starts_with_an_empty_sender(monkeypatch):
    monkeypatch.setattr(broadcast, "_sender", broadcast._sender)
    before = broadcast._sender
    broadcast._start_afresh()
    assert broadcast._sender is not before
