"""The base classes of every page of the admin."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest

from positions import formats

PAGES_END = (
    10_000  # rows; beyond them dates and filters lead further, a count of millions would be waited for
)


def person(request: HttpRequest) -> User:
    """Who is signed in, as nobody else reaches the admin."""
    return cast(User, request.user)


class PatientPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody turns pages."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:PAGES_END].count())


class DeskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Numbers without the zeros of their column, prices by their contract, nothing deleted in bulk."""

    list_per_page = 50
    show_full_result_count = False
    prices: tuple[str, ...] = ()  # columns written with the contract's decimals
    may_delete_many = False

    def get_list_display(self, request: HttpRequest) -> Any:
        return [self._readable(column) for column in super().get_list_display(request)]

    def get_actions(self, request: HttpRequest) -> Any:
        found = super().get_actions(request)
        if not self.may_delete_many:
            found.pop("delete_selected", None)
        return found

    def increment_of(self, row: Any) -> Decimal | None:
        """Of the contract a row is about; None: not known."""
        return None

    def _readable(self, column: Any) -> Any:
        if not isinstance(column, str) or column in self.list_editable or hasattr(self, column):
            return column
        field = self._field(column)
        return self._number(field) if isinstance(field, models.DecimalField) else column

    def _field(self, name: str) -> Any:
        return next((one for one in self.opts.get_fields() if one.name == name), None)

    def _number(self, field: Any) -> Callable[[Any], str]:
        def shown(row: Any) -> str:
            return self._written(field.name, getattr(row, field.name), row)

        display: Any = admin.display(description=field.verbose_name, ordering=field.name)
        shown.__name__ = field.name
        return display(shown)  # type: ignore[no-any-return]

    def _written(self, name: str, value: Decimal | None, row: Any) -> str:
        increment = self.increment_of(row) if name in self.prices else None
        return formats.price(value, increment) if increment else formats.quantity(value)


class ReadOnlyAdmin(DeskAdmin):
    """To look at, not to touch: these rows are written by services alone."""

    paginator = PatientPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or [field.name for field in self.opts.fields]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
