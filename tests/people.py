"""People of the three groups, which migrations made and no test takes away."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User


def a_person(group: str = "viewer", name: str = "", **values: Any) -> User:
    """In the group of that name; in none where it is empty."""
    user = User.objects.create_user(name or group, **{"is_staff": True} | values)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user
