"""Live positions of the first bot. The exchange of their account is asked first, before any transaction; what it shows
of a leg is taken over, one by one, under the account's lock, and the running bot finds it as it finds any position:
compares it, protects it, trails it. Everything else waits, and the next run decides again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone
from rich.progress import Progress

from exchanges.models import ExchangeAccount, Instrument
from exchanges.types import PositionMode
from ops.legacy.mapping.positions import OldPosition, old_position
from ops.legacy.mapping.protection import plan, protection
from ops.legacy.mapping.reading import KEY, NotYet, Rejection, Row
from ops.legacy.mapping.states import state_of
from ops.legacy.mapping.taking_over import (
    Answer,
    Taken,
    as_its_exchange_protects,
    as_shown,
    entry_differs,
    matched,
    note,
)
from ops.legacy.services.accounts import account_at
from ops.legacy.services.asking import ask, whose
from ops.legacy.services.batches import (
    Verdict,
    all_rows,
    carry_over,
    decide,
    imported,
)
from ops.legacy.services.positions import OURS, POSITIONS, STATES, by_leg, is_live, live_rows
from ops.legacy.services.settings import params, usual_of
from ops.legacy.services.trailing import to_know, write_trail
from ops.models import LegacyOutcome, LegacyRow
from positions.lifecycle import PositionStatus
from positions.models import FillCursor, Position
from positions.services import events, older_orders
from positions.services.plans import kept
from trailing.models import PlanVersion, TrailingStop

NEW = "it was written while the exchange was asked"


class LivePositions:
    name = "live positions"
    tables = (POSITIONS,)

    def run(self, progress: Progress) -> None:
        rows = live_rows()
        if not rows:
            return
        self._states = by_leg(all_rows(STATES))
        self._params = params()
        self._found = found_at_their_exchanges(rows)
        carry_over(
            POSITIONS, self._carried, progress, only=is_live, at_once=1, otherwise=LegacyOutcome.WAITING
        )

    def _carried(self, rows: Sequence[Row]) -> list[Verdict]:
        return [self._take_over(row) for row in rows]

    def _take_over(self, row: Row) -> Verdict:
        old, seen = old_position(row), self._found.get(row[KEY], NEW)
        if isinstance(seen, str):
            raise NotYet(seen)
        account = ExchangeAccount.objects.select_for_update(of=("self",), no_key=True).get(
            pk=account_at(old.venue).pk
        )
        instrument = Instrument.objects.get(venue=old.venue, exchange_symbol=old.symbol)
        _expect_nothing_there(account, instrument, old)
        held = as_shown(old, seen)
        state, left_out = state_of(row, self._states.get((old.venue, old.symbol, old.position_side), []))
        row = as_its_exchange_protects(row, held, seen.exits)
        wished = plan(row, state, held, usual_of(row, self._params.get(old.venue)))
        found = protection(row, state, held, wished, instrument.price_increment, seen.market)
        position = _insert(account, instrument, kept(found.plan), held, seen)
        write_trail(position, found)
        older_orders.remember(position, seen.exits, seen.market)
        if state:
            decide(STATES, [imported(state, TrailingStop._meta.db_table, position.pk)], again=True)
        if entry_differs(old, held):
            _tell(position, old)
        notes = [*note(old, held), *to_know(row, held, wished, found, left_out)]
        return imported(row, OURS, position.pk, "; ".join(notes))


def found_at_their_exchanges(rows: Sequence[Row]) -> dict[str, Taken | str]:
    """By the key of each row; one that cannot be read is not among them."""
    of_venue: dict[str, dict[str, OldPosition]] = {}
    for row in rows:
        try:
            old = old_position(row)
        except Rejection:
            continue
        of_venue.setdefault(old.venue, {})[row[KEY]] = old
    found: dict[str, Taken | str] = {}
    for venue, of_it in of_venue.items():
        found |= matched(of_it, _answer(venue, {old.symbol for old in of_it.values()}))
    return found


def _answer(venue: str, contracts: Collection[str]) -> Answer:
    try:
        account = account_at(venue)
    except ExchangeAccount.DoesNotExist:
        name = settings.LEGACY_ACCOUNTS[venue]
        return Answer(whose(name), timezone.now(), why_not="there is no account of that name")
    return ask(account.pk, account.name, contracts)


def _expect_nothing_there(account: ExchangeAccount, instrument: Instrument, old: OldPosition) -> None:
    name = f"{old.symbol} {old.position_side}"
    legs = Position.objects.filter(account=account, instrument=instrument)
    live = legs.filter(is_live=True)
    if account.position_mode == PositionMode.HEDGE:
        live = live.filter(position_side=old.position_side)
    if held := live.first():
        raise NotYet(f"{name}: position {held.pk} of account {account.name} is live there already")
    if ended := _later_ones_that_ended_here(legs.filter(position_side=old.position_side), old).first():
        raise NotYet(
            f"{name}: position {ended.pk} came after it and has ended here, so what is held is not this"
        )


def _later_ones_that_ended_here(legs: QuerySet[Position], old: OldPosition) -> QuerySet[Position]:
    """Whoever waited for long must not be taken for what somebody opened since."""
    over_before = LegacyRow.objects.filter(
        our_table=OURS, our_id=Cast(OuterRef("pk"), CharField()), decided_at__gte=OuterRef("closed_at")
    )
    ended = legs.filter(~Exists(over_before), status=PositionStatus.CLOSED, opened_at__isnull=False)
    began = old.opened_at or old.created_at
    return ended.filter(opened_at__gt=began) if began else ended


def _insert(
    account: ExchangeAccount, instrument: Instrument, version: PlanVersion, held: OldPosition, seen: Taken
) -> Position:
    """By the exchange's word of that moment. What was executed before is part of it: the row begins then, and
    executions are read from then on."""
    price = seen.report.entry_price
    cursor = {"read_at": seen.asked_at, "trade_id": ""}
    FillCursor.objects.get_or_create(account=account, symbol=instrument.exchange_symbol, defaults=cursor)
    return Position.objects.create(
        account=account,
        instrument=instrument,
        plan=version,
        signal_id=held.signal_id,
        position_side=held.position_side,
        position_idx=PositionMode(account.position_mode).leg_index(held.position_side),
        status=held.status,
        planned_quantity=held.quantity,
        planned_notional=held.quantity * price * instrument.contract_size,
        reference_price=seen.market,
        leverage=held.leverage,
        quantity=held.quantity,
        unexplained_quantity=held.quantity,
        unexplained_price=price,
        unexplained_at=seen.asked_at,
        average_entry_price=price,
        created_at=seen.asked_at,
        opened_at=held.opened_at,
    )


def _tell(position: Position, old: OldPosition) -> None:
    events.record(
        "older_entry_differs", "high", account_id=position.account_id, position_id=position.pk,
        symbol=old.symbol, on_record=old.entry_price, at_the_exchange=position.average_entry_price,
    )  # fmt: skip
