"""A text column that is encrypted at rest and fails closed."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

SEALED = "sealed:"  # how a value stands in a dump, which anybody may read


class SecretUnreadable(Exception):
    """No key in FIELD_KEYS opens this value; add the key it was written with."""


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def sealed(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def opened(text: str) -> str:
    try:
        return _box().decrypt(text.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable("No key in FIELD_KEYS opens this value.") from None


def is_newest(text: str) -> bool:
    """Whether it is sealed under the first of FIELD_KEYS."""
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(text.encode())
    except InvalidToken:
        return False
    return True


class SecretField(models.TextField):  # type: ignore[type-arg]
    """Plain text in Python, Fernet in the database; the first of FIELD_KEYS writes, all of them read."""

    def get_prep_value(self, value: Any) -> Any:
        return sealed(value) if value else value

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return opened(value) if value else value

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return SEALED + sealed(value) if value else ""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith(SEALED):
            return opened(value.removeprefix(SEALED))
        return super().to_python(value)
