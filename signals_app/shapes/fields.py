"""Readers of single fields: a value, None where it may be absent, or Refused. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from positions.signal_ids import signal_id_text
from signals_app.reasons import ReasonCode
from signals_app.shapes.signal import Refused

Fields = Mapping[str, Any]

MAX_MESSAGE = 500
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE = timedelta(days=1)
MILLISECONDS_FROM = 10**11
HUNDRED = Decimal(100)
LARGEST = 10**20  # JSON has no infinity, but 1e999 becomes one
# the venue before the colon says where a chart looked, not where to trade
SYMBOL = re.compile(
    r"(?:(?:BINANCE|BYBIT):)?"
    r"(?P<pair>[A-Z0-9]+?(?:[/_-]?(?P<quote>USDT|USDC))?)"
    r"(?::(?P<settled_in>USDT|USDC))?"
    r"(?:\.P|(?<=USD[TC])(?:[_-]?PERP|-SWAP))?"
)
NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


def is_given(fields: Fields, name: str) -> bool:
    return fields.get(name) not in (None, "")


def required_text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if value is None or value == "":
        raise Refused(f"{name} is missing", ReasonCode.MISSING_FIELD)
    if not isinstance(value, str):
        raise Refused(f"{name} must be text, not {type(value).__name__}")
    if not value.isprintable() and any(map(_is_control, value)):
        raise Refused(f"{name} holds control characters")
    return value


def _is_control(character: str) -> bool:
    """A line break or tab is a space like others; senders like to end a text with one."""
    return character not in "\t\r\n" and unicodedata.category(character) in ("Cc", "Cs")


def symbol(fields: Fields, name: str = "symbol") -> str:
    return plain_symbol(required_text(fields, name))


def plain_symbol(text: str) -> str:
    """BTC/USDT:USDT, btc-usdt, BINANCE:BTCUSDT.P and BTCUSDT are one; a dated BTC/USDT:USDT-261225 is another."""
    given = text.strip().upper()
    match = SYMBOL.fullmatch(given)
    if match is None or match["settled_in"] not in (None, match["quote"]):
        raise _no_perpetual(given)
    plain = re.sub("[/_-]", "", match["pair"])
    if not 2 <= len(plain) <= 20:
        raise _no_perpetual(given)
    return plain


def _no_perpetual(given: str) -> Refused:
    return Refused(f"symbol {given[:40]!r} is no perpetual contract", ReasonCode.BAD_SYMBOL)


def message(fields: Fields) -> str:
    text = " ".join(required_text(fields, "message").split())
    if not text:
        raise Refused("message is missing", ReasonCode.MISSING_FIELD)
    if len(text) > MAX_MESSAGE:
        raise Refused(f"message text is longer than {MAX_MESSAGE} characters")
    return text


def action(fields: Fields, name: str, words: Mapping[str, str]) -> str:
    """The word as this bot says it."""
    given = required_text(fields, name).strip().lower()
    if given not in words:
        raise Refused(f"{name} {given[:40]!r} is none of {', '.join(words)}")
    return words[given]


def required_time(fields: Fields, name: str, received_at: datetime) -> datetime:
    given = moment(fields, name, received_at)
    if given is None:
        raise Refused(f"{name} is missing", ReasonCode.MISSING_FIELD)
    return given


def moment(fields: Fields, name: str, received_at: datetime) -> datetime | None:
    if not is_given(fields, name):
        return None
    given = _moment(fields[name])
    if given is None:
        raise Refused(f"{name} is no time: use ISO 8601, or seconds or milliseconds since 1970")
    if not OLDEST <= given <= received_at + FUTURE_TOLERANCE:
        raise Refused(f"{name} {given:%Y-%m-%d} cannot be right")
    return given


def _moment(value: object) -> datetime | None:
    if isinstance(value, str) and re.fullmatch(r"\d{10}|\d{13}", value):
        value = int(value)
    try:
        if isinstance(value, str) and value.isprintable():  # the reader of dates stops at a NUL
            given = datetime.fromisoformat(value)
            return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value >= MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def signal_id(fields: Fields) -> str | None:
    try:
        return signal_id_text(fields.get("signal_id")) or signal_id_text(fields.get("id"))
    except ValueError as error:
        raise Refused(str(error)) from None


def number(fields: Fields, name: str) -> Decimal | None:
    """Streams carry numbers as text. A float is the shortest decimal that means it."""
    value = fields.get(name)
    if not is_given(fields, name):
        return None
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{name} must be a number, not {type(value).__name__}")
    if abs(value) >= LARGEST:
        raise Refused(f"{name} is larger than any number of a signal")
    return Decimal(repr(value))


def percent(fields: Fields, name: str, most: Decimal = HUNDRED) -> Decimal | None:
    """More than nothing and below the most; 2 is 2 %."""
    value = number(fields, name)
    if value is not None and not 0 < value < most:
        raise Refused(f"{name} {value:.10g} is no percent between 0 and {most}")
    return value


def price(fields: Fields, name: str) -> Decimal | None:
    value = number(fields, name)
    if value is not None and not 0 < value < 10**12:
        raise Refused(f"{name} {value:.10g} is no price")
    return value


def count(fields: Fields, name: str, most: int) -> int | None:
    value = number(fields, name)
    if value is None:
        return None
    if not 1 <= value <= most or value != int(value):
        raise Refused(f"{name} {value:.10g} is no whole number from 1 to {most}")
    return int(value)


def score(fields: Fields, name: str, best: int) -> Decimal:
    """0..100, whatever the shape's best is. Which scale it is, the shape knows; the value does not tell."""
    value = number(fields, name)
    if value is None:
        raise Refused(f"{name} is missing", ReasonCode.MISSING_FIELD)
    if not 0 <= value <= best:
        raise Refused(f"{name} {value:.10g} is not from 0 to {best}")
    return value * 100 / best
