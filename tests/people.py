"""People of the three groups, which migrations made and no test takes away."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import Group, User

SECRET = "JBSWY3DPEHPK3PXP"


def a_person(group: str = "viewer", name: str = "", **values: Any) -> User:
    """In the group of that name; in none where it is empty."""
    user = User.objects.create_user(name or group, **{"is_staff": True} | values)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user


def with_second_factor(user: User) -> User:
    """An authenticator app whose secret nobody needs to know."""
    TOTP.activate(user, SECRET)
    return user


def code_now(seconds_from_now: int = 0) -> str:
    """What the app of `with_second_factor` shows."""
    counter = int(time.time() + seconds_from_now) // 30
    return format_hotp_value(hotp_value(SECRET, counter))
