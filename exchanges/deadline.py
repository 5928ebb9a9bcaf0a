"""A moment after which a change must not leave this process, however long anything on its way was frozen. It is asked
after the request was signed, so that from there on the venue itself refuses what is too old."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_LEAVES_BEFORE: ContextVar[datetime | None] = ContextVar("LEAVES_BEFORE", default=None)


@contextmanager
def leaving_before(moment: datetime) -> Iterator[None]:
    token = _LEAVES_BEFORE.set(moment)
    try:
        yield
    finally:
        _LEAVES_BEFORE.reset(token)


def is_too_late() -> bool:
    moment = _LEAVES_BEFORE.get()
    return moment is not None and datetime.now(UTC) > moment
