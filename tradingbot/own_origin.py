"""From where a browser may open a socket with its session: from the bot's own pages.

That the name is one of ALLOWED_HOSTS is not enough: another program at another port of the same machine has it too, and
browsers give cookies to all ports alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class OwnOrigin:
    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        is_own = _is_own(dict(scope["headers"]))
        await (self._application if is_own else WebsocketDenier())(scope, receive, send)


def _is_own(headers: dict[bytes, bytes]) -> bool:
    """As Django judges forms: the host that was asked, or one of CSRF_TRUSTED_ORIGINS where a proxy names another."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    is_asked = bool(host) and urlsplit(origin).netloc == host
    return is_asked or any(fnmatchcase(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS)
