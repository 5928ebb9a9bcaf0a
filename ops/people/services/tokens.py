"""Tokens of programs: made, used, revoked."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from ops.people.token_models import ApiToken, Scope
from signals_app.tokens import token_hash

PREFIX = "tb_"
NOTED_EVERY = timedelta(minutes=1)


def issue(user: Any, name: str, scope: Scope, days: int) -> tuple[ApiToken, str]:
    """The row, and the token itself, which is kept nowhere."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user, name=name, scope=scope, begins_with=token[:8], token_hash=token_hash(token),
        expires_at=timezone.now() + timedelta(days=days),
    )  # fmt: skip
    return row, token


def revoke(user: Any, token_id: int) -> bool:
    """One's own. It stays in the list, for whoever asks later what it was."""
    mine = ApiToken.objects.filter(pk=token_id, user=user, revoked_at__isnull=True)
    return bool(mine.update(revoked_at=timezone.now()))


def token_of(text: str, now: datetime) -> ApiToken | None:
    """What a program that shows this token may speak with; None if it may not. Notes when it was last used."""
    found = ApiToken.objects.select_related("user").filter(token_hash=token_hash(text)).first()
    if found is None or found.revoked_at or found.expires_at <= now:
        return None
    if not (found.user.is_active and found.user.is_staff):
        return None
    unused = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - NOTED_EVERY)
    ApiToken.objects.filter(unused, pk=found.pk).update(last_used_at=now)
    return found
