"""What the ledger's page shows: a line for each door and hour, and the reasons. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from positions.formats import words
from positions.queries import mode
from signals_app.balance import Line, accounts_of, lines_of, reasons_of, sources_of, sums
from signals_app.models import EntryStatus

A_DAY = timedelta(days=1)
EARLIEST = date(2000, 1, 1)


def page_of(day: date, source: str, now: datetime, refusal: str = "") -> dict[str, Any]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    lines = lines_of(start, source)
    total = sums(lines)
    known = sources_of(start)
    return {
        "mode": mode(),
        "now": now,
        "day": day,
        "source": source,
        "refusal": refusal,
        "sources": known if not source or source in known else [source, *known],
        "before": _address(day - A_DAY, source) if day > EARLIEST else "",
        "after": _address(day + A_DAY, source) if day < now.date() else "",
        "lines": [_row(line, day) for line in lines],
        "total": None if total is None else _row(total, day),
        "verdict": _verdict(lines),
        "is_closed": all(line.closes for line in lines),
        "accounts": [_account(*row) for row in accounts_of(start, source).items()],
        "reasons": [_reason(row, day, source) for row in reasons_of(start, source)],
    }


def day_of(text: str, now: datetime) -> tuple[date, str]:
    """The day asked for, or today and why."""
    if not text:
        return now.date(), ""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return now.date(), f"{text[:20]!r} is no day: use {now:%Y-%m-%d}. This is today."
    if not EARLIEST <= day <= now.date():
        return now.date(), f"Nothing can have come in on {day}. This is today."
    return day, ""


def _row(line: Line, day: date) -> dict[str, Any]:
    return {
        "hour": f"{line.hour:%H}:00",
        "source": line.source,
        "counted": "—" if line.counted is None else line.counted,
        "received": line.received,
        "new": line.new,
        "duplicate": line.duplicate,
        "ignored": line.ignored,
        "dispatched": line.dispatched,
        "skipped": line.skipped.total(),
        "why": _skips(line.skipped),
        "waiting": line.waiting,
        "tone": "" if line.closes else "bad",
        "closes": "closes" if line.closes else _does_not_close(line.gap),
        "door": _door(line),
        "door_tone": "warn" if line.difference else "",
        "address": _log(day, source=line.source),
    }


def _skips(skipped: Counter[str]) -> str:
    return ", ".join(f"{words(code) or 'no reason'} {count}" for code, count in skipped.most_common())


def _does_not_close(gap: int) -> str:
    return f"does not close: nothing became of {gap}, or it waits and was decided"


def _door(line: Line) -> str:
    """The door's own count beside our rows."""
    if line.counted is None:
        return "not counted at the door"
    if line.difference > 0:
        return f"{line.difference} arrived and left no row"
    if line.difference < 0:
        return (
            f"{-line.difference} more rows than the door told: a process ended before it told its last second"
        )
    return "as counted at the door"


def _verdict(lines: Sequence[Line]) -> str:
    broken = [line for line in lines if not line.closes]
    if not lines:
        return "Nothing came in on this day."
    if broken:
        named = ", ".join(f"{line.source or 'all'} at {line.hour:%H}:00" for line in broken[:5])
        return f"The ledger does NOT close: {len(broken)} of {len(lines)} lines, {named}."
    return "The ledger closes in every line."


def _account(name: str, verdicts: Counter[str]) -> dict[str, Any]:
    counts = {status.value: verdicts[status] for status in EntryStatus}
    return {"name": name or "no account", "tone": "bad" if counts["failed"] else "", **counts}


def _reason(row: tuple[str, int, int], day: date, source: str) -> dict[str, Any]:
    code, signals, entries = row
    return {
        "code": code,
        "words": words(code) or "no reason",
        "signals": signals,
        "entries": entries,
        "address": _log(day, source=source, reason=code),
    }


def _address(day: date, source: str) -> str:
    asked = {"day": day.isoformat()} | ({"source": source} if source else {})
    return f"{reverse('signal-ledger')}?{urlencode(asked)}"


def _log(day: date, **filters: str) -> str:
    """The list of these signals."""
    of_the_day = {"since": day.isoformat(), "until": day.isoformat()}
    asked = {name: value for name, value in filters.items() if value} | of_the_day
    return f"{reverse('signals')}?{urlencode(asked)}"
