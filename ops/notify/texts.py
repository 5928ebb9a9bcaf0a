"""What a message says of a row. Nothing in it is an address or a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Model

from exchanges.models import KEYS_OF_ACCOUNT, StateChange
from exchanges.trading_state import TradingState
from ops.models import SystemLog
from ops.notify.decisions import Kind, Severity, same_as, severity_of
from ops.redaction import redacted_text
from positions import formats
from positions.models import Position, RiskEvent

LONGEST_TITLE = 200
LONGEST_BODY = 1500


@dataclass(frozen=True, slots=True)
class Notice:
    kind: Kind
    severity: Severity
    same_as: str
    title: str
    body: str


def notices(kind: Kind, keys: Iterable[str]) -> Mapping[str, Notice]:
    """By key; a row that went meanwhile is told as one that went."""
    model, related, say = _OF[kind]
    rows = model.objects.filter(pk__in=keys).select_related(*related)  # type: ignore[attr-defined]
    if "account" in related:
        rows = rows.defer(*KEYS_OF_ACCOUNT)
    found = {str(row.pk): say(kind, row) for row in rows}
    return {key: found.get(key) or _gone(kind, key) for key in keys}


def made(kind: Kind, severity: Severity, subject: str, title: str, body: str) -> Notice:
    """In dry-run messages are sent, too: they are no orders. They say which it is."""
    mode = "PAPER" if settings.DRY_RUN else "LIVE"
    whole = f"[{mode}] {redacted_text(title)}"[:LONGEST_TITLE]
    return Notice(kind, severity, same_as(kind, subject, title), whole, redacted_text(body)[:LONGEST_BODY])


def _gone(kind: Kind, key: str) -> Notice:
    return made(kind, Severity.HIGH, key, f"{formats.words(kind)}: its row {key} is gone", "")


def _opened(kind: Kind, row: Position) -> Notice:
    price = formats.price(row.average_entry_price, row.instrument.price_increment)
    title = f"{row.instrument.exchange_symbol} {row.position_side} opened: {formats.quantity(row.quantity)} at {price}"
    return made(kind, Severity.LOW, str(row.pk), title, _whose(row))


def _closed(kind: Kind, row: Position) -> Notice:
    result = Decimal(row.realized_pnl) - Decimal(row.fees) + Decimal(row.funding)
    title = f"{row.instrument.exchange_symbol} {row.position_side} closed: {formats.change(result)}"
    price = formats.price(row.average_exit_price, row.instrument.price_increment)
    why = f"{formats.words(row.close_reason)}, at {price}; the result is after fees and funding"
    return made(kind, Severity.LOW, str(row.pk), title, f"{why}\n{_whose(row)}")


def _whose(row: Position) -> str:
    strategy = f"strategy {row.strategy}, " if row.strategy else ""
    return f"position {row.pk}, {strategy}account {row.account.name}"


def _switched(kind: Kind, row: StateChange) -> Notice:
    whose = row.account.name if row.account else "every account"
    severity = Severity.MEDIUM if row.to_state == TradingState.ACTIVE else Severity.HIGH
    return made(
        kind,
        severity,
        f"{row.pk}",
        f"{whose}: {row.from_state} → {row.to_state}",
        f"{row.reason} (by {row.by or row.cause})",
    )


def _risk_event(kind: Kind, row: RiskEvent) -> Notice:
    account = row.account.name if row.account else ""
    position = f"position {row.position_id}" if row.position_id else ""
    details = _said(row.details)
    title = ", ".join(filter(None, (formats.words(row.event_type), account, position)))
    subject = f"{account} {row.position_id} {row.details.get('sentence', '')}"
    return made(kind, severity_of(row.risk_level), subject, title, details)


def _said(details: Mapping[str, Any]) -> str:
    return "\n".join(f"{formats.words(str(name))}: {value}" for name, value in details.items())


def _system_error(kind: Kind, row: SystemLog) -> Notice:
    return made(kind, Severity.HIGH, row.module, f"{row.module}: {row.message}", _said(row.details))


Say = Callable[[Kind, Any], Notice]
_OF: Mapping[Kind, tuple[type[Model], tuple[str, ...], Say]] = {
    Kind.POSITION_OPENED: (Position, ("instrument", "strategy", "account"), _opened),
    Kind.POSITION_CLOSED: (Position, ("instrument", "strategy", "account"), _closed),
    Kind.SWITCHED: (StateChange, ("account",), _switched),
    Kind.RISK_EVENT: (RiskEvent, ("account",), _risk_event),
    Kind.SYSTEM_ERROR: (SystemLog, (), _system_error),
}
