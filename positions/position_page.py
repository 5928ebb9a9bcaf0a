"""What the page of one position shows, live or closed. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from ops.trail.queries import story_of
from ops.trail.story import lines
from positions import act_page, formats, queries
from positions.accounting import r_multiple
from positions.lifecycle import NEVER_STOOD, OrderPurpose, PositionStatus
from positions.live_rows import Held, Row, order_row, phase_in_words, stop_in_words
from positions.models import Fill, Order, Position
from positions.silence import silence_of
from signals_app.forecast_models import Forecast
from trailing.plan import read_plan
from trailing.words import in_words

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Record:
    """A position with all that belongs to it. `held` is None once it is closed."""

    position: Position
    held: Held | None
    orders: Sequence[Order]  # oldest first
    fills: Sequence[Fill]
    levels: Sequence[Any]  # of its take-profit ladder; none before the entry has ended
    fees_in_other_coins: str

    @property
    def bought(self) -> Decimal:
        """What was found on the exchange without an entry of ours counts as bought."""
        found: Decimal = max(self.position.unexplained_quantity, ZERO)
        entries = [one.filled_quantity for one in self.orders if one.purpose == OrderPurpose.ENTRY]
        return sum(entries, found)

    @property
    def stops(self) -> list[Order]:
        """Those that the exchange took, oldest first."""
        return [
            one
            for one in self.orders
            if one.purpose == OrderPurpose.PROTECT and one.trigger_price and one.status not in NEVER_STOOD
        ]

    @property
    def realized(self) -> Decimal:
        result: Decimal = self.position.realized_pnl - self.position.fees + self.position.funding
        return result

    @property
    def result(self) -> Decimal | None:
        """Unknown while something is held and its price is not known."""
        if self.held is None or not self.held.quantity:
            return self.realized
        open_pnl = self.held.unrealized_pnl
        return None if open_pnl is None else self.realized + open_pnl

    @property
    def r_multiple(self) -> Decimal | None:
        first_stop = self.stops[0].trigger_price if self.stops else None
        return r_multiple(self.result, self.position.average_entry_price, first_stop, self.bought)


def record_of(position_id: int, now: datetime) -> Record | None:
    related = ("account", "instrument", "strategy", "plan")
    position = Position.objects.select_related(*related).filter(pk=position_id).first()
    if position is None:
        return None
    orders, fills = Order.objects.filter(position=position), Fill.objects.filter(position=position)
    return Record(
        position=position,
        held=queries.held_position(position_id, now) if position.is_live else None,
        orders=list(orders.select_related("position__instrument").order_by("created_at", "pk")),
        fills=list(fills.select_related("order").order_by("executed_at", "pk")),
        levels=list(position.levels.order_by("level")),
        fees_in_other_coins=queries.fees_in_other_coins(position_id),
    )


def page_of(record: Record, now: datetime) -> dict[str, Any]:
    position, instrument = record.position, record.position.instrument
    return {
        "position": position,
        "base": instrument.symbol.split("/")[0],
        "mode": queries.mode(),
        "now": now,
        "is_closable": position.status in (PositionStatus.OPENING, PositionStatus.OPEN),
        "groups": [
            ("Position", list(_holding(record))),
            ("Result in USDT", list(_result(record))),
            ("Protection", list(_protection(record, now))),
            ("Take-profit levels", list(_levels(record))),
            ("Its life", list(_life(record, now))),
        ],
        "forecasts": list(_forecasts(position.pk)),
        "silence": silence_of(position, now),
        "plan": in_words(read_plan(position.plan.body)),
        "settings": json.dumps(position.plan.body, indent=2, sort_keys=True),
        "story": list(lines(story_of("position", str(position.pk)).sentences)),
        "orders": [order_row(one, now) for one in reversed(record.orders)],
        "fills": [_fill_row(one, instrument.price_increment) for one in reversed(record.fills)],
    }


def _forecasts(position_id: int) -> QuerySet[Forecast, int]:
    """Whose signals a strategy followed here."""
    said = Forecast.objects.filter(signal__entries__position=position_id).order_by("pk")
    return said.values_list("pk", flat=True).distinct()


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    text: str
    note: str = ""
    tone: str = ""


def _holding(record: Record) -> Iterator[Fact]:
    position, step = record.position, record.position.instrument.price_increment
    yield Fact("Side", position.position_side.upper())
    if record.held is not None and record.held.is_unverified:
        known = f"last compared with the exchange: {formats.moment(record.held.verified_at)}"
        yield Fact("Known", "unverified: its account cannot be reached", known, "down")
    yield Fact("Size", formats.quantity(position.quantity), f"of {formats.quantity(record.bought)}")
    yield Fact("Entry", formats.price(position.average_entry_price, step))
    if record.held is not None:
        yield Fact("Mark", formats.price(record.held.mark_price, step))
    if position.average_exit_price is not None or record.held is None:
        yield Fact("Exit", formats.price(position.average_exit_price, step))
    if record.held is not None:
        yield Fact("Margin", f"{formats.amount(record.held.margin)} USDT")
        liquidation = formats.price(act_page.liquidation(record.held), step)
        yield Fact("Liquidation", liquidation, "estimated, of its own margin")
    yield Fact("Leverage", f"{position.leverage}×")  # noqa: RUF001  (the multiplication sign is meant)


def _result(record: Record) -> Iterator[Fact]:
    position, held = record.position, record.held
    yield _money("Profit taken", position.realized_pnl)
    if held is not None:
        yield _money("Open profit", held.unrealized_pnl if held.quantity else ZERO)
    others = f"besides {record.fees_in_other_coins}" if record.fees_in_other_coins else ""
    yield Fact("Fees", formats.change(-position.fees), others)
    yield Fact("Funding", formats.change(position.funding))
    yield _money("In all", record.result)
    multiple = record.r_multiple
    text = formats.UNKNOWN if multiple is None else f"{formats.change(multiple)} R"
    yield Fact("R multiple", text, "of the risk to the first stop", formats.tone(multiple))


def _money(name: str, value: Decimal | None) -> Fact:
    return Fact(name, f"{formats.arrow(value)}{formats.change(value)}", tone=formats.tone(value))


def _protection(record: Record, now: datetime) -> Iterator[Fact]:
    position, held, step = record.position, record.held, record.position.instrument.price_increment
    if held is not None:
        yield Fact("Stop", stop_in_words(held), phase_in_words(held), "down" if held.is_unprotected else "")
    elif record.stops:
        yield Fact("Last stop", formats.price(record.stops[-1].trigger_price, step))
    if record.stops:
        yield Fact("First stop", formats.price(record.stops[0].trigger_price, step))
    yield Fact("Stop orders", str(len(record.stops)))
    yield from _backstop(record)
    yield Fact("Without a stop", f"{formats.quantity(_unprotected_seconds(position, now))} s")


def _backstop(record: Record) -> Iterator[Fact]:
    """The newest of the exchange's own trailing orders."""
    made = [one for one in record.orders if one.purpose == OrderPurpose.BACKSTOP]
    if made:
        newest, step = made[-1], record.position.instrument.price_increment
        starts_at = newest.activation_price
        starts = "at once" if starts_at is None else f"at {formats.price(starts_at, step)}"
        why = f": {newest.reason}" if newest.reason else ""
        note = f"{newest.client_order_id}, starts {starts}, {formats.words(newest.status)}{why}"
        yield Fact("Backstop", f"{formats.quantity(newest.callback_rate or ZERO)}% behind", note)


def _unprotected_seconds(position: Position, now: datetime) -> Decimal:
    """Counted until now while it goes on."""
    since = position.unprotected_since
    running = ZERO if since is None else Decimal(max(int((now - since).total_seconds()), 0))
    return Decimal(position.unprotected_seconds) + running


def _levels(record: Record) -> Iterator[Fact]:
    for row in record.levels:
        price = formats.price(row.price, record.position.instrument.price_increment)
        share = f"{formats.quantity(row.close_ratio * 100)}% of the entry"
        told = f"{share}, {row.status}" + (f": {row.error}" if row.error else "")
        if row.waits_for is not None and row.error:
            told += f"; placed again at {formats.price(row.waits_for, record.position.instrument.price_increment)}"
        yield Fact(f"Level {row.level}", price, told)


def _life(record: Record, now: datetime) -> Iterator[Fact]:
    position = record.position
    since = position.opened_at or position.created_at
    yield Fact("Account", position.account.name)
    yield Fact("Strategy", position.strategy.name if position.strategy else "none", _origin(record))
    yield Fact("Opened", formats.moment(position.opened_at))
    if position.closed_at is not None:
        yield Fact("Closed", formats.moment(position.closed_at))
    yield Fact("Lasted" if position.closed_at else "Age", formats.age((position.closed_at or now) - since))
    if position.close_reason:
        question = "Why closed" if position.closed_at else "To be closed"
        yield Fact(question, formats.words(position.close_reason), _refusals(position))
        yield Fact("Asked for by", position.close_requested_by or "nobody here")


def _refusals(position: Position) -> str:
    if position.close_refusals == 0 or position.closed_at:
        return ""
    return (
        f"refused {position.close_refusals} times, asked again at {formats.moment(position.close_again_at)}"
    )


def _origin(record: Record) -> str:
    """Where it came from; `adopted` when nobody here opened it."""
    if not any(one.purpose == OrderPurpose.ENTRY for one in record.orders):
        return "adopted: it was found on the exchange"
    signal_id = record.position.signal_id
    return f"signal {signal_id}" if signal_id else ""


def _fill_row(fill: Fill, price_increment: Decimal) -> Row:
    return {
        "at": fill.executed_at,
        "what": f"{fill.order.purpose if fill.order else 'not ours'} · {fill.side}",
        "forced": fill.forced,
        "price": formats.price(fill.price, price_increment),
        "quantity": formats.quantity(fill.quantity),
        "fee": f"{formats.quantity(fill.fee)} {fill.fee_currency}",
        "pnl": formats.change(fill.realized_pnl),
        "tone": formats.tone(fill.realized_pnl),
        "trade_id": fill.trade_id,
    }
