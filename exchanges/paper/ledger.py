"""What one execution does to a position and to the wallet. Pure."""

from __future__ import annotations

from decimal import Decimal

from exchanges.paper.book import ZERO, AccountState, PaperPosition

CENTS = Decimal("1E-8")


def book_execution(
    account: AccountState,
    position: PaperPosition,
    side: str,
    quantity: Decimal,
    price: Decimal,
    commission: Decimal,
) -> Decimal:
    """Changes both, returns the realized profit; the wallet moves by profit and commission and nothing else."""
    delta = quantity if side == "BUY" else -quantity
    profit = _profit(position, delta, price).quantize(CENTS)
    _move(position, delta, price)
    account.wallet_balance += profit - commission
    return profit


def _profit(position: PaperPosition, delta: Decimal, price: Decimal) -> Decimal:
    if position.amount * delta >= 0:
        return ZERO
    closed = min(abs(position.amount), abs(delta))
    return (price - position.entry_price) * closed * (1 if position.amount > 0 else -1)


def _move(position: PaperPosition, delta: Decimal, price: Decimal) -> None:
    before, after = position.amount, position.amount + delta
    if after == 0:
        position.entry_price = ZERO
    elif before * delta >= 0:
        position.entry_price = (position.entry_price * abs(before) + price * abs(delta)) / abs(after)
    elif before * after < 0:
        position.entry_price = price  # a one-way order turned the position round
    position.amount = after
