"""Who may do what: one answer for pages, sockets, the admin and the API. The rights are Django's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

LOOK = "positions.view_position"
ACT = "positions.change_position"
SWITCH = "exchanges.switch_trading"

# why a socket is closed, as its browser reads it
SIGNED_OUT = 4401
NOT_ALLOWED = 4403

View = Callable[..., HttpResponse]


def may(user: Any, permission: str) -> bool:
    return is_signed_in(user) and bool(user.is_staff and user.has_perm(permission))


def is_signed_in(user: Any) -> bool:
    return user is not None and bool(user.is_authenticated and user.is_active)


def mode_of_trading(request: HttpRequest) -> dict[str, str]:
    """For pages that no view of ours makes."""
    return {"mode": "PAPER" if settings.DRY_RUN else "LIVE"}


def why_not_watch(user: Any) -> int | None:
    """The code to close a live socket with; None for whoever may look."""
    if not is_signed_in(user):
        return SIGNED_OUT
    return None if may(user, LOOK) else NOT_ALLOWED


def asking(permission: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Strangers are sent to the login. Whoever is signed in already is told no: a login would not help."""

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def asked(request: HttpRequest, *names: Any, **words: Any) -> HttpResponseBase:
            if not is_signed_in(request.user):
                return redirect_to_login(request.get_full_path())
            if not may(request.user, permission):
                raise PermissionDenied
            return view(request, *names, **words)

        asked.permission = permission  # type: ignore[attr-defined]
        return asked

    return decorate


may_look = asking(LOOK)
may_act = asking(ACT)
may_switch = asking(SWITCH)
