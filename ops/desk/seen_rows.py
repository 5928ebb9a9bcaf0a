"""Two people, or two tabs, at one form: what was changed since a form was opened is not written over by it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.signing import BadSignature, dumps, loads
from django.db import models
from django.utils.crypto import salted_hmac

SEEN = "seen_row"
SALT = "ops.desk.seen_rows"


class SeenRow(forms.Form):
    """Mixed into a form of the admin. A form that came without the field, from no browser, is not held up."""

    seen_row = forms.CharField(required=False, widget=forms.HiddenInput)
    instance: Any

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        if self.instance.pk and not self.is_bound:
            self.initial[SEEN] = dumps(prints_of(self.instance, self._shown()), salt=SALT)

    def clean_seen_row(self) -> str:
        given: str = self.cleaned_data[SEEN]
        if given and self.instance.pk:
            seen = _opened(given)
            now = prints_of(self.instance, self._shown())
            if changed := [name for name in now if now[name] != seen.get(name)]:
                self.add_error(None, _told(self.instance, changed))
        return given

    def _shown(self) -> list[str]:
        """Secrets are typed and never shown, so nobody has seen one."""
        secret = forms.PasswordInput
        return [name for name, field in self.fields.items() if not isinstance(field.widget, secret)]


def prints_of(row: models.Model, names: Iterable[str]) -> dict[str, str]:
    """Of each column that is a field of the form. The row is as it was read, not yet as the form would have it."""
    columns = [*row._meta.concrete_fields, *row._meta.many_to_many]
    wanted = set(names) - row.get_deferred_fields()
    return {one.name: _print(_value(row, one)) for one in columns if one.name in wanted}


def _value(row: models.Model, column: Any) -> Any:
    found = column.value_from_object(row)
    return sorted(one.pk for one in found) if column.many_to_many else found


def _print(value: Any) -> str:
    return salted_hmac(SALT, json.dumps(value, sort_keys=True, default=str)).hexdigest()[:16]


def _opened(given: str) -> dict[str, str]:
    try:
        found: dict[str, str] = loads(given, salt=SALT)
    except BadSignature:
        return {}
    return found


def _told(row: models.Model, changed: Iterable[str]) -> str:
    names = ", ".join(str(row._meta.get_field(name).verbose_name) for name in changed)  # type: ignore[union-attr]
    return f"Nothing was saved: since this page was opened somebody changed {names}. Open it again to see it."
