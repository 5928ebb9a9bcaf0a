"""A text column that is encrypted at rest and fails closed."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class SecretUnreadable(Exception):
    """No key in FIELD_KEYS opens this value; add the key it was written with."""


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


class SecretField(models.TextField):  # type: ignore[type-arg]
    """Plain text in Python, Fernet in the database; the first of FIELD_KEYS writes, all of them read."""

    def get_prep_value(self, value: Any) -> Any:
        return _box().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        if not value:
            return value
        try:
            return _box().decrypt(value.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable("No key in FIELD_KEYS opens this value.") from None
