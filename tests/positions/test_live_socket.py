"""The page's socket, over the real channel layer and with a real session cookie."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from decimal import Decimal as D

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from ops.models import Preferences
from positions import broadcast, consumers, live_feed
from positions.lifecycle import PositionStatus
from positions.models import Position
from positions.services.closing import request_close
from tests.asgi_socket import AsgiSocket
from tests.builders import a_position, a_signal_log, an_order
from tests.people import a_person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


def cookie_of(group: str) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(a_person(group, "ada"))
    return b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()


@asynccontextmanager
async def a_browser(headers):
    application = AuthMiddlewareStack(consumers.LiveConsumer.as_asgi())
    socket = AsgiSocket(application, "/ws/live/", headers)
    try:
        assert await socket.connect()
        yield socket
    finally:
        await socket.disconnect()
        await get_channel_layer().flush()
        await let_go_of_the_database()


async def let_go_of_the_database():
    await sync_to_async(connections.close_all)()
    await live_feed.reads.run(connections.close_all)


@asynccontextmanager
async def staff():
    async with a_browser([await sync_to_async(cookie_of)("viewer")]) as socket:
        yield socket


async def next_of(socket, *parts):
    """The next message that has one of these parts; what comes between is in order all the same."""
    while True:
        message = await socket.receive_json()
        if any(part in message for part in parts):
            return message


async def closing_code(socket):
    while True:
        message = await socket.receive_output(4)
        if message["type"] == "websocket.close":
            return message["code"]


async def test_a_stranger_is_told_to_sign_in():
    async with a_browser([]) as socket:
        assert await closing_code(socket) == 4401


async def test_a_user_who_may_not_look_is_told_so():
    async with a_browser([await sync_to_async(cookie_of)("")]) as socket:
        assert await closing_code(socket) == 4403


async def test_the_first_message_is_the_whole_picture():
    position = await sync_to_async(a_position)()
    async with staff() as socket:
        hello = await socket.receive_json()
    assert (hello["type"], hello["seq"]) == ("hello", 1)
    assert [row["id"] for row in hello["snapshot"]["positions"]] == [position.pk]


async def test_changes_arrive_numbered_without_a_gap():
    async with staff() as socket:
        await socket.receive_json()
        position = await sync_to_async(a_position)()
        order = await sync_to_async(an_order)(position)
        log = await sync_to_async(a_signal_log)()
        broadcast.prices_changed({"ETHUSDT": "1"})  # of nothing we hold
        for tell, key in (
            (broadcast.position_changed, position.pk),
            (broadcast.order_changed, order.pk),
            (broadcast.signals_logged, [log.pk]),
        ):
            await sync_to_async(tell)(key)
        seen, numbers = {}, []
        while not {"positions", "orders", "signals"} <= seen.keys():
            message = await socket.receive_json()
            numbers.append(message["seq"])
            seen |= message
    assert numbers == list(range(2, 2 + len(numbers)))
    assert seen["positions"][0]["id"] == position.pk
    assert seen["orders"][0]["id"] == str(order.pk)
    assert seen["signals"][0]["id"] == log.pk
    assert seen["figures"]["open"] == "1"


async def test_a_confirmed_stop_shows_in_the_row_of_its_position():
    position = await sync_to_async(a_position)()
    async with staff() as socket:
        hello = await socket.receive_json()
        assert hello["snapshot"]["positions"][0]["unprotected"] is True
        order = await sync_to_async(an_order)(position, purpose="protect", trigger_price=D(96000))
        await sync_to_async(broadcast.order_changed)(order.pk)
        (row,) = (await next_of(socket, "positions"))["positions"]
    assert (row["unprotected"], row["shown"]["stop"]) == (False, "96,000.0")


async def test_a_price_moves_the_row_and_the_sum():
    position = await sync_to_async(a_position)()
    async with staff() as socket:
        await socket.receive_json()
        broadcast.prices_changed({"BTCUSDT": "97350.4", "ETHUSDT": "3000"})
        message = await next_of(socket, "ticks")
    (tick,) = message["ticks"]
    assert (tick["id"], D(tick["unrealized_pnl"])) == (position.pk, D("0.8"))
    assert (tick["shown"]["mark"], tick["shown"]["pnl"]) == ("97,350.4", "+0.80")
    assert message["open_pnl"]["open_pnl"] == "+0.80"


async def test_prices_of_another_venue_move_nothing():
    await sync_to_async(a_position)()
    async with staff() as socket:
        await socket.receive_json()
        broadcast.prices_changed({"BTCUSDT": "1"}, venue="bybit")
        message = await socket.receive_json()
    assert "ticks" not in message


async def test_many_prices_become_few_messages():
    await sync_to_async(a_position)()
    async with staff() as socket:
        await socket.receive_json()
        for number in range(100):
            broadcast.prices_changed({"BTCUSDT": str(97000 + number)})
            await asyncio.sleep(0.01)
        count, last = 0, None
        while last != "97,099.0":
            last = (await next_of(socket, "ticks"))["ticks"][0]["shown"]["mark"]
            count += 1
    assert count <= 8


async def test_a_close_shows_and_an_end_is_told_in_a_sentence():
    position = await sync_to_async(a_position)()
    async with staff() as socket:
        await socket.receive_json()
        await sync_to_async(request_close)(position.pk, reason="manual", requested_by="ada")
        row = (await next_of(socket, "positions"))["positions"][0]
        assert (row["status"], row["shown"]["state"]) == ("closing", "CLOSING")
        ended = Position.objects.filter(pk=position.pk)
        await ended.aupdate(status=PositionStatus.CLOSED, quantity=0, closed_at=position.created_at)
        await sync_to_async(broadcast.position_changed)(position.pk)
        gone = (await next_of(socket, "gone"))["gone"]
    assert gone == [{"id": position.pk, "sentence": "BTC long closed: manual, 0.00 USDT after fees"}]


async def test_whoever_asks_gets_a_new_picture():
    async with staff() as socket:
        await socket.receive_json()
        await sync_to_async(a_position)()  # and nobody told the socket
        await socket.send_json({"type": "snapshot"})
        message = await next_of(socket, "snapshot")
    assert (message["type"], len(message["snapshot"]["positions"])) == ("snapshot", 1)


async def test_lost_news_is_made_up_for_by_itself(monkeypatch):
    monkeypatch.setattr(live_feed, "RESYNC", 0.2)
    async with staff() as socket:
        await socket.receive_json()
        await sync_to_async(a_position)()
        broadcast.prices_changed({})
        message = await next_of(socket, "snapshot")
    assert len(message["snapshot"]["positions"]) == 1


async def test_silence_is_filled_with_heartbeats(monkeypatch):
    monkeypatch.setattr(live_feed, "HEARTBEAT", 0.3)
    async with staff() as socket:
        await socket.receive_json()
        assert (await socket.receive_json(2))["type"] == "heartbeat"


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", '"snapshot"', "null", "[" * 100_000, '{"type": ["snapshot"]}']
)
async def test_nonsense_from_a_browser_harms_nobody(text):
    async with staff() as socket:
        await socket.receive_json()
        await socket.send_text(text)
        await socket.send_json({"type": "snapshot"})
        assert (await next_of(socket, "snapshot"))["type"] == "snapshot"


async def test_each_session_is_asked_once_before_a_picture(monkeypatch):
    asked = []
    monkeypatch.setattr(live_feed, "why_they_end", lambda keys: asked.append(keys) or {})
    headers = [await sync_to_async(cookie_of)("viewer")]
    async with a_browser(headers) as first, a_browser(headers) as second:
        for page in (first, second):
            assert (await page.receive_json())["type"] == "hello"
        asked.clear()
        for page in (first, second):
            await page.send_json({"type": "snapshot"})
            await next_of(page, "snapshot")
    assert {len(keys) for keys in asked} == {1}
    assert len(set().union(*asked)) == 1


async def test_what_pages_read_waits_for_nobody_else():
    """Channels' own thread is shared by all consumers of a process: one that is busy must not hold up the prices."""
    busy, done = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def long():
        loop.call_soon_threadsafe(busy.set)
        done.wait(60)

    async with staff() as socket:
        await socket.receive_json()
        working = asyncio.ensure_future(database_sync_to_async(long)())
        await busy.wait()
        try:
            await socket.send_json({"type": "snapshot"})
            async with asyncio.timeout(20):
                assert (await next_of(socket, "snapshot"))["type"] == "snapshot"
        finally:
            done.set()
            await working


async def test_signing_out_elsewhere_ends_the_socket():
    async with staff() as socket:
        await socket.receive_json()
        await sync_to_async(User.objects.filter(username="ada").update)(is_active=False)
        await socket.send_json({"type": "snapshot"})
        assert await closing_code(socket) == 4401


async def test_a_right_taken_away_ends_the_socket():
    async with staff() as socket:
        await socket.receive_json()
        await sync_to_async(lambda: User.objects.get().groups.clear())()
        await socket.send_json({"type": "snapshot"})
        assert await closing_code(socket) == 4403


async def test_a_socket_that_cannot_read_closes_so_that_the_browser_comes_back(monkeypatch, caplog):
    def broken(*_):
        raise OSError("database is away")

    async with staff() as socket:
        await socket.receive_json()
        monkeypatch.setattr(live_feed, "_picture", broken)
        await socket.send_json({"type": "snapshot"})
        assert await closing_code(socket) == 1011


async def test_many_pages_cost_no_more_reads_than_one(monkeypatch):
    reads = []
    monkeypatch.setattr(live_feed, "_read_news", counted(live_feed._read_news, reads))
    position = await sync_to_async(a_position)()
    async with staff() as first, another() as second, another() as third:
        pages = (first, second, third)
        for page in pages:
            assert (await page.receive_json())["type"] == "hello"
        await sync_to_async(broadcast.position_changed)(position.pk)
        told = [await next_of(page, "positions") for page in pages]
    assert [one["positions"] for one in told] == [told[0]["positions"]] * 3
    assert len(reads) == 1


def counted(read, calls):
    def counting(changed):
        calls.append(dict(changed))
        return read(changed)

    return counting


@asynccontextmanager
async def another():
    client = Client()
    await sync_to_async(client.force_login)(await User.objects.aget())
    cookie = (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())
    socket = AsgiSocket(AuthMiddlewareStack(consumers.LiveConsumer.as_asgi()), "/ws/live/", [cookie])
    try:
        assert await socket.connect()
        yield socket
    finally:
        await socket.disconnect()


async def test_a_page_that_takes_nothing_loses_its_messages_and_gets_a_new_picture():
    """And holds up nobody."""
    page = consumers.LiveConsumer()
    page.feed, page.waiting, wanted = live_feed.Feed(), asyncio.Queue(), []
    page.feed.want_picture = wanted.append
    for number in range(consumers.MOST_WAITING + 1):
        page.tell("update", str(number))
    assert (wanted, page.waiting.qsize()) == ([page], 0)


async def test_pages_come_back_after_the_channel_layer_was_away(monkeypatch):
    def away():
        raise OSError("Redis is away")

    with monkeypatch.context() as broken:
        broken.setattr(live_feed, "get_channel_layer", away)
        async with staff() as socket:
            assert await closing_code(socket) == 1011
    async with another() as socket:
        assert (await socket.receive_json())["type"] == "hello"
        await get_channel_layer().flush()
    await let_go_of_the_database()


async def test_each_page_has_its_persons_decimals_of_money():
    await sync_to_async(a_position)()
    cookie = await sync_to_async(cookie_of)("viewer")
    user = await User.objects.aget()
    async with a_browser([cookie]) as usual:
        shown = [await margin_of(usual)]
        await sync_to_async(Preferences.objects.create)(user=user, money_decimals=0)
        async with a_browser([cookie]) as rounded:
            shown.append(await margin_of(rounded))
            await usual.send_json({"type": "snapshot"})
            shown.append(await margin_of(usual))
    assert [text.count(".") for text in shown] == [1, 0, 1]


async def margin_of(socket):
    return (await next_of(socket, "snapshot"))["snapshot"]["figures"]["margin"]
