"""Pages that stay right while rows are added: the next one begins after a row, not after a number of them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from ninja import Query
from pydantic import BaseModel, Field

from tradingbot.api.problems import Refusal

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown")
NOT_OURS = "This cursor is not one of ours: give `next` of the page before, unchanged."


class Asked(BaseModel):
    limit: int = Field(50, ge=1, le=200)
    after: str = Field("", max_length=200, description="`next` of the page before")


Paged = Annotated[Asked, Query()]


class Page(BaseModel, Generic[Shown]):
    items: list[Shown]
    next: str | None = Field(
        description="Give it as `after` for the page behind this one; null: it was the last"
    )


def page_of(
    rows: QuerySet[Row], moment: str, asked: Asked, show: Callable[[Row], Shown]
) -> dict[str, list[Shown] | str | None]:
    """Newest first by this column."""
    found = list(_behind(rows, moment, asked.after).order_by(f"-{moment}", "-pk")[: asked.limit + 1])
    shown, more = found[: asked.limit], len(found) > asked.limit
    return {"items": [show(one) for one in shown], "next": _cursor(shown[-1], moment) if more else None}


def _behind(rows: QuerySet[Row], moment: str, cursor: str) -> QuerySet[Row]:
    if not cursor:
        return rows
    at, key = _read(cursor, rows.model)
    return rows.filter(Q(**{f"{moment}__lt": at}) | Q(pk__lt=key), **{f"{moment}__lte": at})


def _cursor(row: Model, moment: str) -> str:
    return urlsafe_b64encode(f"{getattr(row, moment).isoformat()} {row.pk}".encode()).decode()


def _read(cursor: str, model: type[Model]) -> tuple[datetime, Any]:
    try:
        moment, key = urlsafe_b64decode(cursor.encode()).decode().split(" ")
        at = datetime.fromisoformat(moment)
        found = model._meta.pk.to_python(key)
    except (ValueError, ValidationError):
        raise Refusal(422, NOT_OURS) from None
    if at.tzinfo is None:
        raise Refusal(422, NOT_OURS)
    return at, found
