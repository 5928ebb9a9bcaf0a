"""Keeps how a person wants to see the pages."""

from __future__ import annotations

from typing import Any

from ops.desk.preference_models import Preferences


def keep(user_id: int, chosen: dict[str, Any]) -> Preferences:
    return Preferences.objects.update_or_create(user_id=user_id, defaults=chosen)[0]
