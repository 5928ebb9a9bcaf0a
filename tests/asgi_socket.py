"""A WebSocket spoken straight to an ASGI application (channels.testing would need daphne)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from asgiref.testing import ApplicationCommunicator


class AsgiSocket(ApplicationCommunicator):
    def __init__(self, application: Any, path: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": list(headers),
            "subprotocols": [],
        }
        super().__init__(application, scope)

    async def connect(self, seconds: float = 3) -> bool:
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(seconds))["type"] == "websocket.accept"

    async def send_text(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def send_json(self, value: Any) -> None:
        await self.send_text(json.dumps(value))

    async def receive_json(self, seconds: float = 4) -> Any:
        message = await self.receive_output(seconds)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def disconnect(self, seconds: float = 3) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(seconds)
