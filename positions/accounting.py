"""Average prices, profit and fees from executions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from exchanges.types import PositionSide, Side

ZERO = Decimal(0)
QUOTE_CURRENCIES = ("USDT", "")


@dataclass(frozen=True, slots=True)
class Execution:
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO  # quote currency: what was paid in another coin is told apart


@dataclass(frozen=True, slots=True)
class Accounts:
    """quantity still held; averages None where nothing was traded; realized_pnl excludes fees (quote currency)."""

    quantity: Decimal = ZERO
    average_entry_price: Decimal | None = None
    average_exit_price: Decimal | None = None
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO


def account_for(
    position_side: PositionSide, executions: Iterable[Execution], answered: Decimal | None = None
) -> Accounts:
    """Average-cost accounting in the order given; an exit is valued against the average entry so far, before any
    against the `answered` price of the entry's order, and not at all while nobody knows one. An exit that is told
    before its entry leaves the average at the entry's price once that comes."""
    held = bought = cost = sold = proceeds = pnl = fees = ZERO
    average = answered
    for one in executions:
        fees += one.fee
        if one.side is position_side.entry_side:
            before = max(held, ZERO)
            average = ((average or ZERO) * before + one.price * one.quantity) / (before + one.quantity)
            held, bought, cost = held + one.quantity, bought + one.quantity, cost + one.price * one.quantity
        else:
            if average is not None:
                pnl += (one.price - average) * one.quantity * position_side.sign
            held, sold, proceeds = (
                held - one.quantity,
                sold + one.quantity,
                proceeds + one.price * one.quantity,
            )
    return Accounts(held, _ratio(cost, bought), _ratio(proceeds, sold), pnl, fees)


def _ratio(total: Decimal, quantity: Decimal) -> Decimal | None:
    return total / quantity if quantity else None


@dataclass(frozen=True, slots=True)
class OrderEvidence:
    """What is known of one order: `answered` by its own record, `executed` by its executions. Either may come first."""

    side: Side
    answered: Decimal
    executed: Decimal


def quantity_held(
    position_side: PositionSide,
    unexplained: Decimal,
    orders: Iterable[OrderEvidence],
    foreign: Iterable[Execution],
) -> Decimal:
    """Base units. `foreign`: executions on this leg that no order of ours caused."""
    ours = (signed(position_side, o.side, max(o.answered, o.executed)) for o in orders)
    theirs = (signed(position_side, one.side, one.quantity) for one in foreign)
    return unexplained + sum(ours, ZERO) + sum(theirs, ZERO)


def opening(position_side: PositionSide, unexplained: Decimal, price: Decimal | None) -> list[Execution]:
    """The unexplained part as an execution without a fee: found there, or gone at the entry's own price."""
    if unexplained == 0 or price is None:
        return []
    side = position_side.entry_side if unexplained > 0 else position_side.exit_side
    return [Execution(side, abs(unexplained), price)]


def explained_by(unexplained: Decimal, change: Decimal) -> Decimal:
    """The part of `unexplained` that an execution (signed) accounts for when the exchange had counted it already."""
    return min(unexplained, change, key=abs) if unexplained * change > 0 else ZERO


def signed(position_side: PositionSide, side: Side, quantity: Decimal) -> Decimal:
    """+quantity for what enlarges the position, -quantity for what shrinks it."""
    return quantity if side is position_side.entry_side else -quantity


def r_multiple(
    result: Decimal | None, entry_price: Decimal | None, first_stop: Decimal | None, bought: Decimal
) -> Decimal | None:
    """The result counted in what the first stop put at risk."""
    if result is None or entry_price is None or first_stop is None:
        return None
    return _ratio(result, abs(entry_price - first_stop) * bought)
