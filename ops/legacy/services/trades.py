"""What the first bot traded. Its trades belong to no position of ours: they tell entries alone, and a position's
figures are summed from all its executions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from rich.progress import Progress

from exchanges.models import ExchangeAccount
from exchanges.types import Book, PositionSide
from ops.legacy.mapping.reading import KEY, NothingToCarry, Rejection, Row, text
from ops.legacy.mapping.trades import OldOrder, OldTrade, old_order, old_trade
from ops.legacy.services.accounts import account_at
from ops.legacy.services.batches import (
    LegacyTable,
    Verdict,
    carry_over,
    imported,
    not_imported,
    our_ids,
    sort_out,
)
from ops.legacy.services.contracts import contracts
from ops.legacy.services.copying import copy_into, new_ids
from ops.legacy.services.positions import OURS, POSITIONS, SOURCE, live_rows
from ops.models import LegacyOutcome
from positions.legacy_names import order_name, trade_name
from positions.lifecycle import OrderPurpose
from positions.models import Fill, Order, Position

TRADES = LegacyTable(SOURCE, "monitoring", "trades")
ORDERS = LegacyTable(SOURCE, "monitoring", "orders")


FILLS = Fill._meta.db_table
COLUMNS = (
    "id", "account_id", "signal_id", "symbol", "trade_id", "exchange_order_id", "client_order_id", "side",
    "position_side", "quantity", "price", "fee", "fee_currency", "realized_pnl", "forced", "executed_at", "created_at",
)  # fmt: skip


class Trades:
    name = "trades"
    tables = (TRADES,)

    def run(self, progress: Progress) -> None:
        self._accounts: dict[str, ExchangeAccount] = {}
        self._now = timezone.now()
        carry_over(TRADES, self._write, progress)

    def _write(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, old_trade)
        contracts((old.venue, old.symbol) for _, old in taken)
        ids = new_ids(FILLS, len(taken))
        copy_into(FILLS, COLUMNS, map(self._columns, ids, taken))
        return verdicts + [imported(row, FILLS, pk) for pk, (row, _) in zip(ids, taken, strict=True)]

    def _columns(self, pk: int, taken: tuple[Row, OldTrade]) -> tuple[Any, ...]:
        row, old = taken
        if old.venue not in self._accounts:
            self._accounts[old.venue] = account_at(old.venue)
        return (
            pk, self._accounts[old.venue].pk, old.signal_id, old.symbol, trade_name(row[KEY]), old.exchange_order_id,
            old.client_order_id, old.side.value, old.position_side.value, old.quantity, old.price, old.fee,
            old.fee_currency, 0, "", old.executed_at, self._now,
        )  # fmt: skip


class Orders:
    """Of positions that are over. What a live one holds is counted once, from the position itself."""

    name = "orders"
    tables = (ORDERS,)

    def run(self, progress: Progress) -> None:
        self._not_yet = {row[KEY] for row in live_rows()}
        carry_over(ORDERS, self._write, progress)

    def _write(self, rows: Sequence[Row]) -> list[Verdict]:
        taken, verdicts = sort_out(rows, old_order)
        found = our_ids(POSITIONS, [text(row, "position_id") for row, _ in taken], OURS)
        positions = Position.objects.select_related("instrument").in_bulk(map(int, found.values()))
        ours = {legacy_id: positions.get(int(pk)) for legacy_id, pk in found.items()}
        for row, old in taken:
            verdicts.append(self._carried(row, old, ours.get(text(row, "position_id"))))
        return verdicts

    def _carried(self, row: Row, old: OldOrder, position: Position | None) -> Verdict:
        if text(row, "position_id") in self._not_yet:
            return not_imported(row, "its position is not taken over yet", LegacyOutcome.WAITING)
        return _carried(row, old, position)


def _carried(row: Row, old: OldOrder, position: Position | None) -> Verdict:
    try:
        order = _order(row, old, position)
    except Rejection as rejection:
        return not_imported(row, str(rejection), rejection.outcome)
    order.save(force_insert=True)
    return imported(row, Order._meta.db_table, order.pk)


def _order(row: Row, old: OldOrder, position: Position | None) -> Order:
    if position is None:
        raise Rejection(
            "the position it names was not imported" if text(row, "position_id") else "it names no position"
        )
    if position.is_live:
        raise NothingToCarry("its position is live: what it holds is counted from the position itself")
    purpose = old.purpose(PositionSide(position.position_side))
    return Order(
        account_id=position.account_id,
        position=position,
        symbol=position.instrument.exchange_symbol,
        side=old.side,
        quantity=old.quantity,
        price=old.price,
        status=old.status,
        position_idx=position.position_idx,
        reduce_only=purpose is not OrderPurpose.ENTRY,
        purpose=purpose,
        generation=_generation(row),
        order_type=old.order_type,
        client_order_id=order_name(row[KEY]),
        book=Book.ALGO if old.order_type.is_conditional else Book.PLAIN,
        exchange_order_id=old.exchange_order_id,
        filled_quantity=old.filled,
        average_price=old.price if old.filled else None,
        reason=old.words,
        created_at=old.created_at,
        submitted_at=old.created_at,
        answered_at=old.created_at,
    )


def _generation(row: Row) -> int:
    """Any that no other order of its position has."""
    try:
        return int(row[KEY]) % 2**31
    except ValueError:
        raise Rejection("its number is not one") from None
