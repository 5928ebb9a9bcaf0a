"""What cannot be called back is asked of whoever signed in, or said once more that it is them, a moment ago."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

CONFIRMED_AT = "confirmed_at"  # in the session

STALE = "You signed in a while ago, so nothing was done. Say once more that it is you, then do it again."


def note_confirmed(request: HttpRequest | None, **signal: Any) -> None:
    """Told of every sign-in and of every step of one."""
    if request is not None:
        request.session[CONFIRMED_AT] = time.time()


def is_fresh(request: HttpRequest) -> bool:
    confirmed_at = request.session.get(CONFIRMED_AT, 0)
    return bool(
        request.user.is_authenticated and time.time() - confirmed_at < settings.FRESH_FOR.total_seconds()
    )


def ask_again(request: HttpRequest) -> HttpResponse:
    """To the page that asks, and from there back to the form. What was typed is not kept: it may be a key."""
    address = f"{_where_to_confirm(request)}?{urlencode({'next': request.get_full_path()})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"sentence": STALE, "confirm_at": address}, status=403)
    messages.warning(request, STALE)
    return HttpResponseRedirect(address)


def _where_to_confirm(request: HttpRequest) -> str:
    """By password, or by what somebody without one has."""
    ways = get_adapter().get_reauthentication_methods(request.user)
    return str(ways[0]["url"]) if ways else reverse("account_reauthenticate")


def freshly(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Beneath the decorator that asks for a permission."""

    @wraps(view)
    def asked(request: HttpRequest, *names: Any, **words: Any) -> HttpResponse:
        return view(request, *names, **words) if is_fresh(request) else ask_again(request)

    return asked
