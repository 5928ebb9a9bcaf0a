"""One row that cannot be dealt with must not keep a sweep from the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

logger = logging.getLogger(__name__)
Key = TypeVar("Key")


def for_each(rows: Iterable[Key], act: Callable[[Key], object], complaint: str) -> int:
    """Returns how many there were. `complaint` names the row by %s."""
    found = list(rows)
    for row in found:
        try:
            act(row)
        except Exception:
            logger.exception(complaint + "; the next sweep tries again", row)
    return len(found)
