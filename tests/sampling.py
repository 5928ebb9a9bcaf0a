"""Of many cases of one kind `make test` tells a sample; `make soak` tells the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def sample(cases: Sequence[Any], every: int, ids: Sequence[str] | None = None) -> list[Any]:
    """The first of each `every` cases is told always. A case is one value, or a tuple of them."""
    made = []
    for number, case in enumerate(cases):
        values = case if isinstance(case, tuple) else (case,)
        marks = [pytest.mark.soak] if number % every else []
        made.append(pytest.param(*values, marks=marks, id=ids[number] if ids else None))
    return made
