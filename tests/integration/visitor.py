"""A signed-in owner at the page, the admin and the live socket, over real HTTP and WebSocket."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from websockets.sync.client import ClientConnection, connect

CSRF_TOKEN = "a" * 32


class Visitor:
    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        browser = Client()
        browser.force_login(User.objects.create_superuser(f"owner-{uuid.uuid4().hex[:8]}"))
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        self._headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={CSRF_TOKEN}"}

    def read(self, path: str) -> str:
        return self._ask(Request(self._origin + path, headers=self._headers))  # noqa: S310

    def submit(self, path: str, **fields: object) -> str:
        body = urlencode(fields | {"csrfmiddlewaretoken": CSRF_TOKEN}).encode()
        return self._ask(Request(self._origin + path, body, self._headers))  # noqa: S310

    def ask_as_json(self, path: str, body: bytes) -> str:
        """As the page's own script sends a form."""
        headers = self._headers | {"Accept": "application/json"}
        return self._ask(Request(self._origin + path, body, headers))  # noqa: S310

    def _ask(self, request: Request) -> str:
        with urlopen(request, timeout=20) as answer:  # noqa: S310
            return str(answer.read().decode())

    def watch(self) -> ClientConnection:
        address = self._origin.replace("http", "ws", 1) + "/ws/live/"
        return connect(address, additional_headers=self._headers, origin=self._origin)  # type: ignore[arg-type]


def next_message(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next of one of these types; heartbeats and others are passed over."""
    while True:
        message = json.loads(socket.recv(timeout=60))
        if message["type"] in kinds:
            return message
