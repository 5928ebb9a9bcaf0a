"""The words of the legacy signal server: from a frame to what it says. Pure; never raises on any input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ASK_SIGNALS = json.dumps({"type": "get_signals"})
ASK_STATS = json.dumps({"type": "get_stats"})
PING = json.dumps({"type": "ping"})
TEXT_KEPT = 200
MOST_LEVELS = 20  # of a record that says what signals say
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuthRequired:
    pass


@dataclass(frozen=True, slots=True)
class AuthSuccess:
    """query_interval in seconds, signal_window in minutes, where the server tells them."""

    query_interval: float | None
    signal_window: float | None


@dataclass(frozen=True, slots=True)
class AuthFailed:
    message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All signals of the server's recent window: it replaces the one before."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Stats:
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServerError:
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Dropped, with a line that says what it was."""

    text: str


Said = AuthRequired | AuthSuccess | AuthFailed | Snapshot | Pong | Stats | ServerError | Unknown


def auth(token: str) -> str:
    return json.dumps({"type": "auth", "token": token})


def read(frame: str | bytes) -> Said:
    try:
        value = json.loads(frame, object_pairs_hook=_unique, parse_int=_integer)
    except (ValueError, RecursionError):
        return Unknown("a frame that is not JSON, or nested too deeply; signals in it are lost")
    if not isinstance(value, dict):
        return Unknown(f"a frame that is no object but {type(value).__name__}")
    return _said(value.get("type"), value)


def _integer(digits: str) -> int | str:
    """Text where it is too long for a number: that spoils its own record and no other."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values for one field: neither can be trusted, and nothing reads what is kept of them here."""
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {"a field is given twice": pairs}


def _said(kind: object, value: dict[str, Any]) -> Said:
    match kind:
        case "auth_required":
            return AuthRequired()
        case "auth_success":
            return AuthSuccess(_number(value.get("query_interval")), _number(value.get("signal_window")))
        case "auth_failed":
            return AuthFailed(_text(value.get("message")))
        case "signals":
            return _snapshot(value.get("data"))
        case "pong":
            return Pong()
        case "stats":
            return Stats(value)
        case "error":
            return ServerError(_text(value.get("message")))
    return Unknown(f"a message of type {_text(kind)!r}")


def _snapshot(data: object) -> Snapshot | Unknown:
    if not isinstance(data, list):
        return Unknown("signals without a list of them")
    return Snapshot(tuple(_record(one) for one in data))


def _record(value: object) -> dict[str, Any]:
    """What cannot be told on without danger spoils itself and no other record."""
    if _is_deeper(value, MOST_LEVELS):
        return {"nested_too_deeply": True}
    return value if isinstance(value, dict) else {"not_an_object": value}


def _is_deeper(value: object, levels: int) -> bool:
    """Level by level, for it is the depth that Python's own stack does not bear."""
    level = [value]
    for _ in range(levels):
        level = [inner for one in level for inner in _inside(one)]
    return bool(level)


def _inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e9 else None  # type: ignore[arg-type]


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())[:TEXT_KEPT]
