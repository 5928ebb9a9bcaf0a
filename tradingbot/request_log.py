"""Each request has an id that its log lines and its answer carry, and the name of whoever asks."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from ops.log_context import bound

HEADER = "X-Request-ID"
_PLAIN = re.compile(r"[A-Za-z0-9-]{8,36}")


def request_log(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if _PLAIN.fullmatch(given) else uuid.uuid4().hex[:16]
        with bound(request_id=request_id, user=lambda: _known_user(request)):
            response = get_response(request)
        response.headers[HEADER] = request_id
        return response

    return middleware


def _known_user(request: HttpRequest) -> str:
    """Nobody is looked up for a line of the log."""
    user = getattr(request, "_cached_user", None)
    return str(user.get_username()) if user is not None else ""
