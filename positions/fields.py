"""Columns the ORM has no word for."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


class PostgresEnumField(models.CharField):  # type: ignore[type-arg]
    """A column of a PostgreSQL enum type; a migration creates the type before the table."""

    def __init__(self, *args: Any, enum_type: str, **kwargs: Any) -> None:
        self.enum_type = enum_type
        kwargs.setdefault("max_length", 32)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return self.enum_type

    def cast_db_type(self, connection: Any) -> str:
        return self.enum_type

    def get_prep_value(self, value: Any) -> Any:
        """A word that the type does not have is the asker's fault, told before the database is asked."""
        found = super().get_prep_value(value)
        if self.choices and isinstance(found, str) and found not in dict(self.flatchoices):
            raise ValidationError(f"{self.verbose_name}: there is no {found[:60]!r}.")
        return found

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"enum_type": self.enum_type}


def signal_id_field() -> models.CharField:  # type: ignore[type-arg]
    """The sender's own id of a signal: text, often absent, and a reference to nothing."""
    return models.CharField(
        max_length=100,
        null=True,
        blank=True,
        db_index=True,
        db_comment="Id the sender gave the signal: text of any shape, NULL when it gave none; refers to nothing.",
    )


def money(**kwargs: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=20, decimal_places=8, **kwargs)  # type: ignore[arg-type]
