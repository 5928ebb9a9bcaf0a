"""The doors as a process of their own: signals, whether it lives, and nothing else."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.browser.server import WebServer
from tests.ops.waiting import until
from tests.signals_app.senders import a_frame, a_known_sender, address, ask, bearer, hear
from tradingbot import pulse


def answer_of(web: WebServer, path: str) -> tuple[int, str]:
    try:
        with urlopen(web.origin + path, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize(
    "path", ["/", "/admin/", "/accounts/login/", "/api/v1/positions", "/metrics", "/health/"]
)
def test_no_page_is_there(web: WebServer, path: str) -> None:
    assert answer_of(web, path) == (404, "Nothing here.\n")


def test_nor_is_the_socket_of_the_pages(web: WebServer) -> None:
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{web.port}/ws/live/", origin=web.origin):
        pass


def test_it_tells_that_it_lives(web: WebServer) -> None:
    assert answer_of(web, "/healthz") == (200, json.dumps({"status": "alive"}))
    until(lambda: "doors" in pulse.heard(), "its sign of life")
    until(lambda: json.loads(answer_of(web, "/readyz")[1])["doors"] == "ok", "its own word")


def test_a_foreign_page_has_no_key_to_it(web: WebServer) -> None:
    """Browsers say where a page is from and bring its visitor's session along; neither opens anything here."""
    token = a_known_sender(web)
    with connect(
        address(web), origin="https://evil.example", additional_headers={"Cookie": "sessionid=x"}
    ) as page:
        assert hear(page) == {"type": "auth_required"}
        assert ask(page, a_frame())["type"] == "auth_failed"
    with connect(address(web), origin="https://evil.example", additional_headers=bearer(token)) as sender:
        assert hear(sender)["type"] == "auth_success"
