"""Positions on the exchange that no row of ours explains: taken over with a stop, when the account says so."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import PositionMode, PositionReport, PositionSide
from positions import broadcast
from positions.lifecycle import PositionStatus
from positions.models import Position
from positions.services import events
from positions.services.outbox import hint
from positions.services.plans import kept
from trailing.models import TrailingStop
from trailing.plan import ProtectionPlan
from trailing.rules import PercentStop


@transaction.atomic
def adopt(account_id: int, report: PositionReport, asked_at: datetime) -> Position | None:
    """A row without signal or strategy, and a stop. None: a live row is there by now, or the contract is unknown."""
    account = ExchangeAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    instrument = Instrument.objects.filter(venue=account.venue, symbol=report.symbol).first()
    if instrument is None or _is_explained(account, instrument, report.position_side):
        return None
    position = _insert(account, instrument, report, asked_at)
    TrailingStop.objects.create(position=position)
    events.record(
        "position_adopted", "high", account_id=account_id, position_id=position.pk,
        symbol=report.symbol, side=report.position_side, quantity=report.quantity, entry=report.entry_price,
    )  # fmt: skip
    hint("trailing.tasks.protect", position.pk, queue="trailing")
    broadcast.position_changed(position.pk)
    return position


def _is_explained(account: ExchangeAccount, instrument: Instrument, side: PositionSide) -> bool:
    return Position.objects.filter(
        account=account, instrument=instrument, position_side=side, is_live=True
    ).exists()


def _only_a_stop(account: ExchangeAccount) -> ProtectionPlan:
    """Nobody asked for more."""
    return ProtectionPlan(stop_loss=PercentStop(percent=account.adopted_stop_percent), trailing=None)


def _insert(
    account: ExchangeAccount, instrument: Instrument, report: PositionReport, asked_at: datetime
) -> Position:
    now = timezone.now()
    return Position.objects.create(
        account=account,
        instrument=instrument,
        plan=kept(_only_a_stop(account)),
        position_side=report.position_side,
        position_idx=PositionMode(account.position_mode).leg_index(report.position_side),
        status=PositionStatus.OPEN,
        planned_quantity=report.quantity,
        planned_notional=report.quantity * report.entry_price * instrument.contract_size,
        leverage=report.leverage or 1,
        reference_price=report.mark_price or report.entry_price,
        quantity=report.quantity,
        unexplained_quantity=report.quantity,
        unexplained_price=report.entry_price,
        unexplained_at=asked_at,
        average_entry_price=report.entry_price,
        opened_at=now,
        unprotected_since=now,
    )
