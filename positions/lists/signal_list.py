"""The list of signals: what came in, what became of it on each account, and why. Reads only."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from exchanges.models import KEYS_OF_ACCOUNT
from positions.formats import UNKNOWN, quantity, words
from positions.lists.filters import Asked, Filter
from positions.live_rows import signal_row
from signals_app.forecast_models import Forecast
from signals_app.models import EntryStatus, SignalLog, SignalLogEntry, SignalStatus, Strategy
from signals_app.reasons import ReasonCode

COLUMN = "received_at"
A_MILLISECOND = timedelta(milliseconds=1)
DECISIONS = [
    *((status.value, f"{status.value} by a strategy") for status in EntryStatus),
    *((status.value, words(status.value)) for status in (SignalStatus.DUPLICATE, SignalStatus.IGNORED)),
    ("waiting", "waiting to be decided"),
]


def filters() -> list[Filter]:
    names = Strategy.objects.order_by("name").values_list("name", flat=True)
    return [
        Filter("symbol", "Symbol"),
        Filter("source", "Source"),
        Filter("strategy", "Strategy", [(name, name) for name in names]),
        Filter("decision", "Decision", DECISIONS),
        Filter("reason", "Reason", [(code.value, words(code.value)) for code in ReasonCode]),
        Filter("since", "From", is_date=True),
        Filter("until", "To", is_date=True),
    ]


def narrowed(asked: Asked) -> QuerySet[SignalLog]:
    rows = SignalLog.objects.filter(**asked.during(COLUMN))
    if asked.value("symbol"):
        rows = rows.filter(symbol=plain_symbol(asked.value("symbol")))
    if asked.value("source"):
        rows = rows.filter(source=asked.value("source"))
    if asked.value("reason"):
        of_a_strategy = _entries(asked).filter(reason_code=asked.value("reason"))
        rows = rows.filter(Q(reason_code=asked.value("reason")) | Exists(of_a_strategy))
    return _decided(rows, asked)


def plain_symbol(text: str) -> str:
    """BTC/USDT:USDT, btc-usdt and BTCUSDT are one."""
    return "".join(letter for letter in text.partition(":")[0].upper() if letter.isalnum())


def _decided(rows: QuerySet[SignalLog], asked: Asked) -> QuerySet[SignalLog]:
    decision = asked.value("decision")
    if decision == "waiting":
        return rows.filter(dispatched_at=None)
    if decision in list(SignalStatus):
        return rows.filter(status=decision)
    if decision:
        return rows.filter(Exists(_entries(asked).filter(status=decision)))
    return rows.filter(Exists(_entries(asked))) if asked.value("strategy") else rows


def _entries(asked: Asked) -> QuerySet[SignalLogEntry]:
    entries = SignalLogEntry.objects.filter(log=OuterRef("pk"))
    return entries.filter(strategy__name=asked.value("strategy")) if asked.value("strategy") else entries


def with_verdicts(rows: QuerySet[SignalLog]) -> QuerySet[SignalLog]:
    entries = (
        SignalLogEntry.objects.select_related("strategy", "account").defer(*KEYS_OF_ACCOUNT).order_by("pk")
    )
    said = Forecast.objects.filter(signal=OuterRef("pk")).values("pk")[:1]
    return rows.prefetch_related(Prefetch("entries", entries)).annotate(forecast_id=Subquery(said))


def row_of(log: SignalLog, now: datetime) -> dict[str, Any]:
    entries = list(log.entries.all())
    return signal_row(log, now) | {
        "reason": log.reason,
        "code": log.reason_code,
        "forecast_id": log.forecast_id,  # type: ignore[attr-defined]  # by with_verdicts
        "uid": log.uid or "",
        "raw": _readable(log.raw_message),
        "times": log.received_count,
        "delay": _milliseconds(log.dispatched_at, log.received_at),
        "on_the_way": _milliseconds(log.received_at, log.sent_at),
        "entries": [_entry(one) for one in entries],
        "can_be_replayed": bool(log.symbol and log.message),
    }


def _entry(one: SignalLogEntry) -> dict[str, Any]:
    return {
        "strategy": one.strategy,
        "account": one.account.name if one.account else "no account",
        "status": words(one.status),
        "note": one.note,
        "code": one.reason_code,
        "position_id": one.position_id,
    }


def _milliseconds(end: datetime | None, start: datetime | None) -> str:
    """Below zero where a sender's clock is ahead."""
    if end is None or start is None:
        return UNKNOWN
    return quantity(Decimal(round((end - start) / A_MILLISECOND)))


def _readable(raw: str) -> str:
    """The JSON as it came in, one field a line; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return raw
