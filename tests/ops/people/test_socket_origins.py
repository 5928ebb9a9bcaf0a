"""From where a page may open the live socket: from the bot's own names alone, whoever is signed in."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import connections
from django.test import Client

from positions import live_feed
from tests.asgi_socket import AsgiSocket
from tests.people import a_person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


def cookie_of(group: str) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(a_person(group, "ada"))
    return b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()


async def first_words(*headers: tuple[bytes, bytes]) -> list[str]:
    """The kinds of what is sent first, until something is said or the socket is closed."""
    from tradingbot.asgi import application

    asked = [(b"host", b"127.0.0.1:8000"), *headers]
    socket, kinds = AsgiSocket(application, "/ws/live/", asked), []
    await socket.send_input({"type": "websocket.connect"})
    while not {"websocket.send", "websocket.close"} & set(kinds):
        kinds.append((await socket.receive_output(10))["type"])
    await socket.disconnect()
    await get_channel_layer().flush()
    await sync_to_async(connections.close_all)()
    await live_feed.reads.run(connections.close_all)
    return kinds


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1.evil.example:8000",
        "http://127.0.0.1:3000",
        "http://localhost:8000",
        "null",
        "file://",
        None,
    ],
)
async def test_another_origin_gets_nothing_though_its_visitor_is_signed_in(origin) -> None:
    headers = [await sync_to_async(cookie_of)("viewer")]
    headers += [(b"origin", origin.encode())] if origin else []
    assert await first_words(*headers) == ["websocket.close"], "not even accepted"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "https://localhost"])
async def test_the_own_page_gets_its_picture(origin, settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://localhost"]  # a proxy before it, which asks by another name
    headers = [await sync_to_async(cookie_of)("viewer"), (b"origin", origin.encode())]
    assert await first_words(*headers) == ["websocket.accept", "websocket.send"]


@pytest.mark.parametrize("group", ["", None])
async def test_who_may_not_look_gets_no_data(group) -> None:
    headers = [(b"origin", b"http://127.0.0.1:8000")]
    headers += [] if group is None else [await sync_to_async(cookie_of)(group)]
    assert await first_words(*headers) == ["websocket.accept", "websocket.close"]
