"""Whether somebody has more than a password: an authenticator app or a passkey. Recovery codes alone are none."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator

KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(user: Any) -> bool:
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=KINDS).exists())
