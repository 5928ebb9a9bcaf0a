"""What the v2/v4 signal bots wrote down of signals, of what strategies did with them, and of themselves. Pure.

A signal is named again from its symbol, phrase and bar, as every signal is here: the older bots named them by a text or
by a random number, and neither would tell a repeat that comes in after the move.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ops.legacy.mapping.reading import NothingToCarry, Rejection, Row, moment, needed, plain, text
from signals_app.reasons import ReasonCode
from signals_app.shapes.own import OWN
from signals_app.shapes.signal import Refused, Signal

SOURCE_LENGTH = 60
ACTED = {
    "opened": "opened", "position_opened": "opened",
    "closed": "closed", "position_closed": "closed",
    "protect": "protected", "protected": "protected",
}  # fmt: skip
HANDED_ON = "dispatched"
LEVELS = {"WARN": "WARNING", "WARNING": "WARNING", "ERROR": "ERROR", "CRITICAL": "ERROR", "FATAL": "ERROR"}
NOT_ON_RECORD = "of an older bot; what its strategies did with it is not on record"


@dataclass(frozen=True, slots=True)
class SignalReading:
    """signal: None where the row says too little to name it."""

    signal: Signal | None
    columns: dict[str, Any]


def signal(row: Row) -> SignalReading:
    received_at = moment(row, "received_at", "logged_at", "sent_at", "bar_time")
    if received_at is None:
        raise Rejection("it has no time")
    status = text(row, "status").lower()
    columns = {
        "direction": _direction(row),
        "source": f"legacy {text(row, 'source') or 'bot'}"[:SOURCE_LENGTH],
        "raw_message": text(row, "raw_message", "message"),
        "received_at": received_at,
        "logged_at": (logged_at := moment(row, "logged_at") or received_at),
        "dispatched_at": logged_at,  # else it would be decided now, and traded
        "sent_at": moment(row, "sent_at"),
    }
    try:
        named = OWN.read(_said(row), received_at)
    except Refused as refusal:
        unnamed = {"symbol": text(row, "symbol")[:60], "message": text(row, "message")[:500]}
        return SignalReading(None, columns | unnamed | _ignored(str(refusal), refusal.code))
    told = {"symbol": named.symbol, "message": named.message, "bar_time": named.bar_time, "uid": named.uid}
    return SignalReading(named, columns | told | _status(row, status))


def _said(row: Row) -> dict[str, str]:
    bar_time = moment(row, "bar_time")
    said = {name: text(row, name) for name in ("symbol", "message")}
    return said | {"bar_time": bar_time.astimezone(UTC).isoformat() if bar_time else ""}


def _direction(row: Row) -> str:
    said = text(row, "direction").lower()
    return said if said in ("long", "short") else ""


def _status(row: Row, status: str) -> dict[str, str]:
    if status == "ignored":
        return _ignored(text(row, "reason", "note") or "an older bot ignored it", ReasonCode.UNCLASSIFIED)
    return {"status": "new", "reason": "", "reason_code": ""}


def _ignored(reason: str, code: ReasonCode) -> dict[str, str]:
    return {"status": "ignored", "reason": reason, "reason_code": code.value}


def entry(row: Row) -> dict[str, Any]:
    """Of one strategy and one signal; which ones these are is not asked here."""
    status = needed(row, "status").lower()
    if status == HANDED_ON:
        raise NothingToCarry("it only says that the signal was handed on")
    acted = ACTED.get(status)
    return {
        "status": acted or "skipped",
        "reason_code": "" if acted else ReasonCode.UNCLASSIFIED.value,
        "note": text(row, "note") or ("" if acted else f"{status} by an older bot"),
        "logged_at": moment(row, "logged_at", "created_at"),
    }


def system_event(row: Row, kept_from: datetime) -> dict[str, Any]:
    at = moment(row, "timestamp", "created_at", "logged_at")
    if at is None:
        raise Rejection("it has no time")
    if at < kept_from:
        raise NothingToCarry("older than what the system's log keeps")
    return {
        "level": LEVELS.get(text(row, "level").upper(), "INFO"),
        "module": f"legacy {text(row, 'module', 'source') or 'bot'}"[:100],
        "message": text(row, "message") or text(row, "action_flag") or "nothing was said",
        "details": _details(row),
        "created_at": at,
    }


def _details(row: Row) -> dict[str, Any]:
    said = row.get("details")
    details = said if isinstance(said, dict) else {"details": said} if said not in (None, "") else {}
    flagged = {"action_flag": flag} if (flag := text(row, "action_flag")) else {}
    return dict(plain(details)) | flagged
