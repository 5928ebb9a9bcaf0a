"""Positions of the first bot and how it protected them. Closed ones come in batches; a live one comes alone, under its
account's lock, and the running bot finds it as it finds any position: compares it, protects it, trails it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from rich.progress import Progress

from exchanges.marks import fresh_prices
from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import PositionMode, PriceKind
from ops.legacy.mapping.positions import LIVE, OldPosition, old_position
from ops.legacy.mapping.protection import plan, protection
from ops.legacy.mapping.reading import NotYet, Rejection, Row
from ops.legacy.mapping.states import NO_STATE, state_of
from ops.legacy.mapping.words import position_side, symbol, venue
from ops.legacy.services.accounts import Leg, account_at, why_not_taken_over
from ops.legacy.services.batches import (
    LegacyTable,
    Verdict,
    all_rows,
    carry_over,
    decide,
    imported,
    not_imported,
    sort_out,
    undecided_rows,
)
from ops.legacy.services.contracts import contracts
from ops.legacy.services.settings import params, usual_of
from ops.legacy.services.trailing import to_know, write_trail
from ops.models import LegacyOutcome
from positions.lifecycle import PositionStatus
from positions.models import FillCursor, Position
from positions.services.instruments import refresh_instruments
from positions.services.plans import kept
from trailing.models import PlanVersion, TrailingStop
from trailing.plan import ProtectionPlan

SOURCE = "tradingbot"
POSITIONS = LegacyTable(SOURCE, "monitoring", "positions")
STATES = LegacyTable(SOURCE, "monitoring", "trailing_stop_state")
OURS = Position._meta.db_table
_LIVE = ", ".join(f"'{status}'" for status in LIVE)


class States:
    """What no position took with it."""

    name = "trailing states"
    tables = (STATES,)

    def run(self, progress: Progress) -> None:
        self._live = _by_leg(live_rows())
        carry_over(STATES, self._left, progress)

    def _left(self, rows: Sequence[Row]) -> list[Verdict]:
        return [self._verdict(row) for row in rows]

    def _verdict(self, row: Row) -> Verdict:
        if leg_of(row) in self._live:
            return not_imported(row, "its position is not taken over yet", LegacyOutcome.WAITING)
        return not_imported(row, "no live position of its leg", LegacyOutcome.SKIPPED)


class Positions:
    """The states are read once: there is one for a leg at most."""

    name = "positions"
    tables = (POSITIONS,)

    def run(self, progress: Progress) -> None:
        self._states = _by_leg(all_rows(STATES))
        self._live_legs = list(_by_leg(live_rows()))
        self._accounts: dict[str, ExchangeAccount] = {}
        self._params = params()
        self._ask_for_contracts()
        self._ask_for_prices()
        carry_over(POSITIONS, self._ended, progress, only=is_over)
        carry_over(POSITIONS, self._live, progress, only=is_live, at_once=1)

    def _ask_for_contracts(self) -> None:
        """The network is asked before any transaction."""
        needed = {leg for leg in self._live_legs if not why_not_taken_over(self._account(leg[0]))}
        listed = Instrument.objects.filter(active=True).values_list("venue", "exchange_symbol")
        if {(at, name) for at, name, _ in needed} - set(listed):
            refresh_instruments()

    def _ask_for_prices(self) -> None:
        wanted = {
            (at, name): (self._account(at).pk, name, PriceKind.MARK)
            for at, name, _ in self._live_legs
            if not why_not_taken_over(self._account(at))
        }
        told = fresh_prices(wanted.values())
        self._markets = {key: told[asked].price for key, asked in wanted.items() if asked in told}

    def _account(self, at: str) -> ExchangeAccount:
        if at not in self._accounts:
            self._accounts[at] = account_at(at, self._live_legs)
        return self._accounts[at]

    # ended

    def _ended(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, old_position)
        traded = contracts((old.venue, old.symbol) for _, old in taken)
        plans = [self._plan(row, NO_STATE, old) for row, old in taken]
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

    # live

    def _live(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._ready)
        return verdicts + [self._take_over(row, old) for row, old in taken]

    def _ready(self, row: Row) -> OldPosition:
        old = old_position(row)
        account = self._account(old.venue)
        if why_not := why_not_taken_over(account):
            raise NotYet(why_not)
        if not Instrument.objects.filter(venue=old.venue, exchange_symbol=old.symbol, active=True).exists():
            raise NotYet(f"{old.venue} has not listed {old.symbol} to us yet, so its price step is not known")
        if old.status is PositionStatus.OPEN and (old.venue, old.symbol) not in self._markets:
            raise NotYet(
                f"{old.venue} tells no price of {old.symbol}: whether its stop was passed is not known"
            )
        return old

    def _take_over(self, row: Row, old: OldPosition) -> Verdict:
        account = ExchangeAccount.objects.select_for_update(no_key=True).get(pk=self._account(old.venue).pk)
        instrument = Instrument.objects.get(venue=old.venue, exchange_symbol=old.symbol)
        _refuse_a_second(account, instrument, old)
        state, left_out = state_of(row, self._states.get((old.venue, old.symbol, old.position_side), []))
        wished, found = self._plan(row, state, old), None
        if old.status is PositionStatus.OPEN:
            market = self._markets[old.venue, old.symbol]
            found = protection(row, state, old, wished, instrument.price_increment, market)
        position = self._position(old, instrument, kept(found.plan if found else wished))
        if found:
            _hold(position, old)
        position.save(force_insert=True)
        write_trail(position, found)
        _read_from(account, instrument, old.told_at)
        if state:
            decide(STATES, [imported(state, TrailingStop._meta.db_table, position.pk)])
        return imported(row, OURS, position.pk, "; ".join(to_know(row, old, wished, found, left_out)))

    def _plan(self, row: Row, state: Row, old: OldPosition) -> ProtectionPlan:
        return plan(row, state, old, usual_of(row, self._params.get(old.venue)))

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


def _by_leg(rows: Iterable[Row]) -> dict[Leg, list[Row]]:
    found: dict[Leg, list[Row]] = defaultdict(list)
    for row in rows:
        if leg := leg_of(row):
            found[leg].append(row)
    return dict(found)


def _hold(position: Position, old: OldPosition) -> None:
    """By the older bot's word: what the exchange lists of it counts in its place, not beside it."""
    position.quantity = position.unexplained_quantity = old.quantity
    position.unexplained_price = old.entry_price
    position.unexplained_at = timezone.now()


def _read_from(account: ExchangeAccount, instrument: Instrument, told_at: datetime | None) -> None:
    """What happened since the older bot's last word is ours to hear."""
    since = {"read_at": told_at or timezone.now(), "trade_id": ""}
    FillCursor.objects.update_or_create(account=account, symbol=instrument.exchange_symbol, defaults=since)


def _refuse_a_second(account: ExchangeAccount, instrument: Instrument, old: OldPosition) -> None:
    live = Position.objects.filter(account=account, instrument=instrument, is_live=True)
    if account.position_mode == PositionMode.HEDGE:
        live = live.filter(position_side=old.position_side)
    if held := live.first():
        raise Rejection(f"position {held.pk} of account {account.name} is live there already")
