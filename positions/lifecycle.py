"""The two state machines as tables. An illegal move raises and changes nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar


class PositionStatus(StrEnum):
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class PositionEvent(StrEnum):
    ENTRY_FILLED = "entry_filled"
    CLOSE_REQUESTED = "close_requested"
    CLOSE_REFUSED = "close_refused"
    FLAT = "flat"  # everything bought is sold, or the exchange proved there is nothing
    NEVER_FILLED = "never_filled"


class OrderStatus(StrEnum):
    INITIALIZED = "initialized"
    SUBMITTED = "submitted"  # sent or maybe sent: the outcome is unknown until an answer is applied
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"  # a conditional order fired; fills come from its child
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"  # the exchange said no, or it was proven that the order never arrived
    DENIED = "denied"  # we said no before sending


class OrderEvent(StrEnum):
    CLAIMED = "claimed"
    NOT_SENT = "not_sent"
    DENIED = "denied"
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class OrderPurpose(StrEnum):
    ENTRY = "entry"
    CLOSE = "close"
    PROTECT = "protect"
    BACKSTOP = "backstop"  # the exchange's own trailing behind our stop
    REDUCE = "reduce"  # a part of the position
    TAKE_PROFIT = "take_profit"


class CloseReason(StrEnum):
    TRAILING_STOP = "trailing_stop"
    EXCHANGE_TRAILING = "exchange_trailing"  # the exchange's own, our backstop
    STOP_LOSS = "stop_loss"
    BREAKEVEN = "breakeven"
    PROFIT_LOCK = "profit_lock"
    TAKE_PROFIT = "take_profit"
    AFTER_LEVEL = "after_level"  # the stop that a taken level moved
    AGE = "age"
    PHANTOM_AGED = "PHANTOM_AGED"  # named by a requirement document
    SIGNAL = "signal"
    MANUAL = "manual"
    UNPROTECTED = "unprotected"
    LIQUIDATION = "liquidation"
    ADL = "adl"
    EXTERNAL = "external"
    NEVER_OPENED = "never_opened"
    KILL_SWITCH = "kill_switch"
    ARBITRAGE = "arbitrage"  # its pair was closed
    UNWOUND = "unwound"  # its pair never came about


class IllegalTransition(Exception):
    """A bug in the caller: this event cannot happen in this state."""


PS, PE = PositionStatus, PositionEvent
POSITION_TRANSITIONS: dict[tuple[PositionStatus, PositionEvent], PositionStatus] = {
    (PS.OPENING, PE.ENTRY_FILLED): PS.OPEN,
    (PS.OPENING, PE.NEVER_FILLED): PS.CLOSED,
    (PS.OPENING, PE.CLOSE_REQUESTED): PS.CLOSING,
    (PS.OPEN, PE.ENTRY_FILLED): PS.OPEN,
    (PS.OPEN, PE.CLOSE_REQUESTED): PS.CLOSING,
    (PS.OPEN, PE.FLAT): PS.CLOSED,  # closed outside: a stop on the exchange, a person, a liquidation
    (PS.CLOSING, PE.ENTRY_FILLED): PS.CLOSING,  # the entry filled after its close was asked for
    (PS.CLOSING, PE.CLOSE_REFUSED): PS.OPEN,
    (PS.CLOSING, PE.FLAT): PS.CLOSED,
    (PS.CLOSING, PE.NEVER_FILLED): PS.CLOSED,
}

OS, OE = OrderStatus, OrderEvent
_FILLS = {OE.PARTIALLY_FILLED: OS.PARTIALLY_FILLED, OE.FILLED: OS.FILLED}
_ENDS = {OE.CANCELED: OS.CANCELED, OE.EXPIRED: OS.EXPIRED, OE.REJECTED: OS.REJECTED}
ORDER_TRANSITIONS: dict[tuple[OrderStatus, OrderEvent], OrderStatus] = {
    (OS.INITIALIZED, OE.CLAIMED): OS.SUBMITTED,
    (OS.INITIALIZED, OE.DENIED): OS.DENIED,
    (OS.SUBMITTED, OE.NOT_SENT): OS.INITIALIZED,  # the one backward arrow: proven not executed
    (OS.SUBMITTED, OE.ACCEPTED): OS.ACCEPTED,
    (OS.ACCEPTED, OE.ACCEPTED): OS.ACCEPTED,  # the answer and the stream both tell it
    (OS.PENDING_CANCEL, OE.ACCEPTED): OS.PENDING_CANCEL,
    (OS.ACCEPTED, OE.CANCEL_REQUESTED): OS.PENDING_CANCEL,
    (OS.PARTIALLY_FILLED, OE.CANCEL_REQUESTED): OS.PENDING_CANCEL,
    **{(s, OE.TRIGGERED): OS.TRIGGERED for s in (OS.SUBMITTED, OS.ACCEPTED, OS.TRIGGERED, OS.PENDING_CANCEL)},
    **{
        (s, event): after
        for s in (OS.SUBMITTED, OS.ACCEPTED, OS.TRIGGERED, OS.PARTIALLY_FILLED, OS.PENDING_CANCEL)
        for event, after in (_FILLS | _ENDS).items()
    },
    # our "not sent" was wrong: the exchange knows it
    **{
        (OS.INITIALIZED, event): after
        for event, after in (_FILLS | _ENDS | {OE.ACCEPTED: OS.ACCEPTED, OE.TRIGGERED: OS.TRIGGERED}).items()
    },
    (OS.PENDING_CANCEL, OE.PARTIALLY_FILLED): OS.PENDING_CANCEL,
    # the real world: a fill may be reported after the cancel, the expiry, our verdict "absent" or, when our "not sent"
    # was wrong, our denial; a partial one adds quantity to an order that stays ended
    **{
        (s, event): after
        for s in (OS.CANCELED, OS.EXPIRED, OS.REJECTED, OS.DENIED)
        for event, after in ((OE.PARTIALLY_FILLED, s), (OE.FILLED, OS.FILLED))
    },
    (OS.FILLED, OE.FILLED): OS.FILLED,
    # another end of an order that ended: what we took for absent worked after all and is canceled now
    **{(s, event): s for s in (OS.CANCELED, OS.EXPIRED, OS.REJECTED, OS.DENIED) for event in _ENDS},
}

# the exchange has confirmed it and we have not asked for its end
STANDING = frozenset({OS.ACCEPTED, OS.TRIGGERED, OS.PARTIALLY_FILLED})
# the exchange has never said that it has it
NEVER_STOOD = frozenset({OS.INITIALIZED, OS.SUBMITTED, OS.REJECTED, OS.DENIED})
DONE = frozenset({OS.FILLED, OS.CANCELED, OS.EXPIRED, OS.REJECTED, OS.DENIED})
PENDING = frozenset(OS) - DONE

S = TypeVar("S", PositionStatus, OrderStatus)


def is_stale(current: str, event: OrderEvent) -> bool:
    """Reports overtake each other: news of an earlier stage about an order that is further on."""
    early = (OrderEvent.ACCEPTED, OrderEvent.TRIGGERED, OrderEvent.PARTIALLY_FILLED)
    return event in early and (OrderStatus(current), event) not in ORDER_TRANSITIONS


def next_position_status(current: str, event: PositionEvent) -> PositionStatus:
    return _next(POSITION_TRANSITIONS, PositionStatus(current), event)


def next_order_status(current: str, event: OrderEvent) -> OrderStatus:
    return _next(ORDER_TRANSITIONS, OrderStatus(current), event)


def _next(table: dict[tuple[S, StrEnum], S] | dict, current: S, event: StrEnum) -> S:  # type: ignore[type-arg]
    try:
        return table[current, event]
    except KeyError:
        raise IllegalTransition(
            f"{event} cannot happen to a {type(current).__name__} that is {current}"
        ) from None
