"""Names of columns as people read them, where Django only takes the underscores out of the column's own name. A name
that a model gives by itself stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

SPOKEN = {
    "api": "API", "atr": "ATR", "id": "ID", "idx": "index", "ms": "(ms)", "pnl": "PnL", "qty": "quantity", "uid": "UID",
}  # fmt: skip
WHOLE = {
    "at": "when", "by": "by whom", "is_true": "is it true", "is_live": "still held",
}  # fmt: skip
PLURALS = {"AccountWatch": "account watches", "AccountEquity": "account equities"}


def spoken(name: str) -> str:
    return WHOLE.get(name) or " ".join(SPOKEN.get(word, word) for word in name.split("_"))


def name_fields(models: Iterable[Any]) -> None:
    """Of what is shown alone: what migrations know of a field stays as it is."""
    for model in models:
        for field in model._meta.local_fields:
            if field._verbose_name is None:
                field.verbose_name = spoken(field.name)
        plural = str(model._meta.verbose_name_plural)
        model._meta.verbose_name_plural = {
            "account watchs": "account watches",
            "account equitys": "equities",
        }.get(plural, plural)
