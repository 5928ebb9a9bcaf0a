"""What closing at market will likely cost, and by what that is judged. Reads only; may use the network, so never inside
a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from exchanges import session
from exchanges.models import KEYS, ExchangeAccount
from exchanges.types import PositionSide
from positions import formats
from positions.accounting import QUOTE_CURRENCIES
from positions.lifecycle import OrderPurpose, OrderStatus
from positions.live_rows import Held
from positions.models import Fill, Order, Position

PATIENCE_SECONDS = 1.0  # somebody may be in a hurry
STOPS_JUDGED_BY = 10
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of what is held, by its value; None: nothing is known to judge by."""

    of_value: Decimal | None
    judged_by: str

    def shown(self, value: Decimal | None) -> dict[str, str]:
        cost = None if self.of_value is None or value is None else -self.of_value * value
        share = "" if self.of_value is None else f"{self.of_value:f}"
        return {"text": formats.change(cost), "share": share, "note": self.judged_by}


def closing_costs(held: Held) -> dict[str, dict[str, str]]:
    price = held.mark_price or held.entry_price
    value = None if price is None else price * held.quantity
    fee, slippage = _fee(held), _slippage(held)
    return {
        "fee": fee.shown(value),
        "slippage": slippage.shown(value),
        "net": _net(held, value, fee, slippage),
    }


def _net(held: Held, value: Decimal | None, *costs: Share) -> dict[str, str]:
    pnl, shares = held.unrealized_pnl, [one.of_value for one in costs]
    if pnl is None or value is None or None in shares:
        return {"text": formats.UNKNOWN, "tone": ""}
    net = pnl - value * sum((one for one in shares if one is not None), Decimal(0))
    return {"text": formats.change(net), "tone": formats.tone(net)}


def _fee(held: Held) -> Share:
    """By the rate that the newest of its executions paid."""
    paid = Fill.objects.filter(position=held.id, fee_currency__in=QUOTE_CURRENCIES, quantity__gt=0)
    newest = paid.order_by("-executed_at").first()
    if newest is None:
        return Share(None, "no fill of it tells a rate")
    rate = newest.fee / (newest.price * newest.quantity)
    return Share(rate, f"{formats.quantity(round(rate * HUNDRED, 4))}%, as its last fill paid")


def _slippage(held: Held) -> Share:
    return _by_book(held) or _by_stops(held) or Share(None, "no order book and no earlier stop to judge by")


def _by_book(held: Held) -> Share | None:
    """From the mark to the best price of the side that will be hit."""
    account = ExchangeAccount.objects.defer(*KEYS).get(positions=held.id)
    try:
        bid, ask = session.call(
            account, lambda client: client.best_prices(held.symbol), timeout=PATIENCE_SECONDS
        )
    except Exception:  # whatever is wrong there, the sheet of a close must open
        return None
    is_long = held.position_side is PositionSide.LONG
    best, what = (bid.price, "bid") if is_long else (ask.price, "ask")
    mark = held.mark_price or best
    if not mark:
        return None
    share = (mark - best) * held.position_side.sign / mark
    shown = formats.price(best, held.price_increment)
    return Share(share, f"to the best {what} {shown} of the order book; more if less is offered there")


def _by_stops(held: Held) -> Share | None:
    """How far beyond their trigger the last stops of this contract were filled."""
    instrument = Position.objects.values("instrument").filter(pk=held.id)
    hit = Order.objects.filter(
        position__instrument__in=instrument, position__position_side=held.position_side.value,
        purpose=OrderPurpose.PROTECT, status=OrderStatus.FILLED,
        trigger_price__gt=0, average_price__isnull=False,
    ).order_by("-updated_at").values_list("trigger_price", "average_price")[:STOPS_JUDGED_BY]  # fmt: skip
    shares = [(trigger - filled) * held.position_side.sign / trigger for trigger, filled in hit]
    if not shares:
        return None
    return Share(sum(shares, Decimal(0)) / len(shares), f"as the last {len(shares)} stops of it slipped")
