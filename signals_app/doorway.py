"""What must happen to a request before the server or a framework writes anything about it.

A token in the address is taken out of it, in the server's own scope: no access log, no warning about a refused
request and no page about an error can show what is not there any more. And no more of a body is read than a webhook
may send.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 64 * 1024
LONGEST_NAME = 40
WEBHOOK = re.compile(r"/+webhook/+(?P<sender>[^/]+)(?:/+(?P<token>.*?))?/*", re.DOTALL)
SECRET_WORDS = (b"token=", b"secret=")


class Doorway:
    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            _hide_query(scope)
            if _hide_token(scope):
                receive = _no_more_than(receive, MAX_BODY, _declared(scope))
        await self._application(scope, receive, send)


def _hide_query(scope: Scope) -> None:
    if any(word in scope.get("query_string", b"").lower() for word in SECRET_WORDS):
        scope["query_string"] = b""
        scope["has_token_in_query"] = True


def _hide_token(scope: Scope) -> bool:
    """A first part that is too long for a name is likely a token in the wrong place."""
    found = WEBHOOK.fullmatch(scope["path"]) if scope["type"] == "http" else None
    if found is None:
        return False
    sender = found["sender"] if len(found["sender"]) <= LONGEST_NAME else "-"
    scope["webhook_token"] = found["token"] or None
    scope["path"] = f"/webhook/{sender}/"
    scope["raw_path"] = scope["path"].encode("utf-8", "replace")
    return True


def _declared(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _no_more_than(receive: Receive, limit: int, declared: int) -> Receive:
    """A body that is too long ends one byte behind the limit, which tells that it was; the rest is thrown away."""
    taken = 0
    is_whole = False

    async def next_message() -> Message:
        nonlocal taken, is_whole
        if declared > limit and not is_whole:
            is_whole = True
            return {"type": "http.request", "body": b"", "more_body": False}
        message = await receive()
        while is_whole and message["type"] == "http.request":
            message = await receive()
        if message["type"] == "http.request":
            body = message.get("body", b"")[: limit + 1 - taken]
            taken += len(body)
            is_whole = taken > limit or not message.get("more_body", False)
            return {"type": "http.request", "body": body, "more_body": not is_whole}
        return message

    return next_message
