"""Ids that the product draws come from the seed, so that a world can be told again."""

from __future__ import annotations

import random
import uuid

import celery.app.base  # noqa: F401  (Celery's own ids, drawn when it likes, keep coming from the system)

_ids = random.Random()


def take_over() -> None:
    """Before the product's models are imported: they name the function that draws their keys."""
    uuid.uuid4 = lambda: uuid.UUID(bytes=_ids.randbytes(16), version=4)


def begin(seed: int) -> None:
    _ids.seed(f"ids of {seed}")
    random.seed(seed)
