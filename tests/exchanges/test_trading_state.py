"""Who may stop an account, and who may let it trade again: every case of the table."""

from __future__ import annotations

from itertools import product

import pytest

from exchanges.trading_state import Cause, Move, TradingState, move, strictest

ACTIVE, REDUCING, HALTED = TradingState
PERSON, VENUE, LIMITS, DAY = Cause


@pytest.mark.parametrize(("set_by", "asked_by"), list(product(Cause, Cause)))
def test_anybody_may_make_it_stricter(set_by: Cause, asked_by: Cause) -> None:
    for now, wanted in ((ACTIVE, REDUCING), (ACTIVE, HALTED), (REDUCING, HALTED)):
        assert move(now, set_by, wanted, asked_by) is Move.CHANGE


@pytest.mark.parametrize("now", [REDUCING, HALTED])
@pytest.mark.parametrize(
    ("set_by", "asked_by", "expected"),
    [
        (PERSON, PERSON, Move.CHANGE),
        (PERSON, VENUE, Move.REFUSE),
        (PERSON, LIMITS, Move.REFUSE),
        (VENUE, PERSON, Move.CHANGE),
        (VENUE, VENUE, Move.REFUSE),
        (VENUE, LIMITS, Move.REFUSE),
        (LIMITS, PERSON, Move.CHANGE),
        (LIMITS, VENUE, Move.REFUSE),
        (LIMITS, LIMITS, Move.CHANGE),
        (LIMITS, DAY, Move.REFUSE),
        (DAY, PERSON, Move.CHANGE),
        (DAY, VENUE, Move.REFUSE),
        (DAY, LIMITS, Move.CHANGE),
        (DAY, DAY, Move.CHANGE),
    ],
)
def test_only_a_person_ends_what_was_not_set_by_limits(
    now: TradingState, set_by: Cause, asked_by: Cause, expected: Move
) -> None:
    assert move(now, set_by, ACTIVE, asked_by) is expected


def test_a_limit_that_wants_less_than_stands_changes_nothing() -> None:
    nobody = (VENUE, LIMITS, DAY)
    assert {move(HALTED, set_by, REDUCING, by) for set_by, by in product(Cause, nobody)} == {Move.KEEP}
    assert move(HALTED, VENUE, REDUCING, PERSON) is Move.CHANGE


@pytest.mark.parametrize("now", [REDUCING, HALTED])
def test_who_wants_what_limits_have_set_takes_it_over(now: TradingState) -> None:
    assert move(now, LIMITS, now, PERSON) is Move.CHANGE
    assert move(now, LIMITS, now, LIMITS) is Move.KEEP
    assert move(now, PERSON, now, VENUE) is Move.KEEP


def test_what_ends_with_the_day_is_taken_over_by_all_that_does_not() -> None:
    assert {move(REDUCING, DAY, REDUCING, by) for by in (PERSON, VENUE, LIMITS)} == {Move.CHANGE}
    assert {move(REDUCING, by, REDUCING, DAY) for by in Cause} == {Move.KEEP}
    assert move(HALTED, LIMITS, REDUCING, DAY) is Move.KEEP


def test_active_stays_active() -> None:
    assert {move(ACTIVE, set_by, ACTIVE, by) for set_by, by in product(Cause, Cause)} == {Move.KEEP}


def test_the_strictest_of_several_counts() -> None:
    assert strictest(ACTIVE, HALTED, REDUCING) is HALTED
    assert strictest(ACTIVE, REDUCING) is REDUCING


@pytest.mark.parametrize("set_by", list(Cause))
def test_less_than_a_halt_changes_nothing_while_all_is_being_closed(set_by: Cause) -> None:
    assert move(HALTED, set_by, REDUCING, PERSON, is_being_closed=True) is Move.KEEP
    assert move(HALTED, set_by, ACTIVE, PERSON, is_being_closed=True) is Move.CHANGE
    assert move(ACTIVE, set_by, REDUCING, PERSON, is_being_closed=True) is Move.CHANGE
