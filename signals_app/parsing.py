"""From a foreign message to a Signal, or to the reason why it is none. Pure; never raises on any input."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from positions.signal_ids import signal_id_text
from signals_app.reasons import ReasonCode

MAX_BYTES = 64 * 1024
MAX_MESSAGE = 500
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE = timedelta(days=1)
SYMBOL = re.compile(r"[A-Z0-9]{2,20}")
MILLISECONDS_FROM = 10**11


@dataclass(frozen=True, slots=True)
class Signal:
    """symbol is upper case without separators (BTCUSDT); signal_id is the sender's own, None when it gave none."""

    symbol: str
    message: str
    bar_time: datetime
    sent_at: datetime | None
    signal_id: str | None

    @property
    def uid(self) -> str:
        """SHA-256 of the canonical (symbol, message, bar_time): equal content, equal uid, in every process."""
        content = [
            self.symbol,
            self.message,
            self.bar_time.astimezone(UTC).isoformat(timespec="microseconds"),
        ]
        return sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Unreadable:
    reason: str
    code: ReasonCode = ReasonCode.UNREADABLE


class _Refused(Exception):
    def __init__(self, reason: str, code: ReasonCode = ReasonCode.UNREADABLE) -> None:
        super().__init__(reason)
        self.code = code


def parse(frame: bytes | str, received_at: datetime) -> Signal | Unreadable:
    try:
        return _signal(_object(frame), received_at)
    except _Refused as refusal:
        return Unreadable(str(refusal), refusal.code)


def _object(frame: bytes | str) -> dict[str, Any]:
    text = _text(frame)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _Refused(f"not JSON: {error.msg} at character {error.pos}") from None
    except (RecursionError, ValueError):
        raise _Refused("JSON too deep, or with a number too long") from None
    if not isinstance(value, dict):
        raise _Refused(f"a signal is a JSON object, not {type(value).__name__}")
    return value


def _text(frame: bytes | str) -> str:
    size = len(frame if isinstance(frame, bytes) else frame.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise _Refused(f"message of {size} bytes is larger than {MAX_BYTES}", ReasonCode.TOO_LARGE)
    if isinstance(frame, str):
        return frame
    try:
        return frame.decode("utf-8")
    except UnicodeDecodeError:
        raise _Refused("message is not UTF-8 text") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values for one field: neither can be trusted."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _Refused("a field is given twice")
    return fields


def _no_constant(name: str) -> Any:
    raise _Refused(f"{name} is not a number a signal may hold")


def _signal(fields: dict[str, Any], received_at: datetime) -> Signal:
    bar_time = _time(fields, "bar_time", received_at) or _time(fields, "time", received_at)
    if bar_time is None:
        raise _Refused(
            "bar_time is missing: without it a repeat could not be told from a new signal",
            ReasonCode.MISSING_FIELD,
        )
    return Signal(
        symbol=_symbol(fields),
        message=_message(fields),
        bar_time=bar_time,
        sent_at=_time(fields, "sent_at", received_at),
        signal_id=_signal_id(fields),
    )


def _required_text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None or value == "":
        raise _Refused(f"{name} is missing", ReasonCode.MISSING_FIELD)
    if not isinstance(value, str):
        raise _Refused(f"{name} must be text, not {type(value).__name__}", ReasonCode.BAD_FIELD)
    if any(_is_control(character) for character in value):
        raise _Refused(f"{name} holds control characters", ReasonCode.BAD_FIELD)
    return value


def _is_control(character: str) -> bool:
    """A line break or tab is a space like others; senders like to end a text with one."""
    return character not in "\t\r\n" and unicodedata.category(character) in ("Cc", "Cs")


def _symbol(fields: dict[str, Any]) -> str:
    """BTC/USDT:USDT, btc-usdt, BTCUSDT.P and BTCUSDT are one; a dated BTC/USDT:USDT-261225 is another contract."""
    given = _required_text(fields, "symbol").strip().upper()
    pair, colon, settled_in = given.partition(":")
    symbol = re.sub(r"[/_-]", "", pair.removesuffix(".P"))
    if not SYMBOL.fullmatch(symbol) or (colon and settled_in != "USDT"):
        raise _Refused(f"symbol {given[:40]!r} is not one", ReasonCode.BAD_SYMBOL)
    return symbol


def _message(fields: dict[str, Any]) -> str:
    message = " ".join(_required_text(fields, "message").split())
    if not message:
        raise _Refused("message is missing", ReasonCode.MISSING_FIELD)
    if len(message) > MAX_MESSAGE:
        raise _Refused(f"message text is longer than {MAX_MESSAGE} characters", ReasonCode.BAD_FIELD)
    return message


def _time(fields: dict[str, Any], name: str, received_at: datetime) -> datetime | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    moment = _moment(value)
    if moment is None:
        raise _Refused(
            f"{name} is no time: use ISO 8601, or seconds or milliseconds since 1970", ReasonCode.BAD_FIELD
        )
    if not OLDEST <= moment <= received_at + FUTURE_TOLERANCE:
        raise _Refused(f"{name} {moment:%Y-%m-%d} cannot be right", ReasonCode.BAD_FIELD)
    return moment


def _moment(value: object) -> datetime | None:
    if isinstance(value, str) and re.fullmatch(r"\d{10}|\d{13}", value):
        value = int(value)
    try:
        if isinstance(value, str) and value.isprintable():  # the reader of dates stops at a NUL
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value >= MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _signal_id(fields: dict[str, Any]) -> str | None:
    try:
        return signal_id_text(fields.get("signal_id")) or signal_id_text(fields.get("id"))
    except ValueError as error:
        raise _Refused(str(error), ReasonCode.BAD_FIELD) from None
