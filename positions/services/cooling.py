"""When a strategy last closed, lost and entered on an account, counted in rows; call with the account locked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, QuerySet
from django.utils import timezone

from exchanges.models import ExchangeAccount, Instrument
from positions.cooldowns import Cooldown, cooling
from positions.lifecycle import CloseReason, PositionStatus
from positions.models import Position
from signals_app.models import Strategy


def cools_down(strategy: Strategy, account: ExchangeAccount, instrument: Instrument) -> str | None:
    """An entry on one account must not make the others of the same signal wait."""
    here = Position.objects.filter(strategy=strategy, account=account)
    entered = here.exclude(close_reason=CloseReason.NEVER_OPENED)
    closed = entered.filter(status=PositionStatus.CLOSED)
    lost = closed.filter(realized_pnl__lt=F("fees") - F("funding"))
    return cooling(
        [
            _cooldown("after a close of this contract", strategy.cooldown_after_close,
                      closed.filter(instrument=instrument), "closed_at"),
            _cooldown("after a loss", strategy.cooldown_after_loss, lost, "closed_at"),
            _cooldown("between entries", strategy.cooldown_between_entries, entered, "created_at"),
        ],
        timezone.now(),
    )  # fmt: skip


def _cooldown(after: str, seconds: int, rows: QuerySet[Position], column: str) -> Cooldown:
    newest: datetime | None = rows.aggregate(at=Max(column))["at"] if seconds else None
    return Cooldown(after, timedelta(seconds=seconds), newest)
