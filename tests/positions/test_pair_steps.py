"""What follows for an arbitrage trade from what became of its two legs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from positions.arbitrage import Cause
from positions.lifecycle import IllegalTransition, PositionStatus
from positions.pair_lifecycle import TRADE_ENDS, TRADE_TRANSITIONS, TradeEvent, TradeStatus, next_trade_status
from positions.pair_steps import PATIENCE, LegState, Step, next_step

PS, TS, TE = PositionStatus, TradeStatus, TradeEvent
JUST_NOW = timedelta(0)
LONG = LegState("the long", PS.OPEN, D(1), was_held=True, entry_is_done=True, is_unwanted=False)
SHORT = replace(LONG, name="the short")
WAITING = replace(SHORT, status=PS.OPENING, held=D(0), was_held=False, entry_is_done=False)
REFUSED = replace(WAITING, status=PS.CLOSED, entry_is_done=True, note="no money")
GONE = replace(SHORT, status=PS.CLOSED, held=D(0), note="stop_loss")
HALF = replace(SHORT, held=D("0.5"))


def test_both_filled_alike_is_open() -> None:
    assert next_step(TS.OPENING, (LONG, SHORT), JUST_NOW) == Step(TE.BOTH_FILLED)


def test_a_leg_that_is_still_filling_is_waited_for() -> None:
    filling = replace(HALF, entry_is_done=False)
    for leg in (WAITING, filling):
        assert next_step(TS.OPENING, (LONG, leg), PATIENCE - timedelta(seconds=1)) is None
        step = next_step(TS.OPENING, (LONG, leg), PATIENCE)
        assert step == Step(
            TE.LEG_FAILED, Cause.LEG_UNKNOWN, "the entry on the short is not known after 10 s"
        )


@pytest.mark.parametrize(
    ("leg", "cause", "reason"),
    [
        (REFUSED, Cause.LEG_REFUSED, "the short: no money"),
        (GONE, Cause.LEG_LOST, "the short: stop_loss"),
        (replace(SHORT, is_unwanted=True, note="manual"), Cause.LEG_LOST, "the short: manual"),
        (HALF, Cause.UNEVEN, "the legs are not alike: 1 on the long and 0.5 on the short"),
    ],
)
def test_what_fails_while_it_opens_is_unwound(leg: LegState, cause: Cause, reason: str) -> None:
    assert next_step(TS.OPENING, (LONG, leg), JUST_NOW) == Step(TE.LEG_FAILED, cause, reason)


@pytest.mark.parametrize(("leg", "cause"), [(GONE, Cause.LEG_LOST), (HALF, Cause.UNEVEN)])
def test_an_open_trade_ends_with_one_of_its_legs(leg: LegState, cause: Cause) -> None:
    step = next_step(TS.OPEN, (LONG, leg), JUST_NOW)
    assert step is not None
    assert (step.event, step.cause) == (TE.CLOSE_WANTED, cause)
    assert next_step(TS.OPEN, (LONG, SHORT), timedelta(days=9)) is None


def test_it_ends_when_both_are_flat_and_not_before() -> None:
    for status in (TS.CLOSING, TS.UNWINDING):
        assert next_step(status, (LONG, GONE), timedelta(days=1)) is None
        assert next_step(status, (GONE, GONE), JUST_NOW) == Step(TE.FLAT)
    assert next_step(TS.UNWINDING, (GONE, REFUSED), JUST_NOW) == Step(TE.NEVER_PAIRED)


def test_from_every_state_there_is_a_way_to_an_end_and_from_an_end_there_is_none() -> None:
    reached = set(TRADE_ENDS)
    for _ in TradeStatus:
        reached |= {before for (before, _), after in TRADE_TRANSITIONS.items() if after in reached}
    assert reached == set(TradeStatus)
    for end in TRADE_ENDS:
        with pytest.raises(IllegalTransition):
            next_trade_status(end, TE.BOTH_FILLED)
        assert next_step(end, (GONE, GONE), JUST_NOW) is None
