"""Positions of the first bot that ended, in batches, and what it remembered of how it trailed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from django.utils import timezone
from rich.progress import Progress

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import PositionMode, PositionSide
from ops.legacy.mapping.positions import LIVE, OldPosition, old_position
from ops.legacy.mapping.protection import plan
from ops.legacy.mapping.reading import Rejection, Row
from ops.legacy.mapping.states import NO_STATE
from ops.legacy.mapping.words import position_side, symbol, venue
from ops.legacy.services.accounts import account_at
from ops.legacy.services.batches import (
    LegacyTable,
    Verdict,
    carry_over,
    imported,
    not_imported,
    sort_out,
    undecided_rows,
)
from ops.legacy.services.contracts import contracts
from ops.legacy.services.settings import params, usual_of
from ops.models import LegacyOutcome
from positions.models import FillCursor, Position
from positions.services.plans import kept
from trailing.models import PlanVersion

SOURCE = "tradingbot"
POSITIONS = LegacyTable(SOURCE, "monitoring", "positions")
STATES = LegacyTable(SOURCE, "monitoring", "trailing_stop_state")
OURS = Position._meta.db_table
Leg = tuple[str, str, PositionSide]  # venue, symbol, side
_LIVE = ", ".join(f"'{status}'" for status in LIVE)


class States:
    """What no position took with it."""

    name = "trailing states"
    tables = (STATES,)

    def run(self, progress: Progress) -> None:
        self._live = by_leg(live_rows())
        carry_over(STATES, self._left, progress)

    def _left(self, rows: Sequence[Row]) -> list[Verdict]:
        return [self._verdict(row) for row in rows]

    def _verdict(self, row: Row) -> Verdict:
        if leg_of(row) in self._live:
            return not_imported(row, "its position is not taken over yet", LegacyOutcome.WAITING)
        return not_imported(row, "no live position of its leg", LegacyOutcome.SKIPPED)


class EndedPositions:
    name = "positions that ended"
    tables = (POSITIONS,)

    def run(self, progress: Progress) -> None:
        self._accounts: dict[str, ExchangeAccount] = {}
        self._params = params()
        carry_over(POSITIONS, self._ended, progress, only=is_over)

    def _account(self, at: str) -> ExchangeAccount:
        if at not in self._accounts:
            self._accounts[at] = account_at(at)
        return self._accounts[at]

    def _ended(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, old_position)
        traded = contracts((old.venue, old.symbol) for _, old in taken)
        plans = [plan(row, NO_STATE, old, usual_of(row, self._params.get(old.venue))) for row, old in taken]
        versions = {one: kept(one) for one in set(plans)}
        made = [
            self._closed(old, traded[old.venue, old.symbol], versions[wished])
            for (_, old), wished in zip(taken, plans, strict=True)
        ]
        Position.objects.bulk_create(made)
        self._leave_alone(made)
        return verdicts + [imported(row, OURS, one.pk) for (row, _), one in zip(taken, made, strict=True)]

    def _closed(self, old: OldPosition, instrument: Instrument, version: PlanVersion) -> Position:
        position = self._position(old, instrument, version)
        position.average_exit_price = old.exit_price
        position.realized_pnl, position.fees = old.realized_pnl, old.fees
        position.closed_at = old.closed_at or timezone.now()
        position.close_reason, position.close_requested_by = old.close_reason or "", old.close_words[:100]
        return position

    def _leave_alone(self, positions: Sequence[Position]) -> None:
        """Their executions are the older bot's: the exchange's listing is read from now on."""
        now = timezone.now()
        cursors = {
            (one.account_id, one.instrument.exchange_symbol): FillCursor(
                account_id=one.account_id, symbol=one.instrument.exchange_symbol, read_at=now
            )
            for one in positions
        }
        FillCursor.objects.bulk_create(cursors.values(), ignore_conflicts=True)

    def _position(self, old: OldPosition, instrument: Instrument, version: PlanVersion) -> Position:
        account = self._account(old.venue)
        price = old.entry_price or old.last_price or Decimal(0)
        return Position(
            account=account,
            instrument=instrument,
            plan=version,
            signal_id=old.signal_id,
            position_side=old.position_side,
            position_idx=PositionMode(account.position_mode).leg_index(old.position_side),
            status=old.status,
            planned_quantity=old.quantity,
            planned_notional=old.quantity * price,
            reference_price=old.last_price or price,
            leverage=old.leverage,
            average_entry_price=old.entry_price if old.opened_at else None,
            created_at=old.created_at or timezone.now(),
            opened_at=old.opened_at,
        )


def live_rows() -> list[Row]:
    """Live by the older bot's word, and not taken over yet."""
    return undecided_rows(POSITIONS, is_live)


def is_live(columns: Collection[str]) -> str:
    return f"lower(trim(status)) IN ({_LIVE})" if "status" in columns else "false"


def is_over(columns: Collection[str]) -> str:
    return f"({is_live(columns)}) IS NOT TRUE"


def leg_of(row: Row) -> Leg | None:
    try:
        return venue(row), symbol(row), position_side(row)
    except Rejection:
        return None


def by_leg(rows: Iterable[Row]) -> dict[Leg, list[Row]]:
    found: dict[Leg, list[Row]] = defaultdict(list)
    for row in rows:
        if leg := leg_of(row):
            found[leg].append(row)
    return dict(found)
