"""The signed-in person's preferences, for every page, as `preferences` in templates.

Our pages are written in UTC and their script shows times in the chosen zone, as it does for rows that come later. The
admin has no such script: its times are written in the zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ops.desk.preference_models import Preferences
from positions import formats

ADMIN = "/admin/"


def of_user(user: Any) -> Preferences:
    """Never to be saved: without a row these are the defaults."""
    if not getattr(user, "is_authenticated", False):
        return Preferences()
    return Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)


def in_own_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Of pages that a browser's session asks for; senders and tokens have none, and nothing is asked for them."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return get_response(request)
        chosen = of_user(request.user)
        request.preferences = chosen  # type: ignore[attr-defined]
        zone = ZoneInfo(chosen.zone) if request.path.startswith(ADMIN) else UTC
        with timezone.override(zone), formats.money_with(chosen.money_decimals):
            return get_response(request)

    return middleware


def for_templates(request: HttpRequest) -> dict[str, Preferences]:
    """Saving them changes what this very page shows, so they are asked for by the one who renders."""
    return {"preferences": getattr(request, "preferences", None) or Preferences()}
