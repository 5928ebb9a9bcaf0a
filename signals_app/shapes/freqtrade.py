"""What freqtrade's webhook says of an entry or an exit, with the fields it documents under their own names:
{type, pair, direction, open_date or close_date, trade_id, ...}. Pure."""

from __future__ import annotations

from datetime import datetime

from signals_app.reasons import ReasonCode
from signals_app.shapes import fields as read
from signals_app.shapes.foreign import refuse_unknown
from signals_app.shapes.shape import Shape
from signals_app.shapes.signal import Refused, Signal

DATES = {"entry": "open_date", "exit": "close_date"}
ONLY_TOLD = ("entry_fill", "exit_fill", "entry_cancel", "exit_cancel")
DIRECTIONS = {"long": "long", "short": "short"}
UNUSED = frozenset(
    {
        "exchange", "leverage", "limit", "open_rate", "close_rate", "current_rate", "order_rate", "amount",
        "stake_amount", "stake_amount_fiat", "stake_currency", "base_currency", "quote_currency", "fiat_currency",
        "order_type", "enter_tag", "exit_reason", "gain", "profit_amount", "profit_ratio", "profit_fiat", "market_url",
    }
)  # fmt: skip
KNOWN = UNUSED | {
    "type",
    "pair",
    "direction",
    "open_date",
    "close_date",
    "trade_id",
    "sub_trade",
    "is_final_exit",
}
TITLE = "a message of freqtrade"


def _signal(fields: read.Fields, received_at: datetime) -> Signal:
    kind = _kind(fields)
    refuse_unknown(fields, KNOWN, TITLE)
    _refuse_parts(fields)
    moment = read.required_time(fields, DATES[kind], received_at)
    return Signal(
        symbol=read.symbol(fields, "pair"),
        message=f"{kind} {read.action(fields, 'direction', DIRECTIONS)}",
        bar_time=moment,
        sent_at=moment,
        signal_id=read.signal_id({"id": fields.get("trade_id")}),
    )


def _kind(fields: read.Fields) -> str:
    kind = read.required_text(fields, "type").strip().lower()
    if kind in ONLY_TOLD:
        raise Refused(f"{kind} tells what happened to an order: send entry and exit", ReasonCode.NOT_A_SIGNAL)
    if kind not in DATES:
        raise Refused(f"type {kind[:40]!r} is none of {', '.join(DATES)}", ReasonCode.NOT_A_SIGNAL)
    return kind


def _refuse_parts(fields: read.Fields) -> None:
    """Filled into a template these are words."""
    is_part = str(fields.get("sub_trade", "")).lower() == "true"
    if is_part or str(fields.get("is_final_exit", "")).lower() == "false":
        text = "a part of a position is entered or left: only whole positions are followed here"
        raise Refused(text, ReasonCode.NOT_FOLLOWED)


FREQTRADE = Shape(
    TITLE, ("type", "pair", "direction"), _signal, never=("symbol", "message", "ticker", "action")
)
