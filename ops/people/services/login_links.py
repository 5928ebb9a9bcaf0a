"""Links that sign somebody in once: made by whoever starts the bot, taken by the browser beside it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from ops.people.link_models import LoginLink
from signals_app.tokens import token_hash

LIVES = timedelta(minutes=15)


def issue(user: Any, now: datetime) -> str:
    """The word that signs them in, which is kept nowhere. One before it works no more."""
    word = secrets.token_urlsafe(32)
    values = {"token_hash": token_hash(word), "expires_at": now + LIVES}
    LoginLink.objects.update_or_create(user=user, defaults=values)
    return word


def take(word: str, now: datetime) -> Any | None:
    """Whoever it signs in; None where it does not, or not any more. Of two at once one takes it."""
    found = LoginLink.objects.filter(token_hash=token_hash(word)).select_related("user").first()
    if found is None or not LoginLink.objects.filter(pk=found.pk, token_hash=found.token_hash).delete()[0]:
        return None
    is_welcome = found.expires_at > now and found.user.is_active
    return found.user if is_welcome else None


def of_the_administrator(now: datetime) -> tuple[str, str] | None:
    """(name, word) of the first of them who may sign in."""
    able = get_user_model().objects.filter(is_superuser=True, is_active=True, is_staff=True)
    user = able.order_by("pk").first()
    return (user.get_username(), issue(user, now)) if user else None
