"""Both tables, pair by pair: what must not happen raises."""

from __future__ import annotations

from itertools import product

import pytest

from positions.lifecycle import (
    DONE,
    ORDER_TRANSITIONS,
    POSITION_TRANSITIONS,
    STANDING,
    IllegalTransition,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    PositionStatus,
    is_stale,
    next_order_status,
    next_position_status,
)


@pytest.mark.parametrize(("status", "event"), list(product(PositionStatus, PositionEvent)))
def test_every_position_move_is_in_the_table_or_raises(status: PositionStatus, event: PositionEvent) -> None:
    if (status, event) in POSITION_TRANSITIONS:
        assert next_position_status(status.value, event) is POSITION_TRANSITIONS[status, event]
    else:
        with pytest.raises(
            IllegalTransition, match=f"{event} cannot happen to a PositionStatus that is {status}"
        ):
            next_position_status(status.value, event)


@pytest.mark.parametrize(("status", "event"), list(product(OrderStatus, OrderEvent)))
def test_every_order_move_is_in_the_table_or_raises(status: OrderStatus, event: OrderEvent) -> None:
    if (status, event) in ORDER_TRANSITIONS:
        assert next_order_status(status.value, event) is ORDER_TRANSITIONS[status, event]
    else:
        with pytest.raises(IllegalTransition):
            next_order_status(status.value, event)


def test_a_closed_position_never_moves_again() -> None:
    assert not [move for move in POSITION_TRANSITIONS if move[0] is PositionStatus.CLOSED]


def test_only_a_claim_sends_and_only_proof_takes_it_back() -> None:
    sent = {move for move, after in ORDER_TRANSITIONS.items() if after is OrderStatus.SUBMITTED}
    assert sent == {(OrderStatus.INITIALIZED, OrderEvent.CLAIMED)}
    back = {move for move, after in ORDER_TRANSITIONS.items() if after is OrderStatus.INITIALIZED}
    assert back == {(OrderStatus.SUBMITTED, OrderEvent.NOT_SENT)}


def test_an_ended_order_never_works_again() -> None:
    for (before, event), after in ORDER_TRANSITIONS.items():
        if before in DONE:
            assert after in DONE, f"{before} came back to life by {event}"


@pytest.mark.parametrize(
    "status", [*sorted(DONE - {OrderStatus.FILLED}), OrderStatus.INITIALIZED, OrderStatus.SUBMITTED]
)
@pytest.mark.parametrize(
    "event", [OrderEvent.PARTIALLY_FILLED, OrderEvent.FILLED, OrderEvent.CANCELED, OrderEvent.EXPIRED]
)
def test_whatever_we_believed_the_exchange_may_tell_of_a_fill_or_an_end(
    status: OrderStatus, event: OrderEvent
) -> None:
    """Also of an order that we hold for not sent or denied."""
    assert (status, event) in ORDER_TRANSITIONS


def test_what_stands_has_not_ended() -> None:
    assert not STANDING & DONE


@pytest.mark.parametrize(
    ("status", "event", "stale"),
    [
        (OrderStatus.FILLED, OrderEvent.ACCEPTED, True),
        (OrderStatus.FILLED, OrderEvent.PARTIALLY_FILLED, True),
        (OrderStatus.CANCELED, OrderEvent.ACCEPTED, True),
        (OrderStatus.TRIGGERED, OrderEvent.ACCEPTED, True),
        (OrderStatus.CANCELED, OrderEvent.PARTIALLY_FILLED, False),
        (OrderStatus.SUBMITTED, OrderEvent.ACCEPTED, False),
        (OrderStatus.FILLED, OrderEvent.CANCELED, False),
    ],
)
def test_news_of_an_earlier_stage_is_stale(status: OrderStatus, event: OrderEvent, stale: bool) -> None:
    assert is_stale(status, event) is stale
