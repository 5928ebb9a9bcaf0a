"""Hooks answer 400 with the reason for words that make no sense."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import InvalidOperation

from aiohttp import web

from exchanges.paper.book import VenueRefusal

Handler = Callable[[web.Request], Awaitable[web.Response]]


def forgiving(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (ValueError, LookupError, TypeError, AttributeError, InvalidOperation, VenueRefusal) as error:
            return web.json_response({"error": f"this makes no sense: {error}"}, status=400)

    return answer
