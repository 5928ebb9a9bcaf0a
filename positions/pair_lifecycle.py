"""The life of one arbitrage trade as a table. An illegal move raises and changes nothing. Pure."""

from __future__ import annotations

from enum import StrEnum

from positions.lifecycle import IllegalTransition


class TradeStatus(StrEnum):
    OPENING = "opening"  # both entries are rows, and not both are filled
    OPEN = "open"
    CLOSING = "closing"
    UNWINDING = "unwinding"  # never both legs alike: what is held goes at once
    CLOSED = "closed"
    FAILED = "failed"


class TradeEvent(StrEnum):
    BOTH_FILLED = "both_filled"
    LEG_FAILED = "leg_failed"
    CLOSE_WANTED = "close_wanted"
    FLAT = "flat"
    NEVER_PAIRED = "never_paired"  # flat, and one leg never held anything


TS, TE = TradeStatus, TradeEvent
TRADE_TRANSITIONS: dict[tuple[TradeStatus, TradeEvent], TradeStatus] = {
    (TS.OPENING, TE.BOTH_FILLED): TS.OPEN,
    (TS.OPENING, TE.LEG_FAILED): TS.UNWINDING,
    (TS.OPEN, TE.CLOSE_WANTED): TS.CLOSING,
    (TS.CLOSING, TE.FLAT): TS.CLOSED,
    (TS.UNWINDING, TE.FLAT): TS.CLOSED,
    (TS.UNWINDING, TE.NEVER_PAIRED): TS.FAILED,
}
TRADE_ENDS = frozenset({TS.CLOSED, TS.FAILED})


def next_trade_status(current: str, event: TradeEvent) -> TradeStatus:
    try:
        return TRADE_TRANSITIONS[TradeStatus(current), event]
    except KeyError:
        raise IllegalTransition(f"{event} cannot happen to an arbitrage trade that is {current}") from None
