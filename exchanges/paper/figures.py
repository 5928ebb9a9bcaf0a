"""Numbers as both exchanges write them."""

from __future__ import annotations

from decimal import Decimal


def text(value: Decimal | None) -> str:
    return "0" if value is None else format(value, "f")


def decimals(step: Decimal) -> int:
    return max(-int(step.normalize().as_tuple().exponent), 0)
