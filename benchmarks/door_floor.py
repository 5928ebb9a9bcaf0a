"""The least a door can cost here: a bare application on the same server, one commit for each message, no decisions."""

from __future__ import annotations

import os
from typing import Any

import psycopg

TABLE = "CREATE TABLE IF NOT EXISTS door_floor (id bigserial PRIMARY KEY, raw text NOT NULL)"
INSERT = "INSERT INTO door_floor (raw) VALUES (%s) RETURNING id"
HEADERS = [(b"content-type", b"application/json")]
_kept: list[psycopg.Connection[Any]] = []


def _commit(raw: str) -> bytes:
    if not _kept:
        _kept.append(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0))
        _kept[0].execute(TABLE)
    row = _kept[0].execute(INSERT, [raw]).fetchone()
    assert row is not None
    return b'{"log_id": %d}' % row[0]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": _commit(message["text"]).decode()})
    elif scope["type"] == "http":
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": _commit(body.decode())})
