"""Request parameters of the Binance dialect: bad ones get the venue's number, never a crash."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from exchanges.paper.book import VenueRefusal

Params = Mapping[str, str]


def required(params: Params, name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise VenueRefusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return value


def number(params: Params, name: str) -> Decimal:
    value = optional_number(params, name)
    return Decimal(required(params, name)) if value is None else value


def optional_number(params: Params, name: str) -> Decimal | None:
    text = params.get(name)
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise _illegal(name) from None
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise _illegal(name)
    return value


def whole(params: Params, name: str) -> int:
    value = optional_whole(params, name)
    return int(required(params, name)) if value is None else value


def optional_whole(params: Params, name: str) -> int | None:
    text = params.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise _illegal(name)
    return int(text)


def flag(params: Params, name: str) -> bool:
    value = params.get(name, "false").lower()
    if value not in ("true", "false"):
        raise VenueRefusal(-1130, f"Data sent for parameter '{name}' is not valid.")
    return value == "true"


def _illegal(name: str) -> VenueRefusal:
    return VenueRefusal(-1100, f"Illegal characters found in parameter '{name}'.")
