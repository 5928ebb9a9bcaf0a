"""Numbers of the admin as people read them: without the zeros of their column, prices by their contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.db import models

from positions import formats


class ReadableNumbers:
    """For admins and inlines: their columns and fields that hold a number become displays of it."""

    opts: Any
    prices: tuple[
        str, ...
    ] = ()  # written with the contract's decimals, besides those that are called a price

    def increment_of(self, row: Any) -> Decimal | None:
        """Of the contract a row is about; None: not known."""
        return None

    def readable(self, names: Iterable[Any]) -> list[Any]:
        return [self._displays.get(name, name) if isinstance(name, str) else name for name in names]

    @cached_property
    def _displays(self) -> dict[str, Callable[[Any], str]]:
        """The same ones each time: the admin asks whether one is in a list."""
        numbers = (one for one in self.opts.get_fields() if isinstance(one, models.DecimalField))
        return {one.name: self._display(one) for one in numbers if not hasattr(self, one.name)}

    def _display(self, field: Any) -> Callable[[Any], str]:
        def shown(row: Any) -> str:
            return self._written(field.name, getattr(row, field.name), row)

        display: Any = admin.display(description=field.verbose_name, ordering=field.name)
        shown.__name__ = field.name
        return display(shown)  # type: ignore[no-any-return]

    def _written(self, name: str, value: Decimal | None, row: Any) -> str:
        is_price = name in self.prices or name.endswith("price")
        increment = self.increment_of(row) if is_price else None
        return formats.price(value, increment) if increment else formats.quantity(value)
