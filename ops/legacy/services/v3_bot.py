"""Orders, stops and sold parts of the v3 bot, on an account that trades nothing: it did not say whose they were."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from rich.progress import Progress

from exchanges.types import PositionMode, PositionSide
from ops.legacy.mapping.reading import KEY, NotYet, Rejection, Row, text
from ops.legacy.mapping.signal_bot_positions import times
from ops.legacy.mapping.v3_orders import STILL_HELD, Episode, OldOrder, episodes, old_order
from ops.legacy.mapping.v3_protection import part, stop_event, trade
from ops.legacy.services.as_told import insert_as_told
from ops.legacy.services.batches import Importer, LegacyTable, Verdict, carry_over, imported, sort_out
from ops.legacy.services.contracts import contracts
from ops.legacy.services.signal_bot_positions import books_account
from ops.legacy.services.signal_bot_tables import SCHEMA, is_there, rows_of
from ops.models import LegacyOutcome, LegacyRow
from positions.legacy_names import order_name, trade_name
from positions.lifecycle import CloseReason, OrderPurpose, OrderStatus, PositionStatus
from positions.models import Fill, Order, Position, RiskEvent
from positions.services.plans import kept
from trailing.models import PartialTakeProfit
from trailing.plan import ProtectionPlan

SOURCE = "v3"
ACCOUNT = "legacy-v3-books"
ORDERS = LegacyTable(SOURCE, SCHEMA, "orders")
STOPS = LegacyTable(SOURCE, SCHEMA, "sltp_orders")
PARTS = LegacyTable(SOURCE, SCHEMA, "partial_tp_history")
POSITION_TABLE, ORDER_TABLE = Position._meta.db_table, Order._meta.db_table
LEVEL_TABLE, EVENT_TABLE = PartialTakeProfit._meta.db_table, RiskEvent._meta.db_table


class V3Orders:
    name = "orders of the v3 bot"
    tables = (ORDERS,)

    def run(self, progress: Progress) -> None:
        if not is_there(ORDERS):
            return
        self._orders, self._left = _read_orders()
        ended, left = episodes(self._orders.values())
        self._left |= left
        self._episodes = {one.key: episode for episode in ended for one in episode.orders}
        carry_over(ORDERS, self._write, progress)

    def _write(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._episode)
        return verdicts + [imported(row, ORDER_TABLE, self._order(row, one).pk) for row, one in taken]

    def _episode(self, row: Row) -> Episode:
        if reason := self._left.get(text(row, "id")):
            raise reason
        return self._episodes[text(row, "id")]

    def _order(self, row: Row, episode: Episode) -> Order:
        old, position = self._orders[text(row, "id")], _ended(episode)
        is_entry = old in episode.entries
        among = episode.entries if is_entry else episode.exits
        order = Order(
            account_id=position.account_id, position=position, symbol=old.symbol, side=old.side,
            quantity=old.quantity, price=old.price, status=OrderStatus.FILLED, position_idx=position.position_idx,
            reduce_only=not is_entry, purpose=OrderPurpose.ENTRY if is_entry else OrderPurpose.CLOSE,
            generation=among.index(old) + 1, order_type=old.order_type, filled_quantity=old.quantity,
            average_price=old.price, client_order_id=order_name(_short(old.key)),
            exchange_order_id=old.exchange_order_id, created_at=old.at, updated_at=old.at, answered_at=old.at,
        )  # fmt: skip
        order.save_base(raw=True, force_insert=True)
        Fill.objects.create(
            account_id=position.account_id, position=position, order=order, symbol=old.symbol,
            trade_id=trade_name(_short(old.key)), side=old.side, position_side=position.position_side,
            quantity=old.quantity, price=old.price, executed_at=old.at,
        )  # fmt: skip
        return order


def _read_orders() -> tuple[dict[str, OldOrder], dict[str, Rejection]]:
    """All of them: what is held at a moment depends on all that was bought before."""
    orders, left = dict[str, OldOrder](), dict[str, Rejection]()
    for row in rows_of(ORDERS):
        key = text(row, "id")
        try:
            orders[key] = old_order(row, key)
        except Rejection as rejection:
            left[key] = rejection
    return orders, left


def _hash(text_of: str) -> str:
    return hashlib.sha256(text_of.encode()).hexdigest()[:16]


def _short(key: str) -> str:
    """A name of ours holds no whole uuid."""
    return f"v3-{_hash(key)}"


def _ended(episode: Episode) -> Position:
    first, last = episode.entries[0], episode.exits[-1]
    return _kept(
        f"v3 order {first.key}",
        first.symbol,
        episode.side,
        times(first.at, last.at),
        planned_quantity=episode.bought,
        reference_price=episode.entry_price,
        average_exit_price=episode.exit_price,
        realized_pnl=episode.profit,
    )


def _kept(
    seed: str, symbol: str, side: PositionSide, moments: Mapping[str, datetime], **figures: Decimal
) -> Position:
    """The same one for all that belongs to it, however often it is asked for."""
    token = _hash(seed)
    if found := Position.objects.filter(token=token).first():
        return found
    account = books_account(ACCOUNT)
    made = Position(
        token=token,
        account=account,
        instrument=contracts([(account.venue, symbol)])[account.venue, symbol],
        plan=kept(ProtectionPlan(trailing=None)),
        position_side=side,
        position_idx=PositionMode(account.position_mode).leg_index(side),
        status=PositionStatus.CLOSED,
        average_entry_price=figures["reference_price"],
        planned_notional=round(figures["planned_quantity"] * figures["reference_price"], 8),
        close_reason=CloseReason.EXTERNAL,
        close_requested_by="the v3 bot",
        **figures,
        **moments,
    )
    insert_as_told([made])
    return made


class V3Protection:
    """By trade: the number under which the older bot kept its stops and the parts it sold."""

    name = "stops and sold parts of the v3 bot"
    tables = (STOPS, PARTS)

    def run(self, progress: Progress) -> None:
        self._stops, self._parts = _by_trade(rows_of(STOPS)), _by_trade(rows_of(PARTS))
        self._held = _orders_that_wait()
        for one, write in ((STOPS, self._write_stops), (PARTS, self._write_parts)):
            if is_there(one):
                carry_over(one, write, progress)

    def _write_stops(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._stop)
        insert_as_told([one for _, one in taken])
        return verdicts + [imported(row, EVENT_TABLE, one.pk) for row, one in taken]

    def _stop(self, row: Row) -> RiskEvent:
        position, told = self._position(text(row, "trade_id")), {k: v for k, v in row.items() if k != KEY}
        return RiskEvent(account_id=position.account_id, position_id=str(position.pk), **stop_event(told))

    def _write_parts(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, self._part)
        insert_as_told([one for _, one in taken])
        return verdicts + [imported(row, LEVEL_TABLE, one.pk) for row, one in taken]

    def _part(self, row: Row) -> PartialTakeProfit:
        trade_id = text(row, "trade_id")
        numbers = sorted(int(text(one, "id") or 0) for one in self._parts[trade_id])
        columns = part(row, numbers.index(int(text(row, "id") or 0)) + 1)
        return PartialTakeProfit(position=self._position(trade_id), **columns)

    def _position(self, trade_id: str) -> Position:
        stops, parts = self._stops.get(trade_id, []), self._parts.get(trade_id, [])
        named = [text(row, "order_id") for row in parts if text(row, "order_id")]
        order = Order.objects.filter(account__name=ACCOUNT, exchange_order_id__in=named).first()
        if order is not None:
            return order.position
        if self._held.intersection(named):
            raise NotYet(STILL_HELD)
        told = trade(stops, parts)
        return _kept(
            f"v3 trade {trade_id}",
            told.symbol,
            told.side,
            times(told.opened_at, told.closed_at),
            planned_quantity=told.quantity,
            reference_price=told.entry_price,
        )


def _orders_that_wait() -> frozenset[str]:
    """By the exchange's names."""
    waiting = LegacyRow.objects.filter(
        source=SOURCE, table=ORDERS.full_name, outcome=LegacyOutcome.WAITING
    ).values_list("legacy_id", flat=True)
    keys = set(waiting)
    rows = rows_of(ORDERS) if keys else []
    return frozenset(text(row, "order_id", "exchange_order_id") for row in rows if text(row, "id") in keys)


def _by_trade(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[text(row, "trade_id")].append(row)
    return found


def importers() -> list[Importer]:
    return [V3Orders(), V3Protection()]
