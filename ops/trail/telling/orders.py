"""Orders and what became of them: executions, payments, notes."""

from __future__ import annotations

from collections.abc import Iterator

from ops.trail.telling.entries import Row, Sentence, Step, anything, clock, printable, shown
from positions.formats import words

ORDER_NEWS = {
    "submitted": "is claimed for sending",
    "accepted": "is accepted by the exchange",
    "triggered": "was triggered",
    "partially_filled": "is partly filled",
    "filled": "is filled",
    "pending_cancel": "is to be canceled",
    "canceled": "is canceled",
    "expired": "has expired",
    "rejected": "was refused",
    "denied": "is not sent",
    "initialized": "was not sent and waits",
}
FILLED = ("filled_quantity", "average_price")
BOOKKEEPING = ("updated_at", "answered_at", "stood_at", "submitted_at", "status", "attempts", "reason")


def order(step: Step) -> Iterator[Sentence]:
    row = step.row
    name = f"order {row['client_order_id']}"
    if step.is_first:
        yield step.sentence(f"{words(row['purpose'])} {name} is written: {_wish(row)}")
        return
    if "status" not in step.new:
        if rest := step.rest("updated_at"):
            yield step.sentence(f"{name}: {rest}")
        return
    text = f"{name} {ORDER_NEWS.get(row['status'], 'is ' + words(row['status']))}"
    if row["status"] == "submitted" and row["attempts"] > 1:
        text += f" for the {row['attempts']}. time"
    if row["filled_quantity"] and "filled_quantity" in step.new:
        text += f" with {shown(row['filled_quantity'])} at {shown(row['average_price'])}"
    text += f": {printable(row['reason'])}" if step.new.get("reason") else ""
    rest = step.rest(*BOOKKEEPING, *FILLED)
    yield step.sentence(text + (f" ({rest})" if rest else ""))


def _wish(row: Row) -> str:
    wish = f"{words(row['order_type'])} {row['side']} {shown(row['quantity'])} {row['symbol']}"
    wish += f" at {shown(row['price'])}" if row["price"] is not None else ""
    wish += (
        f" when the price reaches {shown(row['trigger_price'])}" if row["trigger_price"] is not None else ""
    )
    if row.get("callback_rate") is not None:
        since = "at once" if row["activation_price"] is None else f"from {shown(row['activation_price'])} on"
        wish += f" {shown(row['callback_rate'])} % behind the best price, {since}"
    return wish + (", only to reduce" if row["reduce_only"] else "")


def fill(step: Step) -> Iterator[Sentence]:
    if not step.is_first:
        yield from anything(step)
        return
    row = step.row
    order = step.names.orders.get(str(row["order_id"]), "an order that is not ours")
    did = "bought" if row["side"] == "buy" else "sold"
    forced = f" ({row['forced']})" if row.get("forced") else ""
    profit = f", profit {shown(row['realized_pnl'])} by the exchange" if row["realized_pnl"] else ""
    yield step.sentence(
        f"execution {row['trade_id']} of {order}{forced}: {did} {shown(row['quantity'])} {row['symbol']} "
        f"at {shown(row['price'])}, fee {shown(row['fee'])} {row['fee_currency']}{profit}",
        f"at {clock(row['executed_at'])} by the exchange's clock",
    )


def funding(step: Step) -> Iterator[Sentence]:
    row = step.row
    yield step.sentence(
        f"funding payment {row['payment_id']} for {row['symbol']}: {shown(row['amount'])} {row['currency']}"
    )


def risk_event(step: Step) -> Iterator[Sentence]:
    row = step.row
    details = tuple(f"{words(name)}: {shown(value)}" for name, value in row["details"].items())
    yield step.sentence(f"noted ({row['risk_level']}): {words(row['event_type'])}", *details)
