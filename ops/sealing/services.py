"""Every sealed value of the database under the newest of FIELD_KEYS. Row by row: it can be ended at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction
from django.db.models import F, TextField
from django.db.models.functions import Cast

from exchanges.secrets import SecretField, SecretUnreadable, is_newest, opened, sealed

# what the sign-in library seals by our adapter, in its JSON
SEALED_IN_JSON = ("secret", "seed")


@dataclass(frozen=True, slots=True)
class Found:
    """Told without the value."""

    where: str
    is_newest: bool
    is_readable: bool


def look() -> list[Found]:
    return [_judged(f"{label} {pk} {name}", text) for label, pk, name, text in _everything()]


def rotate() -> int:
    """How many were sealed anew; nothing is written while a single one cannot be opened."""
    if lost := [one.where for one in look() if not one.is_readable]:
        raise SecretUnreadable("No key in FIELD_KEYS opens " + ", ".join(lost))
    columns = sum(_reseal(model, field, *row) for model, field in _fields() for row in _raw(model, field))
    return columns + sum(_reseal_factor(pk) for pk in Authenticator.objects.values_list("pk", flat=True))


def _judged(where: str, text: str) -> Found:
    try:
        opened(text)
    except SecretUnreadable:
        return Found(where, is_newest=False, is_readable=False)
    return Found(where, is_newest(text), is_readable=True)


def _everything() -> Iterator[tuple[str, Any, str, str]]:
    for model, field in _fields():
        for pk, text in _raw(model, field):
            yield model._meta.label, pk, field, text
    for factor in Authenticator.objects.order_by("pk"):
        for name in SEALED_IN_JSON:
            if text := factor.data.get(name):
                yield Authenticator._meta.label, factor.pk, name, text


def _fields() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        yield from ((model, field.name) for field in model._meta.fields if isinstance(field, SecretField))


def _raw(model: type[models.Model], field: str) -> list[tuple[Any, str]]:
    """As it stands in the database."""
    rows = model._default_manager.annotate(as_stored=Cast(F(field), TextField())).exclude(as_stored="")
    return list(rows.exclude(as_stored=None).order_by("pk").values_list("pk", "as_stored"))


def _reseal(model: type[models.Model], field: str, pk: Any, text: str) -> int:
    """Not over what somebody saved in the meantime: that is under the newest key anyway."""
    if is_newest(text):
        return 0
    same = model._default_manager.annotate(as_stored=Cast(F(field), TextField())).filter(
        pk=pk, as_stored=text
    )
    return same.update(**{field: opened(text)})


@transaction.atomic
def _reseal_factor(pk: int) -> int:
    factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
    old = [
        name
        for name in SEALED_IN_JSON
        if factor and factor.data.get(name) and not is_newest(factor.data[name])
    ]
    for name in old:
        factor.data[name] = sealed(opened(factor.data[name]))
    if old:
        factor.save(update_fields=["data"])
    return len(old)
