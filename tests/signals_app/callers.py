"""A caller of the webhook: plain HTTP, nothing known of us but the address and a token."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from signals_app.signatures import sign
from tests.browser.server import WebServer
from tests.ops.waiting import until

JSON = "application/json"


@dataclass(frozen=True)
class Answered:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def post(
    web: WebServer,
    path: str,
    body: bytes | str,
    content_type: str = JSON,
    method: str = "POST",
    **headers: str,
) -> Answered:
    connection = HTTPConnection("127.0.0.1", web.port, timeout=30)
    try:
        given = {"Content-Type": content_type} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        connection.request(method, path, body.encode() if isinstance(body, str) else body, given)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    assert answer.status != 500
    is_json = answer.headers.get("Content-Type", "").startswith(JSON)
    told = {name.lower(): value for name, value in answer.headers.items()}
    return Answered(answer.status, json.loads(said) if is_json and said else {}, told)


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed(key: str, body: bytes, at: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    return {"X_Timestamp": stamp, "X_Signature": "sha256=" + sign(key, stamp, body)}


def until_known(web: WebServer, token: str, name: str = "charts") -> str:
    """The web process has heard of the sender; what asks is refused before it counts as a message of it."""

    def is_known() -> bool:
        return post(web, f"/webhook/{name}/", b"", **bearing(token)).body["reason_code"] != "bad_token"

    until(is_known, "the sender to be known")
    return token
