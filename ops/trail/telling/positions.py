"""A position's life, and its stop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from ops.trail.telling.entries import Row, Sentence, Step, printable, shown
from positions.accounting import QUOTE_CURRENCIES
from positions.formats import words


def position(step: Step) -> Iterator[Sentence]:
    name = f"position {step.told.key}"
    if step.is_first:
        yield step.sentence(f"{name} is planned: {_plan(step)}")
        return
    said: tuple[str, ...] = ("is_live", "updated_at")
    if "status" in step.new:
        text, used = _new_status(name, step)
        said += ("status", *used)
        yield step.sentence(text)
    elif "unprotected_since" in step.new:
        said += ("unprotected_since", "unprotected_seconds")
        yield step.sentence(f"{name} {_protection(step.row)}")
    if rest := step.rest(*said):
        yield step.sentence(f"{name}: {rest}")


def _plan(step: Step) -> str:
    row, names = step.row, step.names
    symbol = names.symbols.get(row["instrument_id"], f"instrument {row['instrument_id']}")
    account = names.accounts.get(row["account_id"], row["account_id"])
    return (
        f"{row['position_side']} {shown(row['planned_quantity'])} {symbol} on account {account}, "
        f"{shown(row['planned_notional'])} at the mark price {shown(row['reference_price'])}, "
        f"leverage {row['leverage']}; plan: {names.plans.get(row.get('plan_id', ''), 'not known')}"
    )


def _new_status(name: str, step: Step) -> tuple[str, tuple[str, ...]]:
    """The sentence, and the columns that it says."""
    row = step.row
    match row["status"]:
        case "closing":
            who, why = printable(row["close_requested_by"]) or "nobody", words(row["close_reason"])
            return f"{who} asks to close {name} ({why})", ("close_reason", "close_requested_by")
        case "closed":
            told = ("close_reason", "closed_at", "quantity", "absent_since", "unprotected_since")
            return f"{name} is closed ({words(row['close_reason'])})", told
        case "open" if "close_again_at" in step.new:
            again = shown(row["close_again_at"], "close_again_at")
            return f"the close was refused; {name} is open, and is to be closed at {again}", (
                "close_again_at",
            )
        case status:
            return f"{name} is {status}", ("opened_at", "unprotected_since")


def _protection(row: Row) -> str:
    if row["unprotected_since"]:
        return "has no stop on the exchange any more"
    return f"has its stop on the exchange; {shown(row['unprotected_seconds'])} s were without one"


def result(row: Row, at: datetime, fills: Iterable[Row] = ()) -> Sentence:
    name = f"position {row['id']}"
    if row["status"] != "closed":
        return Sentence(at, f"so far: {name} is {row['status']} and holds {shown(row['quantity'])}")
    if not row["opened_at"]:
        return Sentence(at, f"result: {name} never held anything")
    funding = row.get("funding") or Decimal(0)
    whole = row["realized_pnl"] - row["fees"] + funding
    return Sentence(
        at,
        f"result: {name} was closed ({words(row['close_reason'])}); "
        f"profit {shown(row['realized_pnl'])}, fees {shown(row['fees'])}, funding {shown(funding)}: "
        f"{shown(whole)} in all{_other_fees(row, fills)}; {shown(row['unprotected_seconds'])} s were without a stop",
    )


def _other_fees(row: Row, fills: Iterable[Row]) -> str:
    """What was paid in another coin is in no sum: nobody knows here what it was worth."""
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        if fill["position_id"] == row["id"] and fill["fee_currency"] not in QUOTE_CURRENCIES:
            paid[fill["fee_currency"]] += fill["fee"]
    return "".join(f", besides {shown(fee)} {currency} of fees" for currency, fee in sorted(paid.items()))


def trailing(step: Step) -> Iterator[Sentence]:
    name = f"position {step.told.key}"
    if step.told.change == "delete":
        yield step.sentence(f"{name} needs no stop any more")
    elif step.is_first:
        yield step.sentence(f"the stop of {name} follows its plan")
    else:
        yield from _stop_moves(step, name)


MOVED = ("state", "entry_price", "activation_price", "stop_price", "activated_at", "high_water_mark", "last_mark_price",
         "last_advanced_at", "update_count", "stop_reason", "loosened_from")  # fmt: skip


def _stop_moves(step: Step, name: str) -> Iterator[Sentence]:
    row, new = step.row, step.new
    said: tuple[str, ...] = MOVED
    if new.get("state") == "active":
        yield step.sentence(
            f"the price has come far enough: the stop of {name} trails, now at {shown(row['stop_price'])}"
        )
    elif new.get("state") == "waiting":
        yield step.sentence(
            f"the stop of {name} is to stand at {shown(row['stop_price'])}, for its entry at "
            f"{shown(row['entry_price'])}; it trails from {shown(row['activation_price'])} on"
        )
    elif "stop_price" in new:
        best = f" behind the best price {shown(row['high_water_mark'])}" if row["high_water_mark"] else ""
        why = f" ({words(row['stop_reason'])})" if row.get("stop_reason") else ""
        moves = "is loosened" if new.get("loosened_from") else "moves"
        yield step.sentence(f"the stop of {name} {moves} to {shown(row['stop_price'])}{best}{why}")
    elif new.get("crossed_at"):
        price, said = shown(row["last_mark_price"]), (*MOVED, "crossed_at")
        yield step.sentence(f"the price {price} is beyond the stop of {name} at {shown(row['stop_price'])}")
    else:
        said = MOVED[4:]
    if rest := step.rest(*said):
        yield step.sentence(f"the stop of {name}: {rest}")


BECAME = {
    "executed": "is sold",
    "merged": "is too small for an order and goes with the next",
    "canceled": "is called off",
    "error": "cannot be placed",
}


def level(step: Step) -> Iterator[Sentence]:
    row = step.row
    name = f"take-profit level {row['level']} of position {row['trade_id']}"
    said: tuple[str, ...] = ("updated_at", "status", "error")
    if step.is_first:
        at = "" if row["price"] is None else f" at {shown(row['price'])}"
        yield step.sentence(
            f"{name} is to sell {shown(row['close_ratio'] * 100)} %: {shown(row['close_qty'])}{at}"
        )
        said = tuple(row)
    if row["status"] in BECAME and "status" in step.new:
        because = f": {printable(row['error'])}" if row["error"] else ""
        yield step.sentence(f"{name} {BECAME[row['status']]}{because}")
    if rest := step.rest(*said):
        yield step.sentence(f"{name}: {rest}")
